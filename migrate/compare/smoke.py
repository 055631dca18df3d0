"""One command run in both images: how it ended and what it printed, compared."""

from dataclasses import dataclass

from migrate.compare.allowances import Normalising, within
from migrate.compare.verdict import NOISE, Verdict

_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """`ended` is the exit status in words, or that the time limit ended it."""

    ended: str
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeComparison:
    """`deltas` say in words what differs; `allowed_by` names the normalisers, or noise, that were needed."""

    deltas: tuple[str, ...]
    allowed_by: frozenset[str] = frozenset()

    @property
    def verdict(self) -> Verdict:
        if self.deltas:
            return Verdict.DIFFERENT
        return Verdict.EQUIVALENT if self.allowed_by else Verdict.IDENTICAL


def compare_outputs(
    legacy: Output, again: Output | None, migrated: Output, normalising: Normalising | None
) -> SmokeComparison:
    """Compare. `again` is a second run in the legacy image, where there was one: what differs between the two is noise.
    `normalising` is None where nothing is allowed for."""
    deltas = []
    allowed: set[str] = set()
    if legacy.ended != migrated.ended:
        deltas.append(f"{legacy.ended} became {migrated.ended}")
    for name in ("stdout", "stderr"):
        one, other = getattr(legacy, name), getattr(migrated, name)
        if one == other:
            continue
        by = normalising.equal(one, other) if normalising is not None else None
        if not by and normalising is not None and again is not None:
            by = frozenset({NOISE}) if within(one, getattr(again, name), other, normalising) else None
        if by:
            allowed |= by
        else:
            deltas.append(f"{name}: {_shown(one)} became {_shown(other)}")
    return SmokeComparison(deltas=tuple(deltas), allowed_by=frozenset(allowed))


def _shown(output: bytes) -> str:
    text = output.decode("utf-8", "replace")
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
