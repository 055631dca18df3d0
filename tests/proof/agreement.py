"""What the proof says of a pair, and whether that agrees with what an engine says of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath

from migrate import rules
from migrate.diagnostics import Rule
from migrate.discover import scan
from migrate.pipeline.analysis import Analysis
from migrate.pipeline.following import Inputs
from migrate.pipeline.run import found_builds
from migrate.plan.model import ArtifactFact, ArtifactKey
from migrate.proof.model import Proof, Verdict
from migrate.source import FileChange
from migrate.trace.events import ImageBuild
from tests.proof.generate.stage import Held
from tests.proof.judge import Said
from tests.proof.pairs import Pair, lay
from tests.proof.sides import prove_changes

EXPLAINED: Mapping[Rule, str] = {
    rules.FOLDER_MODE_ASSUMED: r": mode \d+ became 0755$",
    rules.LINK_ASSUMED_ABSENT: r": type (symlink|file|directory) ",
    rules.IGNORE_BELOW_ARTIFACT: r": only in the migrated image",
    rules.CHANGED_FILE_COPIED: r": content |: only in the legacy image",
    rules.KIND_ASSUMED: r": type |: only in |: mode ",
    rules.ADD_ASSUMED_PLAIN: r": type |: only in ",
}
"""What may differ where an assumption doesn't hold."""


class Agreement(Enum):
    """How a proof and an engine stand to each other, from good to bad."""

    PROVED = "proved, and the same"
    ASSUMED = "proved under assumptions, and the same"
    REFUTED = "not proved, and not the same"
    EXPLAINED = "proved under assumptions, and different in what they name"
    VOID = "the legacy build fails"
    MISSED = "not proved, but the same"
    WRONG = "proved, but not the same"
    WRONGLY_ASSUMED = "proved under assumptions that don't name the difference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A pair on disk, its legacy side read. A proof may be asked for more than once."""

    legacy: Path
    analysis: Analysis
    changes: tuple[FileChange, ...]

    def proof(self, facts: Mapping[str, ArtifactFact]) -> Proof:
        """`facts` are of the builder's image, by path."""
        trace = self.analysis.trace
        assert trace is not None
        builds = [e for e in trace.events if isinstance(e, ImageBuild)]
        (builder,) = [b.number for b in builds if any((t.text or "").endswith(":build") for t in b.tags)]
        keyed = {ArtifactKey(builder=builder, source=PurePosixPath(p)): f for p, f in facts.items()}
        return prove_changes(self.legacy, self.analysis, self.changes, keyed)


def sides(pair: Pair, folder: Path) -> Sides:
    """Both sides are laid out in `folder`. That the tool would refuse to migrate the legacy side is no matter here."""
    legacy = lay(folder / "legacy", pair.legacy)
    (analysis,) = [a for a in found_builds(scan(legacy), Inputs()) if a.trace is not None]
    changes = [
        FileChange(path=PurePosixPath(n), before=one.encode() if one else None, after=other.encode() if other else None)
        for n in sorted({*pair.legacy, *pair.migrated})
        if (one := _text(pair.legacy, n)) != (other := _text(pair.migrated, n))
    ]
    return Sides(legacy=legacy, analysis=analysis, changes=tuple(changes))


def agreement(proof: Proof, said: Said, why: tuple[str, ...]) -> Agreement:
    match said, proof.verdict:
        case Said.LEGACY_FAILS | Said.BOTH_FAIL, _:
            return Agreement.VOID
        case Said.SAME, Verdict.PROVED:
            return Agreement.PROVED
        case Said.SAME, Verdict.ASSUMING:
            return Agreement.ASSUMED
        case Said.SAME, Verdict.NOT_PROVED:
            return Agreement.MISSED
        case _, Verdict.NOT_PROVED:
            return Agreement.REFUTED
        case _, Verdict.PROVED:
            return Agreement.WRONG
        case _, Verdict.ASSUMING:
            named = [EXPLAINED[a.rule] for a in proof.assumptions if a.rule in EXPLAINED]
            clear = said is Said.DIFFERENT and all(any(re.search(n, w) for n in named) for w in why)
            return Agreement.EXPLAINED if clear else Agreement.WRONGLY_ASSUMED


def told(pair: Pair, builder: str, proof: Proof, said: Said, why: tuple[str, ...]) -> str:
    """One line and both texts, for a person."""
    reasons = [proof.difference.message] if proof.difference is not None else [a.message for a in proof.assumptions]
    lines = [f"{builder}: {proof.verdict.value}; the engine: {said.value}", *reasons, *why, pair.text()]
    return "\n".join(lines)


def _text(side: Mapping[str, Held], name: str) -> str | None:
    return side[name].text if name in side and not side[name].link else None
