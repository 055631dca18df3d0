"""What can build here: a docker client and the environment in which it uses BuildKit, or else the classic builder.

Asked, not assumed: a client of another version may stand earlier on PATH, without buildx (measured: client 28.2 without
buildx refuses BuildKit; client 20.10 has it built in).
"""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

_ASK_SECONDS = 30
_BUILT_IN_UNTIL = 22
"""Clients up to this major version bring BuildKit's side of the protocol themselves."""


class Kind(Enum):
    BUILDKIT = "BuildKit"
    CLASSIC = "classic builder"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTool:
    """`client` is the program; `environment` is to be laid over the script's own."""

    client: Path
    kind: Kind
    environment: Mapping[str, str]


class NoClientError(Exception):
    """No docker client is on PATH."""


def choose(environment: Mapping[str, str]) -> BuildTool:
    """The first client that can use BuildKit, or the first there is with the classic builder. DOCKER_BUILDKIT=0 in
    `environment` asks for the classic one. Raises NoClientError."""
    clients = _clients(environment)
    if not clients:
        raise NoClientError("no `docker` client is on PATH")
    if environment.get("DOCKER_BUILDKIT") != "0":
        for client in clients:
            if _has_buildx(client, environment) or _version(client, environment) <= _BUILT_IN_UNTIL:
                return BuildTool(client=client, kind=Kind.BUILDKIT, environment={"DOCKER_BUILDKIT": "1"})
    return BuildTool(client=clients[0], kind=Kind.CLASSIC, environment={"DOCKER_BUILDKIT": "0"})


def _clients(environment: Mapping[str, str]) -> list[Path]:
    found: list[Path] = []
    for folder in environment.get("PATH", "").split(":"):
        path = Path(folder or ".", "docker")
        if path.is_file() and path.resolve() not in [p.resolve() for p in found]:
            found.append(path.absolute())
    return found


def _has_buildx(client: Path, environment: Mapping[str, str]) -> bool:
    return _ask(client, environment, "buildx", "version") is not None


def _version(client: Path, environment: Mapping[str, str]) -> int:
    """The client's major version; a high one where it doesn't say."""
    said = _ask(client, environment, "--version") or ""
    found = re.search(r"version (\d+)\.", said)
    return int(found[1]) if found else 999


def _ask(client: Path, environment: Mapping[str, str], *words: str) -> str | None:
    try:
        done = subprocess.run(
            [client, *words], check=False, capture_output=True, text=True, timeout=_ASK_SECONDS, env=dict(environment)
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
