"""What a proof says."""

from dataclasses import dataclass
from enum import Enum

from migrate.diagnostics import Diagnostic
from migrate.proof.expressions import Expression
from migrate.source import Span


class Verdict(Enum):
    PROVED = "proved"
    ASSUMING = "proved under assumptions"
    NOT_PROVED = "not proved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first pair of nodes that differ, and how, in words. One of the two is None where only the other side has something;
    both are where a side could not be evaluated at all."""

    message: str
    legacy: Expression | None = None
    migrated: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """`assumptions` are what equality rests on, each at its place; `difference` is there where it is not proved. `images`
    counts the final images that were compared."""

    verdict: Verdict
    images: int
    assumptions: tuple[Diagnostic, ...] = ()
    difference: Difference | None = None


class UnprovableError(Exception):
    """Something that no expression is made of, and where it stands."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
