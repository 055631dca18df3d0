"""What a verification found, as diagnostics at a place of the driver."""

import shlex

from migrate import rules
from migrate.compare.grouping import lines
from migrate.diagnostics import Diagnostic, Label, Rule
from migrate.engine.sandbox import BuiltImage, SideRun
from migrate.outcome import ImageCheck, SmokeCheck
from migrate.source import Span

_TAIL_SHOWN = 12
_LINES_SHOWN = 20


def failed_side(run: SideRun, side: str, rule: Rule, place: Span, what: str = "script") -> tuple[Diagnostic, ...]:
    """What is to be said of a side that failed, or of which a command was not carried out; nothing where it ended well. `what` is
    what ran."""
    found = [
        Diagnostic(
            rule=rules.COMMAND_NOT_ALLOWED,
            message=f"while verifying the {side} side: {reason}",
            primary=Label(span=place),
        )
        for reason in run.refused
    ]
    if run.exit_code != 0:
        how = "was ended at the time limit" if run.exit_code is None else f"ended with exit code {run.exit_code}"
        message = f"the {side} {what} {how} after {run.seconds:.1f} s"
        notes = tuple(f"`{words}` failed" for words in run.failed[:3])
        if run.tail:
            notes = (*notes, "\n".join(["the last lines that it printed:", *run.tail[-_TAIL_SHOWN:]]))
        found.append(Diagnostic(rule=rule, message=message, primary=Label(span=place), notes=notes))
    return tuple(found)


def difference(check: ImageCheck, place: Span) -> Diagnostic:
    """Of two images that differ: in what."""
    config, files = check.comparison.config_deltas, check.comparison.deltas
    count = len(config) + len(files)
    message = f"the two images `{check.reference}` differ in {count} place{'s' if count != 1 else ''}"
    notes = (*map(str, config), *lines(files, _LINES_SHOWN))
    return Diagnostic(rule=rules.IMAGES_DIFFER, message=message, primary=Label(span=place), notes=notes)


def smoke_difference(check: SmokeCheck, place: Span) -> Diagnostic:
    """Of a command that doesn't do the same in both images: in what."""
    command = shlex.join(check.words) or "its own command"
    message = f"`{command}` does not do the same in the two images `{check.reference}`"
    return Diagnostic(
        rule=rules.SMOKE_DIFFERS, message=message, primary=Label(span=place), notes=check.comparison.deltas
    )


def names(images: list[BuiltImage]) -> str:
    """As a person reads them."""
    return ", ".join(f"`{i.reference}`" if i.reference else "an image without a name" for i in images) or "none"
