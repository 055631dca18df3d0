"""The proof holds for a migration, and no longer where something of it is changed: over a thousand mutants of the samples, seven
thousand with `MS_FUZZ=1`. What makes the same images all the same stands in `equivalent`, with the reason."""

import os
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from migrate.dockerfile.reader import read_dockerfile
from migrate.proof.model import Verdict
from migrate.source import FileChange, SourceFile
from tests.proof.equivalent import REASONS, WITH_BUILDKIT, named_mutants, named_places, why_equivalent
from tests.proof.mutants import SAMPLES, Migrated, Mutant, migrated_sample, mutants
from tests.proof.sides import prove_changes

TOLD = {"other-file-changed": ("MS420", "MS452")}
"""A migration that changes files of the project says of each that it does: so it is not told apart, but told."""
SHARE = 1 if "MS_FUZZ" in os.environ else 8
MANY = {
    "dropped": 400,
    "swapped": 250,
    "twice": 400,
    "from-stage": 30,
    "from-outside": 60,
    "other-source": 100,
    "other-destination": 100,
    "owner-dropped": 50,
    "owner-added": 20,
    "context-owner": 100,
    "other-owner": 100,
    "mode-added": 100,
    "env-value": 20,
    "arg-default": 10,
    "other-workdir": 40,
    "other-user": 10,
    "command-word": 50,
    "base-outside": 100,
    "run-text": 80,
    "hidden": 50,
    "build-arg-dropped": 10,
    "other-tag": 50,
    "target-added": 50,
    "other-file": 40,
    "context-below": 50,
    "build-dropped": 50,
}
"""How many there are at least, of the kinds that matter most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the proof said of two trees: whether they are the same, under which assumptions, or what differs."""

    holds: bool
    assumptions: frozenset[str]
    difference: str


def judge(migrated: Migrated, changes: tuple[FileChange, ...]) -> Judged:
    """The one place that knows how the proof is called."""
    proof = prove_changes(migrated.legacy, migrated.analysis, changes)
    return Judged(
        holds=proof.verdict is not Verdict.NOT_PROVED,
        assumptions=frozenset(f"{d.rule.code} {d.message}" for d in proof.assumptions),
        difference=proof.difference.message if proof.difference is not None else "",
    )


def asked(sample: str) -> list[Mutant]:
    """The mutants of a sample that this run looks at: always the same ones."""
    return [m for m in mutants(sample) if zlib.crc32(m.id.encode()) % SHARE == 0]


@pytest.mark.parametrize("sample", SAMPLES)
def test_no_mutant_is_proved(sample: str) -> None:
    """All that slip through are told at once. What is proved under more assumptions than the migration itself slips through too."""
    migrated = migrated_sample(sample)
    plain = judge(migrated, migrated.analysis.changes)
    assert plain.holds, f"the migration itself is not proved, so its mutants tell nothing: {plain.difference}"
    missed: list[str] = []
    for mutant in asked(sample):
        if why_equivalent(mutant) is not None:
            continue
        found = judge(migrated, mutant.changes(migrated))
        more = sorted(found.assumptions - plain.assumptions)
        if found.holds and not any(a.startswith(TOLD.get(mutant.kind, ())) for a in more):
            missed.append(f"{mutant}" + (f" (assuming: {'; '.join(more)})" if more else ""))
    assert not missed, f"{len(missed)} mutants of {sample} are proved:\n" + "\n".join(missed)


# the generator


def every_mutant() -> list[Mutant]:
    return [m for s in SAMPLES for m in mutants(s)]


def test_there_are_many_mutants_of_every_kind() -> None:
    found = every_mutant()
    kinds = Counter(m.kind for m in found)
    assert len(found) > 5000
    assert {k: kinds[k] for k, least in MANY.items() if kinds[k] < least} == {}
    assert len({m.id for m in found}) == len(found)
    assert all(m.before != m.after for m in found)
    mutants.cache_clear()
    assert mutants(SAMPLES[0]) == tuple(m for m in found if m.sample == SAMPLES[0])


def test_every_dockerfile_among_them_can_be_read() -> None:
    """A mutant that no builder reads would be caught for nothing."""
    kinds = {"other-file-changed", "hidden-from-one"}
    texts = {
        (m.path, m.after): m.id for m in every_mutant() if m.path.name.startswith("Dockerfile") and m.kind not in kinds
    }
    unread = [i for (path, text), i in texts.items() if read_dockerfile(SourceFile(path=path, text=text))[0] is None]
    assert unread == []


def test_a_mutant_is_laid_and_taken_back(tmp_path: Path) -> None:
    migrated = migrated_sample("glob")
    tree = migrated.lay(tmp_path / "tree")

    def files() -> dict[str, bytes]:
        return {str(p.relative_to(tree)): p.read_bytes() for p in tree.rglob("*") if p.is_file()}

    whole = files()
    for mutant in mutants(migrated.sample):
        with mutant.laid(tree):
            changed = {n for n, data in files().items() if data != whole.get(n)}
        assert changed == {str(mutant.path)}
        assert files() == whole


def test_what_is_said_to_be_equivalent_is_there() -> None:
    """No entry outlives its mutants, and every reason is one."""
    found = every_mutant()
    ids = {m.id for m in found}
    assert sorted((named_mutants() | WITH_BUILDKIT) - ids) == []
    assert sorted(named_places() - {i.rpartition("/")[0] for i in ids}) == []
    assert [r.why for r in REASONS if not any(r.holds(m) for m in found)] == []
