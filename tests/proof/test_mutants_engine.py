"""What `equivalent` says of mutants is what an engine makes of them: the images of the migration, with both builders.

One mutant of each entry is built; with `MS_FUZZ=1` all of them."""

import os
import zlib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.engine.private import PrivateEngine
from tests.proof.building import Built, build, differences
from tests.proof.equivalent import EQUIVALENT
from tests.proof.mutants import SAMPLES, Mutant, migrated_sample, mutants

ON_GO = ("href-counter", "seed-trio")
"""Their builds take longer than all others together."""


def equivalent_mutants() -> dict[str, list[Mutant]]:
    """By sample; the one of an entry that is looked at is always the same."""
    every = {m.id: m for s in SAMPLES if s not in ON_GO for m in mutants(migrated_sample(s))}
    chosen: dict[str, Mutant] = {}
    for pattern in EQUIVALENT:
        fitting = sorted((i for i in every if fnmatchcase(i, pattern)), key=lambda i: zlib.crc32(i.encode()))
        for identifier in fitting if "MS_FUZZ" in os.environ else fitting[:1]:
            chosen[identifier] = every[identifier]
    by_sample: dict[str, list[Mutant]] = {}
    for mutant in chosen.values():
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
    for mutant in chosen:
        with mutant.laid(tree):
            yield mutant, build(engine, migrated_sample(mutant.sample), tree, buildkit=buildkit)
