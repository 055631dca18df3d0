"""A private engine comes up, touches nothing of the host, and goes away whole, however its owner ends."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.private import EngineError, PrivateEngine, capable_client

pytestmark = pytest.mark.engine

OWNER = """
import time
from tests.engine.private import PrivateEngine
with PrivateEngine() as engine:
    print(engine.folder, engine.keeper_pid, flush=True)
    time.sleep(60)
"""


def names(folder: Path) -> dict[int, str]:
    """Find the processes, an engine's and its containers', that have the folder's name in their command line."""
    found = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if folder.name.encode() in (directory / "cmdline").read_bytes():
                found[int(directory.name)] = (directory / "comm").read_text().strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def processes(folder: Path) -> list[int]:
    return sorted(names(folder))


def cgroups(folder: Path) -> list[Path]:
    return list(Path("/sys/fs/cgroup").glob(f"**/{folder.name}"))


def soon(happens: Callable[[], bool]) -> bool:
    end = time.monotonic() + 15
    while not happens() and time.monotonic() < end:
        time.sleep(0.02)
    return happens()


def listing(directory: str) -> list[str] | None:
    return sorted(path.name for path in Path(directory).iterdir()) if Path(directory).exists() else None


def host() -> dict[str, object]:
    """What an engine in the host's namespaces would change."""
    rules = ["iptables-save"] if shutil.which("iptables-save") else ["true"]
    tables = subprocess.run(rules, check=False, capture_output=True, text=True).stdout
    return {
        "interfaces": listing("/sys/class/net"),
        "iptables": [line for line in tables.splitlines() if not line.startswith(("#", ":"))],
        "mounts": [line.split(" - ")[1] for line in Path("/proc/self/mountinfo").read_text().splitlines()],
        "run": [listing(directory) for directory in ("/run", "/run/docker", "/run/containerd")],
        "etc": listing("/etc/docker"),
        "forwarding": Path("/proc/sys/net/ipv4/ip_forward").read_text(),
    }


def test_it_answers_and_leaves_nothing() -> None:
    with PrivateEngine() as engine:
        assert engine.docker("version", "--format", "{{.Server.Os}}") == "linux\n"
        assert processes(engine.folder)
        assert engine.folder.is_dir()
    assert not engine.folder.exists()
    assert processes(engine.folder) == []
    assert cgroups(engine.folder) == []


def test_the_host_is_untouched() -> None:
    before = host()
    with PrivateEngine() as engine:
        assert engine.docker("network", "ls", "--format", "{{.Driver}}").split() == ["bridge", "host", "null"]
        during = host()
    assert during == before
    assert host() == before


@pytest.mark.parametrize("namespace", ["net", "mnt", "pid"])
def test_it_has_namespaces_of_its_own(engine: PrivateEngine, namespace: str) -> None:
    (dockerd,) = (pid for pid, name in names(engine.folder).items() if name == "dockerd")
    assert Path(f"/proc/{dockerd}/ns/{namespace}").readlink() != Path(f"/proc/self/ns/{namespace}").readlink()


def test_running_containers_go_too(engine: PrivateEngine) -> None:
    busybox = engine.folder / "busybox.tar"
    engine.docker("save", "-o", str(busybox), "busybox")
    with PrivateEngine() as other:
        other.docker("load", "-i", str(busybox))
        other.docker("run", "-d", "busybox", "sh", "-c", f"sleep 60; : {other.folder.name}")
        assert cgroups(other.folder)
        # runc lets go of a container's process a moment before that becomes its command
        assert soon(lambda: "sh" in names(other.folder).values())
    assert processes(other.folder) == []
    assert cgroups(other.folder) == []
    assert not other.folder.exists()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda end: end.name)
def test_it_goes_when_its_owner_is_killed(end: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().split()[0])
        assert processes(folder)
        owner.send_signal(end)
    assert soon(lambda: processes(folder) == [] and not folder.exists() and cgroups(folder) == [])


def test_it_goes_when_its_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), PrivateEngine() as engine:
        raise ZeroDivisionError
    assert not engine.folder.exists()


def test_the_engine_dies_with_its_keeper() -> None:
    with PrivateEngine() as engine:
        os.kill(engine.keeper_pid, signal.SIGKILL)
        assert soon(lambda: processes(engine.folder) == [])
    # The one way that leaves the folder: nobody is left to remove it.
    subprocess.run(["rm", "-rf", str(engine.folder)], check=True)
    for top in cgroups(engine.folder):
        for group in [*sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True), top]:
            group.rmdir()


def test_it_can_be_stopped_early() -> None:
    with PrivateEngine() as engine:
        engine.stop()
        assert not engine.folder.exists()
        with pytest.raises((EngineError, FileNotFoundError)):
            engine.docker("version")


def test_a_failed_start_shows_the_log(tmp_path: Path) -> None:
    too_long_for_a_socket = tmp_path / ("x" * 100)
    too_long_for_a_socket.mkdir()
    with pytest.raises(EngineError, match=r"dockerd did not start:\n(?s:.*)mse-"), PrivateEngine(too_long_for_a_socket):
        pass
    assert list(too_long_for_a_socket.iterdir()) == []


def test_the_environment_names_this_engine(engine: PrivateEngine) -> None:
    elsewhere = {
        "PATH": os.environ["PATH"],
        "DOCKER_HOST": "tcp://elsewhere:1",
        "DOCKER_CONTEXT": "other",
        "KEPT": "yes",
    }
    environment = engine.environment(elsewhere)
    assert environment["DOCKER_HOST"] == engine.host
    assert environment["KEPT"] == "yes"
    assert "DOCKER_CONTEXT" not in environment


@pytest.mark.parametrize(
    ("versions", "chosen"),
    [
        pytest.param({"a": "20.10.24"}, None, id="an old one alone"),
        pytest.param({"a": "28.2.2", "b": "20.10.24"}, "b", id="a new one without buildx ahead of an old one"),
        pytest.param({"a": "28.2.2+buildx", "b": "20.10.24"}, None, id="a new one with buildx"),
        pytest.param({"a": "28.2.2", "b": "27.0.1"}, None, id="none that can do both"),
        pytest.param({"a": "28.2.2", "b": "27.0.1", "c": "26.1.5+buildx"}, "c", id="the first that can"),
        pytest.param({}, None, id="no client"),
    ],
)
def test_the_client_is_one_for_both_builders(tmp_path: Path, versions: dict[str, str], chosen: str | None) -> None:
    for folder, version in versions.items():
        (tmp_path / folder).mkdir()
        client = tmp_path / folder / "docker"
        buildx = 0 if version.endswith("+buildx") else 1
        client.write_text(f'#!/bin/sh\n[ "$1" != buildx ] || exit {buildx}\necho "Docker version {version}, build 0"\n')
        client.chmod(0o755)
    found = capable_client(":".join(str(tmp_path / folder) for folder in versions))
    assert found == (None if chosen is None else str(tmp_path / chosen / "docker"))
