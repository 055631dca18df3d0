"""A finding as data: rule, places, words. How it is shown is for `report` to say."""

from dataclasses import dataclass
from enum import Enum

from migrate.source import Span, without_holes


class Severity(Enum):
    """ERROR: not migrated. WARNING: migrated under a stated assumption. INFO: dropped or changed on purpose."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a code stands for. `code` is `MS` and three digits, the first one the phase; codes are never used again."""

    code: str
    name: str
    severity: Severity
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A place in a file of the repository, and what is to be said of it there (may be empty)."""

    span: Span
    text: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "span", self.span.origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding. `message` is lower case, without a full stop, code in backticks; only `help` suggests anything."""

    rule: Rule
    message: str
    primary: Label | None = None
    secondary: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", without_holes(self.message))
        object.__setattr__(self, "notes", tuple(map(without_holes, self.notes)))

    @property
    def severity(self) -> Severity:
        return self.rule.severity


def has_errors(diagnostics: tuple[Diagnostic, ...]) -> bool:
    return any(d.severity is Severity.ERROR for d in diagnostics)


GIVE_IT = "give it with `--env NAME=VALUE` or `--arg VALUE`"
"""What helps where a value isn't known."""


def at(rule: Rule, message: str, span: Span) -> Diagnostic:
    """A finding at one place."""
    return Diagnostic(rule=rule, message=message, primary=Label(span=span))
