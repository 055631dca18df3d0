"""What a real engine says of a pair: both scripts run, one after the other, and their images compared.

Nothing comes from the cache: BuildKit's hides another owner (`docs/architecture.md`). What was made here is removed again.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from migrate.compare.verdict import Verdict, compare_images
from migrate.engine.artifact import PathFacts, path_facts
from migrate.engine.client import EngineClient, connect
from migrate.engine.snapshot import read_image
from migrate.image import ImageSnapshot
from tests.engine.private import PrivateEngine
from tests.engine.reading import read_files
from tests.proof.generate.stage import Held
from tests.proof.pairs import Pair, lay

BUILDERS = {"buildkit": "1", "classic": "0"}
WITHOUT_CACHE = (
    '#!/bin/sh\nif [ "$1" = build ]; then shift; set -- build --no-cache --force-rm "$@"; fi\nexec {docker} "$@"\n'
)
BUSY = "flightcontrol: exceeded retry timeout"
"""BuildKit gives up like this on a machine that is busy, whatever the Dockerfile says."""


class Said(Enum):
    SAME = "same"
    DIFFERENT = "different"
    BOTH_FAIL = "both fail"
    LEGACY_FAILS = "legacy fails"
    MIGRATED_FAILS = "migrated fails"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """`why` are the differences, or what the failing script said last; `facts` are of the artifacts in the legacy builder."""

    said: Said
    why: tuple[str, ...] = ()
    facts: Mapping[str, PathFacts] = field(default_factory=dict)


def without_cache(engine: PrivateEngine, folder: Path) -> dict[str, str]:
    """An environment in which a docker that builds without the cache is first on PATH."""
    environment = engine.environment()
    programs = folder / "programs"
    programs.mkdir(parents=True, exist_ok=True)
    docker = shutil.which("docker", path=environment["PATH"])
    (programs / "docker").write_text(WITHOUT_CACHE.format(docker=docker))
    (programs / "docker").chmod(0o755)
    return environment | {"PATH": f"{programs}:{environment['PATH']}", "LC_ALL": "C"}


def judge(pair: Pair, builder: str, environment: Mapping[str, str], folder: Path) -> Judged:
    """Run both sides in `folder`, which is theirs alone."""
    environment = {**environment, "DOCKER_BUILDKIT": BUILDERS[builder]}
    facts: Mapping[str, PathFacts] = {}
    with closing(connect(environment)) as client:
        with _script(client, pair, pair.legacy, environment, folder / "legacy") as said:
            legacy = said if said is not None else _image(client, pair.name)
            if (made := read_image(client, f"{pair.name}:build")) is not None:
                facts = path_facts(client, made.image_id, pair.artifacts, f"{pair.name}-facts")
        with _script(client, pair, pair.migrated, environment, folder / "migrated") as said:
            migrated = said if said is not None else _image(client, pair.name)
    return replace(_compared(legacy, migrated), facts=facts)


def _compared(legacy: ImageSnapshot | str, migrated: ImageSnapshot | str) -> Judged:
    if isinstance(legacy, str):
        return Judged(said=Said.BOTH_FAIL if isinstance(migrated, str) else Said.LEGACY_FAILS, why=(legacy,))
    if isinstance(migrated, str):
        return Judged(said=Said.MIGRATED_FAILS, why=(migrated,))
    found = compare_images(legacy, migrated)
    if found.verdict is Verdict.IDENTICAL:
        return Judged(said=Said.SAME)
    return Judged(said=Said.DIFFERENT, why=tuple(map(str, (*found.deltas, *found.config_deltas))))


@contextmanager
def _script(
    client: EngineClient, pair: Pair, files: Mapping[str, Held], environment: Mapping[str, str], folder: Path
) -> Iterator[str | None]:
    """One side's script has run; what it said where it failed. Its images are there till the end of the block."""
    lay(folder, files)
    try:
        for _ in range(3):
            run = subprocess.run(
                ["./build.sh"],
                cwd=folder,
                env=environment,
                check=False,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=240,
            )
            if BUSY not in run.stdout:
                break
            client.remove_container(f"{pair.name}-extract")
        yield " / ".join(run.stdout.strip().splitlines()[-3:]) if run.returncode else None
    finally:
        for container in client.containers(f"{pair.name}-"):
            client.remove_container(container)
        for tag in [t for i in client.images() for t in i.tags if t.startswith(f"{pair.name}:")]:
            client.remove_image(tag)


def _image(client: EngineClient, name: str) -> ImageSnapshot:
    image = read_image(client, f"{name}:latest")
    assert image is not None, f"{name}: the script made no image"
    return replace(image, files=read_files(client, image.image_id, f"{name}-read"))
