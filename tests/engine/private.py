"""A private container engine: a dockerd in namespaces of its own that leaves nothing behind.

    with PrivateEngine() as engine:
        subprocess.run(["docker", "ps"], env=engine.environment())

Needs root, dockerd, runc and util-linux. Up in 0.3 s. There is no way out of it to any network. `keeper` does the work.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.engine import keeper

MEMORY = Path("/dev/shm")
MEMORY_BYTES = 2 << 30
# What would send a client to another engine than the one that DOCKER_HOST names.
REDIRECTIONS = ("DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION")


class EngineError(Exception):
    """The engine did not start, or refused a command; the message holds what it said."""


def unavailable() -> str | None:
    """Say why a private engine can't be started here, or None where it can. Starts nothing."""
    if sys.platform != "linux":
        return "a private engine needs Linux: run in a Debian machine"
    if os.geteuid() != 0:
        return "a private engine needs root: `sudo make …`"
    programs = ("dockerd", "runc", "docker", "setpriv", "unshare")
    missing = [name for name in programs if shutil.which(name, path=keeper.system_path()) is None]
    if missing:
        return f"{', '.join(missing)} not found: `apt-get install docker.io`, from Debian 13 on docker-cli and docker-buildx too"
    trial = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "true"], check=False, capture_output=True, text=True
    )
    return f"no namespaces of its own: {trial.stderr.strip()}" if trial.returncode else None


class PrivateEngine:
    """One dockerd, from `with` to the end of its block; `directory` is where its folder goes (short: a socket lies in it)."""

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory if directory is not None else roomy_directory()
        self.folder = Path()
        self._keeper: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        # A session of its own: Ctrl-C at the terminal is for the owner, who then closes the keeper's stdin.
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", keeper.__file__, str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._keeper.stdout is not None
        try:
            line = self._keeper.stdout.readline()
            if not line.startswith("ready "):
                raise EngineError(f"dockerd did not start:\n{line}{self._keeper.stdout.read()}".rstrip())
            self.folder = Path(line.removeprefix("ready ").rstrip("\n"))
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Kill the engine and wait until its folder is gone; a second call does nothing."""
        if self._keeper is not None:
            self._keeper.communicate()
            self._keeper = None

    @property
    def host(self) -> str:
        """What DOCKER_HOST has to be."""
        return f"unix://{self.folder}/s"

    @property
    def keeper_pid(self) -> int:
        """The process whose end is the engine's end."""
        assert self._keeper is not None
        return self._keeper.pid

    def environment(self, base: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Copy `base` with this engine as the one that `docker` finds, and a client on PATH that can drive both builders."""
        environment = {name: value for name, value in base.items() if name not in REDIRECTIONS}
        client = capable_client(environment.get("PATH", os.defpath))
        if client is not None:
            links = self.folder / "bin"
            links.mkdir(exist_ok=True)
            if not (links / "docker").exists():
                (links / "docker").symlink_to(client)
            environment["PATH"] = f"{links}:{environment.get('PATH', os.defpath)}"
        return environment | {"DOCKER_HOST": self.host}

    def docker(self, *arguments: str) -> str:
        """Run the docker client on this engine and return its stdout; EngineError when it fails or takes over five minutes."""
        run = subprocess.run(
            ["docker", *arguments], env=self.environment(), check=False, capture_output=True, text=True, timeout=300
        )
        if run.returncode:
            raise EngineError(f"docker {' '.join(arguments)}: {run.stderr.strip()}")
        return run.stdout


def roomy_directory() -> Path:
    """Memory where there is plenty, since nothing of an engine has to outlive it; else the temporary directory."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
        return MEMORY
    return Path(tempfile.gettempdir())


def clients(path: str) -> list[str]:
    """List every `docker` on `path`, in the order of its directories."""
    return [found for folder in path.split(":") if (found := shutil.which("docker", path=folder)) is not None]


def capable_client(path: str) -> str | None:
    """Find the client to put ahead of the first `docker` on `path`; None when that one can drive both builders, or none can."""
    first, *others = clients(path) or [""]
    if not first or drives_both_builders(first):
        return None
    return next((client for client in others if drives_both_builders(client)), None)


@functools.cache
def drives_both_builders(client: str) -> bool:
    """Ask a client for its version: from 23 on it needs the buildx plugin for BuildKit, before it needs nothing."""
    version = subprocess.run([client, "--version"], check=False, capture_output=True, text=True, timeout=20).stdout
    major = re.search(r"version (\d+)\.", version)
    if major is not None and int(major[1]) < 23:
        return True
    return subprocess.run([client, "buildx", "version"], check=False, capture_output=True, timeout=20).returncode == 0
