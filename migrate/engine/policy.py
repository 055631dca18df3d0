"""What the stand-in `docker` of a run is told: names, rules for the cache, and where it writes what it did.

Plain data that goes through a JSON file, since the stand-in is a process of its own.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from migrate.image import ImageReference

CONNECTION = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedBuild:
    """How a build of the migrated Dockerfile is carried out: `stages` (name, image) first, each from `new`, with the cache;
    then `judged` without it. Both are files outside the build context."""

    new: str
    judged: str
    stages: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityFile:
    """A file that the migration changes: `path` in the scratch copy, and `legacy`, its contents before (None: not there)."""

    path: str
    legacy: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`prefix` begins every name that the run gives on the engine. `cached` are the Dockerfiles whose builds may use the
    cache, `judged` those that are built in two steps; both by absolute path. `scratch` is what may be mounted;
    `connection` holds the variables that say which engine is meant (CONNECTION), as they were when the run began; `services`
    are those of compose files whose containers are run; `rooms` are further folders of the run's that a script may write to
    and mount; `client_environment` is laid over what the script gives the real client (None: taken away)."""

    client: str
    prefix: str
    scratch: str
    log: str
    stash: str
    classic: bool
    connection: dict[str, str | None]
    cached: tuple[str, ...] = ()
    judged: dict[str, JudgedBuild] = field(default_factory=dict)
    parity: tuple[ParityFile, ...] = ()
    services: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    client_environment: dict[str, str | None] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> "Policy":
        data = json.loads(path.read_text())
        judged = {
            k: JudgedBuild(new=v["new"], judged=v["judged"], stages=tuple((a, b) for a, b in v["stages"]))
            for k, v in data.pop("judged").items()
        }
        parity = tuple(ParityFile(**p) for p in data.pop("parity"))
        lists = {n: tuple(data[n]) for n in ("cached", "services", "rooms")}
        return cls(**{**data, **lists}, judged=judged, parity=parity)


def mapped(prefix: str, reference: ImageReference) -> str:
    """The name under which this run keeps what the script calls `reference`: valid, and nobody else's."""
    parts = [prefix]
    if reference.domain != "docker.io":
        parts.append(reference.domain.lower().replace(":", "-"))
    parts.append(reference.path.removeprefix("library/") if reference.domain == "docker.io" else reference.path)
    return "/".join(parts) + f":{reference.tag or 'latest'}"
