"""The mounts that a script runs under, without an engine: as root, and as somebody else."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate.engine import confine
from migrate.engine.isolation import Isolation, endpoint, failure, isolate, unavailable, users_home

NOBODY = 65534
PYTHON = Path("/usr/bin/python3")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="ms-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name).resolve()


def confined(folder: Path, script: str, *, user: int, **mounts: object) -> str:
    """What `script` prints under the mounts; as another user than root, who can't read this clone."""
    scratch = folder / "scratch"
    scratch.mkdir()
    os.chown(scratch, user, user)
    isolation = Isolation(client="", host=None, **mounts)  # type: ignore[arg-type]
    words = isolation.words(scratch, scratch, {"PATH": "/usr/bin:/bin", "ONLY": "this"})
    shutil.copy(confine.__file__, folder / "confine.py")
    words[words.index(confine.__file__)] = str(folder / "confine.py")
    if user:
        words[0] = str(PYTHON)
        words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *words]
    done = subprocess.run([*words, "sh", "-c", script], check=False, capture_output=True, text=True, cwd="/")
    return done.stdout + (f"failed: {failure(scratch)}" if failure(scratch) else "")


@pytest.mark.parametrize("user", [0, NOBODY])
def test_mounts_are_there_and_who_runs_it_is_the_same(folder: Path, user: int) -> None:
    if (why := unavailable(Path(tempfile.gettempdir()))) is not None or os.geteuid() != 0 or not PYTHON.exists():
        pytest.skip(why or "needs root and the system's Python, to be somebody else")
    kept = folder / "kept"
    kept.mkdir()
    for name in ("cover", "program", "elsewhere"):
        (folder / name).write_text(f"{name}\n")
    os.chown(kept, user, user)
    said = confined(
        folder,
        f"id -u; id -g; pwd; env | sort; touch {kept}/x 2>/dev/null || echo kept; cat {folder}/program {folder}/elsewhere;"
        f" touch {folder}/scratch/new && echo written; umount {folder}/program 2> /dev/null || echo stays",
        user=user,
        read_only=(str(folder), str(kept)),
        reachable=((str(folder / "program"), str(folder / "elsewhere")),),
        masked=((str(folder / "program"), str(folder / "cover")),),
    )
    scratch = folder / "scratch"
    said_of_environment = [f"ONLY=this\nPATH=/usr/bin:/bin\nPWD={scratch}"]
    assert said == "\n".join(
        [str(user), str(user), str(scratch), *said_of_environment, "kept", "cover", "program", "written", "stays", ""]
    )


def test_what_fails_before_the_script_is_told_as_that(folder: Path) -> None:
    if (why := unavailable(Path(tempfile.gettempdir()))) is not None or os.geteuid() != 0:
        pytest.skip(why or "needs root")
    said = confined(folder, "echo never", user=0, read_only=("/nowhere",))
    assert said == "failed: mount over `/nowhere`: No such file or directory"


def test_every_client_and_socket_is_masked_once(folder: Path) -> None:
    """Links are seen through; one to a program of another name, as snap's, is left to the masked sockets."""
    for name in ("a", "b", "scratch", "bin", "home/.docker/run"):
        (folder / name).mkdir(parents=True)
    (folder / "a/docker").write_text("ELF")
    (folder / "b/docker").symlink_to("../a/docker")
    (folder / "snap").touch()
    (folder / "a/podman").symlink_to("../snap")
    (folder / "b/docker-compose").touch()
    (folder / "home/.docker/run/docker.sock").touch()
    (folder / "s").touch()
    programs = {n: folder / "bin" / n for n in ("docker", "podman", "docker-compose")}
    environment = {"PATH": f"{folder}/b:{folder}/a", "HOME": f"{folder}/home", "DOCKER_HOST": f"unix://{folder}/s"}
    found = isolate(
        folder / "scratch", folder / "b/docker", programs, [folder / "home", Path("/"), folder / "none"], environment
    )
    of_here = [(p, c) for p, c in found.masked if p.startswith(str(folder))]
    assert of_here == [
        (f"{folder}/a/docker", f"{folder}/bin/docker"),
        (f"{folder}/b/docker-compose", f"{folder}/bin/docker-compose"),
        (f"{folder}/home/.docker/run/docker.sock", f"{folder}/scratch/real/nothing"),
        (f"{folder}/s", f"{folder}/scratch/real/nothing"),
    ]
    assert found.client == f"{folder}/scratch/real/docker"
    assert found.host == f"unix://{folder}/scratch/real/engine"
    assert found.read_only == (f"{folder}/home",)


def test_an_endpoint_is_what_the_client_says_of_its_context(folder: Path) -> None:
    client = folder / "docker"
    client.write_text('#!/bin/sh\n[ "$1 $2" = "context inspect" ] && echo unix:///of/the/context\n')
    client.chmod(0o755)
    assert endpoint(client, {"PATH": "/usr/bin:/bin"}) == "unix:///of/the/context"
    assert endpoint(client, {"DOCKER_HOST": "tcp://x"}) == "tcp://x"
    assert endpoint(folder / "none", {}) == "unix:///var/run/docker.sock"


def test_a_home_that_every_program_writes_to_stays_writable() -> None:
    assert users_home({"HOME": "/home/me"}) == (Path("/home/me"),)
    for home in ("/", "/tmp", "/var", "", "relative"):
        assert users_home({"HOME": home}) == ()
