"""The proof and the engine on generated pairs, without an engine: what it said is recorded (`records`).

A proof that the engine contradicts is a wrong one. What is the same and not proved is counted: `pytest -s` lists it.
"""

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.proof.agreement import Agreement, agreement, sides, told
from tests.proof.judge import BUILDERS, Said
from tests.proof.pairs import RECORDED, pair
from tests.proof.records import read

CHUNK = 24
BAD = (Agreement.WRONG, Agreement.WRONGLY_ASSUMED)


def test_the_records_are_of_the_pairs_that_are_generated() -> None:
    """Where it fails, the generator is another one: `python -m tests.proof.records 0 240 3600` asks an engine again."""
    records = read()
    assert sorted(records) == list(range(RECORDED))
    assert [seed for seed, (digest, _) in records.items() if pair(seed).digest != digest] == []


def test_the_pairs_are_of_every_sort() -> None:
    said = Counter(record.said for _, entry in read().values() for record in entry.values())
    assert said[Said.SAME] > said.total() / 3
    assert said[Said.DIFFERENT] > said.total() / 4
    assert said[Said.MIGRATED_FAILS] > 0
    assert said[Said.LEGACY_FAILS] + said[Said.BOTH_FAIL] < said.total() / 8


FIRSTS = range(0, RECORDED, CHUNK if "MS_FUZZ" in os.environ else 3 * CHUNK)


@pytest.mark.parametrize("first", FIRSTS)
@pytest.mark.parametrize("asked", [False, True], ids=["unasked", "asked"])
def test_no_proof_is_contradicted_by_an_engine(first: int, asked: bool, tmp_path: Path) -> None:
    """With `asked`, the proof knows what an engine says of the artifacts."""
    records = read()
    counted: Counter[Agreement] = Counter()
    bad: list[str] = []
    for seed in range(first, first + CHUNK):
        one = pair(seed)
        both = sides(one, tmp_path / str(seed))
        for builder in BUILDERS:
            record = records[seed][1][builder]
            proof = both.proof(record.facts if asked else {})
            found = agreement(proof, record.said, record.why)
            counted[found] += 1
            if found in BAD:
                bad.append(told(one, builder, proof, record.said, record.why))
            elif found is Agreement.MISSED and proof.difference is not None:
                print(f"missed: seed {seed}, {builder}, {one.intent}: {proof.difference.message}")
    print("counted:", ", ".join(f"{n} {a.value}" for a, n in counted.most_common()))
    assert not bad, "\n\n".join(bad)
