"""What `equivalent` says of mutants is what an engine makes of them: the images of the migration, with both builders.

One mutant of each reason is built; with `MS_FUZZ=1` all of them."""

import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.private import PrivateEngine
from tests.proof.building import Built, build, differences
from tests.proof.equivalent import WITH_BUILDKIT, why_equivalent
from tests.proof.mutants import SAMPLES, Mutant, migrated_sample, mutants

ON_GO = ("href-counter", "seed-trio")
"""Their builds take longer than all others together."""


def equivalent_mutants() -> dict[str, list[Mutant]]:
    """By sample; those of a reason that are looked at are always the same."""
    by_reason: dict[str, list[Mutant]] = {}
    for mutant in (m for s in SAMPLES if s not in ON_GO for m in mutants(s)):
        why = why_equivalent(mutant)
        if why is not None:
            by_reason.setdefault(why, []).append(mutant)
    by_sample: dict[str, list[Mutant]] = {}
    for found in by_reason.values():
        found.sort(key=lambda m: zlib.crc32(m.id.encode()))
        for mutant in found if "MS_FUZZ" in os.environ else found[:1]:
            by_sample.setdefault(mutant.sample, []).append(mutant)
    return by_sample


CHOSEN = equivalent_mutants()


@pytest.mark.engine
@pytest.mark.parametrize("buildkit", [True, False], ids=["buildkit", "classic"])
@pytest.mark.parametrize("sample", sorted(CHOSEN))
def test_an_equivalent_mutant_makes_the_same_images(
    sample: str, buildkit: bool, tmp_path: Path, engine: PrivateEngine
) -> None:
    migrated = migrated_sample(sample)
    tree = migrated.lay(tmp_path / sample)
    plain = build(engine, migrated, tree, buildkit=buildkit)
    assert plain.images, plain.failed
    different = [
        f"{m}: {d}" for m, built in made(engine, tree, CHOSEN[sample], buildkit) for d in differences(plain, built)
    ]
    assert not different, "\n".join(different)


def made(engine: PrivateEngine, tree: Path, chosen: list[Mutant], buildkit: bool) -> Iterator[tuple[Mutant, Built]]:
    for mutant in (m for m in chosen if buildkit or m.id not in WITH_BUILDKIT):
        with mutant.laid(tree):
            yield mutant, build(engine, migrated_sample(mutant.sample), tree, buildkit=buildkit)
