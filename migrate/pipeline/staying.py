"""Whether the commands that stay still do what they did. The driver is followed once more as the migration leaves it: a file that
it no longer finds, a test that comes out otherwise, shows in what it then does."""

from collections.abc import Hashable

from migrate import rules
from migrate.diagnostics import Diagnostic, Severity, at
from migrate.plan.model import MigrationPlan
from migrate.source import Span
from migrate.trace.events import Compose, ConditionKind, Harmless, HostChange, ImageBuild, Opaque, Trace, Traced
from migrate.trace.values import Stream


def check_staying(planned: MigrationPlan, before: Trace, again: Trace) -> tuple[Diagnostic, ...]:
    """The first step that stays and would come to something else; `again` is the driver without what goes."""
    going = {c.span.origin for c in planned.driver.removed} | {s.origin for s in planned.driver.filters}
    fed = {
        s.command.span for s in before.steps if isinstance(s.event, ImageBuild) and isinstance(s.event.streamed, Stream)
    }
    staying = [
        s
        for s in before.steps
        if _stays(s)
        and not (_is_redirection(s) and s.command.span in fed)
        and s.command.span.file not in planned.driver.gone_texts
        and s.command.span.origin not in going
    ]
    after = [s for s in again.steps if _stays(s)]
    met = 0
    for step in staying:
        if going & _asked(step):
            continue
        while met < len(after) and _asked(after[met]) and _what(step) != _what(after[met]):
            met += 1  # a fallback that is for the one before now, whose text is the driver's
        following = after[met] if met < len(after) else None
        met += 1
        if following is None or _what(step) != _what(following):
            message = f"`{_shown(step)}` would no longer come to the same without what goes"
            return (at(rules.DRIVER_EDIT_UNCERTAIN, message, step.event.span),)
    new = next((s for s in after[met:] if not _asked(s)), None)
    if new is not None:
        message = f"`{_shown(new)}` would run that did not before"
        return (at(rules.DRIVER_EDIT_UNCERTAIN, message, planned.place),)
    known = {d.message for d in before.diagnostics}
    fault = next((d for d in again.diagnostics if d.severity is Severity.ERROR and d.message not in known), None)
    if fault is None:
        return ()
    message = f"without what goes, this would be found in the driver: {fault.message}"
    return (at(rules.DRIVER_EDIT_UNCERTAIN, message, planned.place),)


def _stays(step: Traced) -> bool:
    """Builds are compared for themselves, calls of compose by what they come to. What is put around a step of a CI file has no
    text there."""
    return bool(step.command.span.origin.text) and not (
        isinstance(step.event, ImageBuild) or (isinstance(step.event, Compose) and step.event.project is not None)
    )


def _is_redirection(step: Traced) -> bool:
    return isinstance(step.event, Harmless) and step.event.command == "redirection"


def _asked(step: Traced) -> set[Span]:
    """The commands on whose failure a step waits: it goes with them, unless it waits for others that stay."""
    return {c.span.origin for c in step.conditions if c.kind is ConditionKind.FAILURE}


def _what(step: Traced) -> Hashable:
    match step.event:
        case HostChange(command=command, paths=paths) | Harmless(command=command, paths=paths):
            detail: Hashable = command, paths
        case Opaque(command=command):
            detail = command
        case _:
            detail = None
    conditions = tuple((c.kind, _text(c.span.text), c.holds, c.decided) for c in step.conditions)
    # the command that is redirected may be a build, whose words change
    text = (
        ""
        if isinstance(step.event, HostChange) and step.event.command == "redirection"
        else _text(step.event.span.text)
    )
    return type(step.event), text, detail, conditions


def _shown(step: Traced) -> str:
    text = _text(step.event.span.text)
    return text if len(text) <= 60 else text[:57] + "…"


def _text(text: str) -> str:
    return " ".join(text.split())
