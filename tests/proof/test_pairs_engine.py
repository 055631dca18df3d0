"""The proof and a real engine on generated pairs, both asked now. `MS_FUZZ=240` takes 240 pairs instead of the few of each run.

The engine builds with one builder a pair, the other one for the next pair.
"""

import os
from pathlib import Path

import pytest

from migrate.plan.model import ArtifactFact, ArtifactKind
from tests.engine.private import PrivateEngine
from tests.proof.agreement import Agreement, agreement, sides, told
from tests.proof.judge import judge, without_cache
from tests.proof.pairs import RECORDED, pair
from tests.proof.records import KINDS, read

pytestmark = pytest.mark.engine

SEEDS = int(os.environ.get("MS_FUZZ", "6"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_engine_agrees_with_the_proof(seed: int, engine: PrivateEngine, tmp_path: Path) -> None:
    one = pair(seed)
    judged = judge(one, one.builder, without_cache(engine, tmp_path), tmp_path / "built")
    if seed < RECORDED:
        recorded = read()[seed][1][one.builder].said
        assert judged.said is recorded, f"recorded as {recorded.value}: {judged.why}\n{one.text()}"
    both = sides(one, tmp_path / "read")
    known = {
        p: ArtifactFact(kind=KINDS.get(f.type, ArtifactKind.FILE), root_owned=f.root_owned, mode=f.mode)
        for p, f in judged.facts.items()
    }
    for facts in ({}, known):
        proof = both.proof(facts)
        found = agreement(proof, judged.said, judged.why)
        assert found not in (Agreement.WRONG, Agreement.WRONGLY_ASSUMED), told(
            one, one.builder, proof, judged.said, judged.why
        )
