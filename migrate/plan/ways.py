"""When the steps of an extraction run: they must run together with the build that they are there for, from the driver itself,
by plain docker; and what runs on ways that aren't taken must not need what goes."""

import re
from collections.abc import Sequence

from migrate import rules
from migrate.diagnostics import Diagnostic, at
from migrate.plan.groups import Group
from migrate.source import Span
from migrate.trace.events import (
    Compose,
    Condition,
    ConditionKind,
    ContainerRemove,
    HostChange,
    ImageBuild,
    ImageUse,
    Trace,
    Traced,
)


def check_ways(trace: Trace, grouped: Sequence[Group], part: Sequence[tuple[Traced, int]]) -> list[Diagnostic]:
    """`part` are the steps that go or change, with their place in the trace. The first thing that is wrong ends it."""
    for step in trace.steps:
        if step.client not in ("", "docker", "sudo docker") and not isinstance(step.event, Compose):
            message = f"a command that is run by `{step.client}` can't be checked by building"
            return [at(rules.CLIENT_NOT_PLAIN, message, step.event.span)]
    found: list[Diagnostic] = []
    kept = {n for g in grouped for n in g.targets}
    runtimes = [s for s, _ in part if isinstance(s.event, ImageBuild) and s.event.number in kept]
    for step, index in part:
        if not editable(trace, step.command.span):
            message = f"a step of the extraction stands in `{step.command.span.origin.file.path}`"
            return [*found, at(rules.DRIVER_EDIT_UNCERTAIN, message, step.event.span)]
        runtime = _runtime_of(trace, grouped, step, index, runtimes)
        if _undecided(step) != _undecided(runtime):
            return [*found, _condition(step, runtime)]
        small = isinstance(step.event, ContainerRemove | HostChange | ImageUse)
        if step.conditions != runtime.conditions and not small:
            found.append(_missing(step, runtime))
        if any(c.kind in (ConditionKind.LOOP, ConditionKind.BACKGROUND) for c in step.conditions):
            message = f"a step of the extraction runs {step.conditions[-1]}"
            return [*found, at(rules.RUNS_CONDITIONALLY, message, step.event.span)]
    return found


def editable(trace: Trace, span: Span) -> bool:
    """Whether a command stands in a text that the migration may change: the driver's own, a Makefile's, or a compose file's."""
    return span.file is trace.source or span.file in {p.source for p in trace.pieces} or span.file in trace.composed


def check_unreached(trace: Trace) -> list[Diagnostic]:
    """Commands on ways that are not taken here keep what they say: it may be what goes."""
    for command in trace.unreached:
        if re.match(r"(?:echo|printf)\s", command.span.text):
            continue
        if re.search(r"\b(?:build|buildx|create|cp|run|compose)\b|docker-compose", command.span.text):
            message = "this docker command is on a way that is not taken here, and may need what goes"
            return [at(rules.DRIVER_EDIT_UNCERTAIN, message, command.span)]
    return []


def _runtime_of(trace: Trace, grouped: Sequence[Group], step: Traced, index: int, runtimes: Sequence[Traced]) -> Traced:
    """The build that a step of the extraction is there for: its own group's, else the next one."""
    event = step.event
    if step in runtimes:
        return step
    later = [s for s in trace.steps[index:] if s in runtimes]
    if isinstance(event, ImageBuild):
        targets = next(g.targets for g in grouped if event.number in {b.number for b in g.builds})
        own = [s for s in later if isinstance(s.event, ImageBuild) and s.event.number in targets]
        later = own or later
    return later[0] if later else runtimes[-1]


def _missing(step: Traced, runtime: Traced) -> Diagnostic:
    """A condition that the files which are there decide: the script extracts only what is missing, say."""
    own = [c for c in step.conditions if c not in runtime.conditions] or [
        c for c in runtime.conditions if c not in step.conditions
    ]
    message = f"this runs {own[0]}, which holds for the files that are there; the one build always does it"
    return at(rules.EXTRACTED_WHEN_MISSING, message, own[0].span)


def _condition(step: Traced, runtime: Traced) -> Diagnostic:
    own = [c for c in _undecided(step) if c not in runtime.conditions]
    other = [c for c in _undecided(runtime) if c not in step.conditions]
    if own:
        message = f"this step of the extraction runs {own[0]}, the runtime's build without that"
    else:
        message = f"the runtime's build runs {other[0]}, this step of the extraction without that"
    return at(rules.RUNS_CONDITIONALLY, message, step.event.span)


def _undecided(step: Traced) -> tuple[Condition, ...]:
    return tuple(c for c in step.conditions if not c.decided)
