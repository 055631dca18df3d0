"""What stands between a script and the engine beside the stand-in: a plan of mounts, and whether they can be made here.

`confine` makes them, in the process that becomes the script. Where no namespace is to be had, `reach` looks instead for what
would get past the stand-in.
"""

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from migrate.engine import confine

CLIENTS = ("docker", "podman", "docker-compose", "docker-buildx")
_MASKED = (*CLIENTS, "sudo")
_FOLDERS = ("/usr/bin", "/usr/local/bin", "/bin", "/snap/bin", "/usr/sbin", "/opt/homebrew/bin")
_SOCKETS = (
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/podman/podman.sock",
    "/run/containerd/containerd.sock",
    "/run/buildkit/buildkitd.sock",
    "/run/crio/crio.sock",
)
_SOCKETS_OF_SESSION = ("docker.sock", "podman/podman.sock")
_SOCKETS_OF_HOME = (
    ".docker/run/docker.sock",
    ".docker/desktop/docker.sock",
    ".colima/default/docker.sock",
    ".rd/docker.sock",
)
_LONGEST_SOCKET = 100
"""Bytes of a socket's path that every system takes (108 on Linux, with the end)."""
_ROOMS_OF_ALL = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 -- named as what stays writable
_ASK_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """The mounts of one run: `read_only` folders and files; `reachable`, pairs of a file and the path at which the stand-in's
    client finds it from now on; `masked`, pairs of a file and what stands over it. `client` and `host` are the real client and
    its DOCKER_HOST (None: as the user has it) as the stand-in calls them."""

    client: str
    host: str | None
    read_only: tuple[str, ...] = ()
    reachable: tuple[tuple[str, str], ...] = ()
    masked: tuple[tuple[str, str], ...] = ()

    def words(self, folder: Path, directory: Path, environment: Mapping[str, str]) -> list[str]:
        """Write the plan to `folder`; the words that start a program under it, in `directory`. `failure` tells if it failed."""
        plan = {
            "keep": str(folder.resolve()),
            "read_only": self.read_only,
            "reachable": self.reachable,
            "masked": self.masked,
            "directory": str(directory),
            "environment": dict(environment),
            "failed": str(folder / "failed"),
        }
        path = folder / "isolation.json"
        path.write_text(json.dumps(plan))
        return [sys.executable, "-I", "-S", confine.__file__, str(path)]


def failure(folder: Path) -> str | None:
    """Why what `Isolation.words` started never became the script; None where it did."""
    path = folder / "failed"
    return path.read_text() if path.exists() else None


@functools.cache
def unavailable(folder: Path) -> str | None:
    """Why no mount namespace is to be had here, or None where it is. Tried once a `folder`, which is a run's, in a process of its
    own."""
    if sys.platform != "linux":
        return "only Linux has mount namespaces"
    with tempfile.TemporaryDirectory(dir=folder, prefix="trial-") as name:
        trial_folder = Path(name).resolve()
        for file in ("a", "b"):
            (trial_folder / file).touch()
        trial = Isolation(
            client="",
            host=None,
            read_only=(str(trial_folder / "a"),),
            masked=((str(trial_folder / "b"), str(trial_folder / "a")),),
        )
        words = [*trial.words(trial_folder, trial_folder, {}), sys.executable, "-I", "-S", "-c", ""]
        try:
            done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=_ASK_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode == 0:
            return None
        return failure(trial_folder) or (done.stderr.strip().splitlines() or ["the trial failed"])[-1]


def isolate(
    folder: Path,
    client: Path,
    programs: Mapping[str, Path],
    read_only: Iterable[Path],
    environment: Mapping[str, str],
) -> Isolation:
    """The plan for a run whose scratch folder is `folder`: each of the user's clients is masked by the program of its name.
    `read_only` are what the script must not write to; raises OSError where the plan's own files can't be made."""
    real = folder / "real"
    real.mkdir()
    nothing = real / "nothing"
    nothing.touch()
    masked, reachable = [], []
    new_client = str(client)
    clients = _clients(environment)
    if _begin(client) == b"#!":
        clients = {client.resolve()}  # a client that is a script (podman-docker) starts another one by its path
    for path in sorted(clients):
        name = path.name if path.name in programs else "docker"
        masked.append((str(path), str(programs[name])))
        if path == client.resolve():
            # under its own name, by which some programs know what they are
            new = real / client.name
            new.touch()
            new_client = str(new)
            reachable.append((str(path), new_client))
    host = endpoint(client, environment)
    socket = Path(host.removeprefix("unix://")).resolve() if host.startswith("unix://") else None
    new_host = None
    for path in sorted(_sockets(environment) | ({socket} if socket is not None else set())):
        if not os.path.exists(path):
            continue
        masked.append((str(path), str(nothing)))
        if path == socket:
            new = real / "engine"
            new.touch()
            new_host = f"unix://{new.resolve()}"
            reachable.append((str(path), str(new)))
    return Isolation(
        client=new_client,
        host=new_host,
        read_only=tuple(str(p) for p in _kept(read_only)),
        reachable=tuple(reachable),
        masked=tuple(masked),
    )


def fits(folder: Path) -> bool:
    """Whether a socket in the run's scratch folder has a path that a client can name."""
    return len(os.fsencode(folder.resolve() / "real/engine")) <= _LONGEST_SOCKET


def endpoint(client: Path, environment: Mapping[str, str]) -> str:
    """The engine that `client` talks to when it isn't told: DOCKER_HOST, else its context's, else the usual socket."""
    if environment.get("DOCKER_HOST"):
        return environment["DOCKER_HOST"]
    said = ""
    try:
        words = [str(client), "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
        done = subprocess.run(
            words, check=False, capture_output=True, text=True, timeout=_ASK_SECONDS, env=dict(environment)
        )
        said = done.stdout.strip() if done.returncode == 0 else ""
    except (OSError, subprocess.TimeoutExpired):
        pass
    return said or "unix:///var/run/docker.sock"


def _clients(environment: Mapping[str, str]) -> set[Path]:
    """Where a script could find a client of the user's. A link to a program of another name (snap) is no file of its own."""
    folders = [*environment.get("PATH", "").split(":"), *_FOLDERS]
    found = {Path(f, n).resolve() for f in folders if f.startswith("/") for n in _MASKED if os.path.isfile(f"{f}/{n}")}
    return {p for p in found if p.name in _MASKED or p.name.startswith(CLIENTS)}


def _begin(program: Path) -> bytes:
    with program.open("rb") as file:
        return file.read(2)


def _sockets(environment: Mapping[str, str]) -> set[Path]:
    session, home = environment.get("XDG_RUNTIME_DIR", ""), environment.get("HOME", "")
    paths = [Path(s) for s in _SOCKETS]
    paths += [Path(session, s) for s in _SOCKETS_OF_SESSION] if session.startswith("/") else []
    paths += [Path(home, s) for s in _SOCKETS_OF_HOME] if home.startswith("/") else []
    return {p.resolve() for p in paths if os.path.exists(p)}


def users_home(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """HOME, for `isolate`'s `read_only`; none where it is, or holds, a folder that every program writes to."""
    home = Path(environment.get("HOME", ""))
    held = any(Path(room).is_relative_to(home.resolve()) for room in _ROOMS_OF_ALL)
    return (home,) if home.is_absolute() and not held else ()


def _kept(paths: Iterable[Path]) -> list[Path]:
    """Parents first."""
    return sorted({p for path in paths if os.path.exists(p := path.resolve()) and str(p) != "/"})
