"""Mentions of what a migration takes away, as findings: one for each file and thing."""

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Label, Rule
from migrate.render.references import Mention, References
from migrate.source import Span


def told_references(references: References, told: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """What was mended, what is left, what matches nothing any more; less what is `told` at that line already, or of
    that driver."""
    told = tuple(told)
    unread = {d.primary.span.file.path for d in told if d.rule is rules.UNREAD_DRIVER_LEFT and d.primary is not None}
    places = {
        (label.span.origin.file.path, label.span.origin.position.line)
        for d in told
        for label in (d.primary, *d.secondary)
        if label is not None
    }
    return tuple(_told(references, unread, places))


def _told(
    references: References, unread: set[PurePosixPath], places: set[tuple[PurePosixPath, int]]
) -> Iterator[Diagnostic]:
    for mention in references.mended:
        message = f"`{mention.what}` is named here: the stage that stands for it takes its place"
        yield _finding(rules.REFERENCE_MENDED, message, mention, mention.spans, "mended")
    for mention in references.dropped:
        message = f"this entry goes: `{mention.what}` no longer comes to be"
        yield _finding(rules.REFERENCE_MENDED, message, mention, mention.spans, "taken out")
    for mention in references.left:
        spans = tuple(s for s in mention.spans if (s.file.path, s.position.line) not in places)
        if spans and spans[0].file.path not in unread:
            message = f"`{mention.what}` is named here, and is gone after the migration"
            yield _finding(rules.REFERENCE_LEFT, message, mention, spans, "named")
    for mention in references.idle:
        message = f"`{mention.what}` no longer comes to be, so this entry is for nothing"
        yield _finding(rules.IGNORE_ENTRY_IDLE, message, mention, mention.spans, "named")


def _finding(rule: Rule, message: str, mention: Mention, spans: tuple[Span, ...], verb: str) -> Diagnostic:
    others = [str(s.position.line) for s in spans[1:]]
    more = (f"it is {verb} on line{'s' if len(others) > 1 else ''} {', '.join(others)} too",) if others else ()
    return Diagnostic(rule=rule, message=message, primary=Label(span=spans[0]), notes=more, help=mention.instead)
