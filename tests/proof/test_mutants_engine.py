"""What `equivalent` says of mutants is what an engine makes of them: the images of the migration.

One mutant of each reason is built, with BuildKit; with `MS_EQUIVALENT=9` nine of each are, with both builders.
"""

import os
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.engine.private import PrivateEngine
from tests.proof.building import Built, build, differences
from tests.proof.equivalent import WITH_BUILDKIT, why_equivalent
from tests.proof.mutants import SAMPLES, Mutant, migrated_sample, mutants

ON_GO = ("href-counter", "seed-trio")
"""Their builds take longer than all others together."""
OF_EACH = int(os.environ.get("MS_EQUIVALENT", "1"))
PARTS = 4
"""So many tests, for workers to share; which samples each has is found out when it runs."""


@cache
def equivalent_mutants() -> dict[str, list[Mutant]]:
    """Those to build, by sample: always the same ones, and of few samples, since each is built unchanged too."""
    by_reason: dict[str, list[Mutant]] = {}
    for mutant in (m for s in SAMPLES if s not in ON_GO for m in mutants(s)):
        why = why_equivalent(mutant)
        if why is not None:
            by_reason.setdefault(why, []).append(mutant)
    by_sample: dict[str, list[Mutant]] = {}
    reasons = sorted(by_reason.values(), key=len)
    for found in reasons if OF_EACH > 1 else reasons[::4]:
        found.sort(key=lambda m: (m.sample not in by_sample, zlib.crc32(m.id.encode())))
        for mutant in found[:OF_EACH]:
            by_sample.setdefault(mutant.sample, []).append(mutant)
    return by_sample


@pytest.mark.engine
@pytest.mark.parametrize("buildkit", [True, False] if OF_EACH > 1 else [True], ids=["buildkit", "classic"][:OF_EACH])
@pytest.mark.parametrize("part", range(PARTS))
def test_an_equivalent_mutant_makes_the_same_images(
    part: int, buildkit: bool, tmp_path: Path, engine: PrivateEngine
) -> None:
    different: list[str] = []
    for sample, chosen in sorted(equivalent_mutants().items())[part::PARTS]:
        migrated = migrated_sample(sample)
        tree = migrated.lay(tmp_path / sample)
        plain = build(engine, migrated, tree, buildkit=buildkit)
        assert plain.images, plain.failed
        for mutant, built in made(engine, tree, chosen, buildkit):
            different += [f"{mutant}: {d}" for d in differences(plain, built)]
    assert not different, "\n".join(different)


def made(engine: PrivateEngine, tree: Path, chosen: list[Mutant], buildkit: bool) -> Iterator[tuple[Mutant, Built]]:
    for mutant in (m for m in chosen if buildkit or m.id not in WITH_BUILDKIT):
        with mutant.laid(tree):
            yield mutant, build(engine, migrated_sample(mutant.sample), tree, buildkit=buildkit)
