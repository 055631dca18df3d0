"""Make a fresh machine ready: `python3 -m tests.engine.setup`, in the project's directory.

Output: `.venv` with the project and the tools that constraints.txt pins; and, as root where apt is, the programs of a
container engine, installed and not started. Each step that has something to do is one line on stderr; a second run takes no
time. Exit: 1 when there is no `.venv` to work with. Without an engine it goes on: who needs one says so. Runs on the system's
Python, before anything is installed.
"""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

from tests.engine.debian import PackageError, install, may_install
from tests.engine.keeper import system_path
from tests.engine.private import clients, drives_both_builders

PROJECT = Path(__file__).parents[2]
VENV = PROJECT / ".venv"
STAMP = VENV / "ready"


def main() -> int:
    """Do what is missing."""
    if sys.version_info < (3, 11):  # noqa: UP036  what runs this is whatever python3 is
        say(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
        return 1
    try:
        install_engine()
    except PackageError as error:
        say(f"no container engine installed: {error}")
    try:
        make_venv()
    except (PackageError, subprocess.CalledProcessError) as error:
        output = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
        say(f"no .venv: {output}")
        return 1
    return 0


def install_engine() -> None:
    """Install dockerd, a client that can drive both builders, and compose, where they are missing and apt may."""
    packages = [] if shutil.which("dockerd", path=system_path()) else ["docker.io"]
    if not any(drives_both_builders(client) for client in clients(system_path())):
        packages += ["docker-cli", "docker-buildx"]
    if packages and may_install():
        say("installing a container engine's programs (docker.io)")
        install(packages)
    if shutil.which("docker-compose", path=system_path()) is None and may_install():
        say("installing docker-compose, which the tests ask")
        install(["docker-compose"])


def make_venv() -> None:
    """Fill `.venv`, unless it was filled from the same files by the same Python in the same place."""
    place = f"{VENV} {sys.version.split()[0]}"
    files = hashlib.sha256(
        b"".join((PROJECT / name).read_bytes() for name in ("constraints.txt", "pyproject.toml"))
    ).hexdigest()
    before = STAMP.read_text().splitlines() if STAMP.exists() else []
    if before == [place, files]:
        return
    if before[:1] not in ([], [place]) or not (VENV / "bin" / "pip").exists():
        if importlib.util.find_spec("ensurepip") is None:
            if not may_install():
                raise PackageError("Python lacks its venv module: `apt-get install python3-venv`")
            say("installing python3-venv")
            install(["python3-venv"])
        say("making .venv")
        run(sys.executable, "-m", "venv", "--clear", str(VENV))
    say("installing the project and its pinned tools into .venv")
    pip = (str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install")
    run(*pip, "--require-hashes", "-r", str(PROJECT / "constraints.txt"))
    run(*pip, "--no-deps", "--no-build-isolation", "-e", str(PROJECT))
    STAMP.write_text(f"{place}\n{files}\n")


def run(*command: str) -> None:
    """Run a step and keep its output for the case that it fails."""
    subprocess.run(command, check=True, capture_output=True, text=True)


def say(line: str) -> None:
    """One line on stderr."""
    print(f"setup: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
