"""The process that keeps one private dockerd: starts it, waits, and takes everything away at the end.

Input: argv[1], a directory to put the engine's folder in. Output: one line on stdout, `ready FOLDER`, or the reason why the
engine did not start. Runs until its stdin is closed, which happens when its owner closes it or dies in whatever way; then the
engine is killed and the folder removed. It is a process of its own since nobody else outlives an owner that was killed.

The engine has net, mount and pid namespaces of its own, and sees an empty /run. A second dockerd in the host's network
namespace removes the first one's bridge; a dockerd that sees the host's /run talks to the host's containerd and systemd.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

START_SECONDS = 30
LOG_CHARACTERS = 2000
# `-n`: without it mount leaves a file in the host's /run. dockerd up to 23 writes a key into /etc/docker.
# `ip` is not on every machine; without it only builds with the engine's own ("host") network miss their loopback.
BOOT = """set -e
mount -n -t tmpfs -o mode=755 tmpfs /run
if [ -d /etc/docker ]; then mount -n -t tmpfs -o mode=755 tmpfs /etc/docker; fi
ip link set lo up 2>/dev/null || true
exec dockerd "$@"
"""


def main(directory: str) -> int:
    """Keep one engine under `directory` until stdin ends; 1 when it did not start or went away by itself."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="mse-", dir=directory)).resolve()
    engine: subprocess.Popen[bytes] | None = None
    try:
        engine = start(folder)
        if not answers(engine, folder / "s"):
            print((folder / "log").read_text(errors="replace")[-LOG_CHARACTERS:])
            return 1
        print(f"ready {folder}", flush=True)
        return wait(engine)
    finally:
        # From here on nothing may interrupt: a signal that asks to end has its wish already.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if engine is not None:
            engine.kill()
            engine.wait()
        remove(folder)


def system_path() -> str:
    """PATH with the directories of system programs, which a user's may lack."""
    return f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start dockerd with its state in `folder`; its environment holds a PATH and nothing else."""
    # cgroupfs: systemd, asked from another pid namespace, would move a stranger's process. iptables: the network
    # namespace has no way out, so there is nothing to filter or masquerade.
    settings = {"iptables": False, "exec-opts": ["native.cgroupdriver=cgroupfs"], "cgroup-parent": f"/{folder.name}"}
    (folder / "config.json").write_text(json.dumps(settings))
    namespaces = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    daemon = [
        "--config-file",
        f"{folder}/config.json",
        "--data-root",
        f"{folder}/data",
        "--exec-root",
        f"{folder}/exec",
    ]
    daemon += ["--pidfile", f"{folder}/pid", "--host", f"unix://{folder}/s"]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *namespaces, "sh", "-c", BOOT, "dockerd", *daemon],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={"PATH": system_path()},
        )


def answers(engine: subprocess.Popen[bytes], path: Path) -> bool:
    """Wait until the engine answers a ping at the socket `path`; false when it ended or took more than START_SECONDS."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and engine.poll() is None:
        with socket.socket(socket.AF_UNIX) as s, contextlib.suppress(OSError):
            s.settimeout(5)
            s.connect(str(path))
            s.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            if s.recv(64).split()[1:2] == [b"200"]:
                return True
        time.sleep(0.02)
    return False


def wait(engine: subprocess.Popen[bytes]) -> int:
    """Return 0 when stdin ends, 1 when the engine does."""
    while engine.poll() is None:
        if select.select([sys.stdin], [], [], 0.5)[0] and not os.read(sys.stdin.fileno(), 1):
            return 0
    return 1


def remove(folder: Path) -> None:
    """Take away the engine's folder and its cgroups; the last of its processes may still hold them for a moment."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        shutil.rmtree(folder, ignore_errors=True)
        left = [folder] if folder.exists() else []
        for top in Path("/sys/fs/cgroup").glob(f"**/{folder.name}"):
            for group in [*sorted((p for p in top.rglob("*") if p.is_dir()), reverse=True), top]:
                with contextlib.suppress(OSError):
                    group.rmdir()
            left += [top] if top.exists() else []
        if not left:
            return
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
