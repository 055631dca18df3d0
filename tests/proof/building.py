"""Migrated trees, whole or mutated, built on an engine as their driver builds them."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from migrate.compare.verdict import Verdict, compare_images
from migrate.drivers.script import command_text
from migrate.engine.builder import choose
from migrate.engine.client import EngineClient, connect
from migrate.engine.sandbox import Run, SideRequest
from migrate.engine.snapshot import read_image
from migrate.image import ImageSnapshot
from migrate.source import SourceFile
from tests.engine.private import PrivateEngine
from tests.engine.reading import read_files
from tests.proof.mutants import Migrated

LIMIT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a tree's driver made: images with their files, by name. Without images, `failed` says why."""

    images: Mapping[str, ImageSnapshot]
    failed: str = ""


def build(engine: PrivateEngine, migrated: Migrated, tree: Path, *, buildkit: bool) -> Built:
    """Run the driver of `tree`, which is a migrated one; nothing comes from the engine's cache."""
    environment = engine.environment() | {"DOCKER_BUILDKIT": "1" if buildkit else "0"}
    analysis = migrated.analysis
    with (
        closing(connect(environment)) as client,
        Run(client, choose(environment), environment) as run,
    ):
        start, path = analysis.start, analysis.driver.path
        assert analysis.plan is not None
        request = SideRequest(
            side="migrated",
            root=tree,
            driver=path,
            directory=start.directory,
            name=start.name,
            arguments=(),
            commands=command_text(SourceFile.read(tree, path), start),
            environment={},
            time_limit=LIMIT,
            services=analysis.plan.services,
        )
        done = run.side(request, lambda _side, _line: None)
        if done.exit_code != 0 or done.refused or done.failed:
            said = "; ".join((*done.refused, *done.tail[-3:])) or f"exit code {done.exit_code}"
            return Built(images={}, failed=said)
        images = {
            str(i.reference): _snapshot(client, i.image_id, run.container_name(f"files-{n}"))
            for n, i in enumerate(done.images)
        }
    return Built(images=images)


def _snapshot(client: EngineClient, image_id: str, name: str) -> ImageSnapshot:
    snapshot = read_image(client, image_id)
    assert snapshot is not None
    return replace(snapshot, files=read_files(client, image_id, name))


def differences(one: Built, other: Built) -> list[str]:
    """In words; none where both made the same images."""
    if one.failed or other.failed:
        return [f"a build fails: {one.failed or other.failed}"]
    if one.images.keys() != other.images.keys():
        return [f"{', '.join(sorted(one.images))} became {', '.join(sorted(other.images))}"]
    said: list[str] = []
    for name, image in one.images.items():
        comparison = compare_images(image, other.images[name])
        if comparison.verdict is not Verdict.IDENTICAL:
            said += [f"{name}: {d}" for d in (*comparison.deltas, *comparison.config_deltas)]
    return said
