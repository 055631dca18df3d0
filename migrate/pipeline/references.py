"""Mentions of what a migration takes away, as findings: one for each file and thing."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Label, Rule
from migrate.render.references import Mention, References


def told_references(references: References, told: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """What was mended, what is left, what matches nothing any more; less what is `told` at that line already, or of
    that driver."""
    told = tuple(told)
    unread = {d.primary.span.file.path for d in told if d.rule is rules.UNREAD_DRIVER_LEFT and d.primary is not None}
    left = tuple(m for m in references.left if m.span.file.path not in unread)
    references = replace(references, left=left)
    places = {
        (label.span.origin.file.path, label.span.origin.position.line)
        for d in told
        for label in (d.primary, *d.secondary)
        if label is not None
    }
    return tuple(_told(references, places))


def _told(references: References, places: set[tuple[PurePosixPath, int]]) -> Iterator[Diagnostic]:
    for mention in references.mended:
        message = f"`{mention.what}` is named here: the stage that stands for it takes its place"
        yield _finding(rules.REFERENCE_MENDED, message, mention, help_=None)
    for mention in references.left:
        if (mention.span.file.path, mention.lines[0]) not in places:
            message = f"`{mention.what}` is named here, and is gone after the migration"
            yield _finding(rules.REFERENCE_LEFT, message, mention, help_=mention.instead)
    for mention in references.idle:
        message = f"`{mention.what}` no longer comes to be, so this entry is for nothing"
        yield _finding(rules.IGNORE_ENTRY_IDLE, message, mention, help_=None)


def _finding(rule: Rule, message: str, mention: Mention, *, help_: str | None) -> Diagnostic:
    others = mention.lines[1:]
    more = (f"it is named on line{'s' if len(others) > 1 else ''} {', '.join(map(str, others))} too",) if others else ()
    return Diagnostic(rule=rule, message=message, primary=Label(span=mention.span), notes=more, help=help_)
