"""The static phases for one driver: read, trace, follow back, plan, render, read back. Nothing is started or written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from migrate import rules
from migrate.diagnostics import Diagnostic, at, has_errors
from migrate.discover import Driver, Repository
from migrate.dockerfile.reader import read_dockerfile
from migrate.drivers.script import Start, read_driver, starts
from migrate.plan.model import Facts, MigrationPlan
from migrate.plan.stages import plan
from migrate.provenance.derive import derive, extracts
from migrate.render.changes import render_changes
from migrate.render.driver import UncertainEditError
from migrate.shell.reader import read_script
from migrate.shell.syntax import Script
from migrate.source import FileChange, SourceFile, decode
from migrate.trace.events import ContainerCreate, Extraction, ImageBuild, Trace
from migrate.trace.interpreter import trace
from migrate.trace.values import Unknown, Value

_COPIES_OUT = re.compile(r"\bcp\b[^\n;&|]*[\w\"')}`]:")

NO_FACTS: Facts = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """How the driver is started: its arguments, and what is known of its environment."""

    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """`legacy` is whether the driver takes anything out of a container at all. `plan` and `changes` are there where it
    migrates; the diagnostics say why not, or under which assumptions."""

    driver: Driver
    start: Start
    legacy: bool
    plan: MigrationPlan | None
    changes: tuple[FileChange, ...]
    diagnostics: tuple[Diagnostic, ...]
    trace: Trace | None = None


def analyse(
    repository: Repository, driver: Driver, inputs: Inputs, facts: Facts = NO_FACTS, *, buildkit: bool = True
) -> Analysis:
    """Plan the migration of what `driver` builds. `facts` are what an engine said of the artifacts, `buildkit` is which builder
    will build it."""
    script, diagnostics = read_driver(repository, driver)
    start = starts(driver)[0]
    if script is None:
        return _stopped(driver, start, diagnostics, legacy=True)
    start, followed = _follow(script, repository, driver, inputs)
    diagnostics += _without_arguments(followed, start, inputs)
    unread = has_errors(diagnostics) or has_errors(followed.diagnostics)
    if not extracts(followed) and not (unread and _COPIES_OUT.search(script.source.text)):
        return _stopped(driver, start, (), followed, legacy=False)
    diagnostics += followed.diagnostics
    if has_errors(diagnostics):
        return _stopped(driver, start, diagnostics, followed, legacy=True)
    provenance, found = derive(followed, repository)
    diagnostics += found
    if provenance is None or has_errors(found):
        return _stopped(driver, start, diagnostics, followed, legacy=True)
    planned, found = plan(followed, provenance, facts, buildkit=buildkit)
    diagnostics += found
    if planned is None:
        return _stopped(driver, start, diagnostics, followed, legacy=True)
    try:
        changes = render_changes(planned)
    except UncertainEditError as error:
        line = script.source.line_bounds(script.source.position(error.offset).line)
        place = script.source.span(error.offset, max(error.offset, len(script.source.text[: line[1]].rstrip())))
        uncertain = at(rules.DRIVER_EDIT_UNCERTAIN, error.reason, place)
        return _stopped(driver, start, (*diagnostics, uncertain), followed, legacy=True)
    found = _read_back(repository, planned, changes, start, inputs)
    if has_errors(found) and (kept := _keeping(repository, planned, start, inputs)) is not None:
        planned, changes, found = kept
    return Analysis(
        driver=driver,
        start=start,
        legacy=True,
        plan=None if has_errors(found) else planned,
        changes=() if has_errors(found) else changes,
        diagnostics=(*diagnostics, *found),
        trace=followed,
    )


def _stopped(
    driver: Driver, start: Start, diagnostics: tuple[Diagnostic, ...], trace: Trace | None = None, *, legacy: bool
) -> Analysis:
    return Analysis(
        driver=driver, start=start, legacy=legacy, plan=None, changes=(), diagnostics=diagnostics, trace=trace
    )


def _follow(script: Script, repository: Repository, driver: Driver, inputs: Inputs) -> tuple[Start, Trace]:
    """The trace from the place where its Dockerfiles are found, whatever the arguments are; without arguments where they
    decide what is built. The first one where none is whole."""
    given: tuple[tuple[str, ...] | None, ...] = (inputs.arguments,) if inputs.arguments else (None, ())
    attempts = [
        (start, _traced(script, repository, start, inputs))
        for arguments in given
        for start in (replace(s, arguments=arguments) for s in starts(driver))
    ]
    return min(attempts, key=lambda attempt: _doubts(attempt[1]))


def _traced(script: Script, repository: Repository, start: Start, inputs: Inputs) -> Trace:
    return trace(
        script,
        repository,
        directory=start.directory,
        name=start.name,
        arguments=start.arguments,
        environment=inputs.environment,
    )


def _doubts(followed: Trace) -> tuple[bool, bool, bool]:
    """What speaks against a way to start a script, the weightiest first; the first of equal ones is taken."""
    builds = [e for e in followed.events if isinstance(e, ImageBuild)]
    missing = any(b.dockerfile is not None and b.workspace.node(b.dockerfile) is None for b in builds)
    positional = re.compile(r"\$(?:[@*#\d]|\{[@*#\d])")
    deciding = [s for s in followed.steps if isinstance(s.event, ImageBuild | Extraction | ContainerCreate)]
    asked = any(positional.search(c.span.text) for s in deciding for c in s.conditions if not c.decided)
    return missing or not builds, has_errors(followed.diagnostics), asked


def _without_arguments(followed: Trace, start: Start, inputs: Inputs) -> tuple[Diagnostic, ...]:
    """Said where the arguments decide what is built, and none were given."""
    if start.arguments is None or inputs.arguments:
        return ()
    message = "what this script does depends on its arguments: it is followed as started without any"
    return (
        at(
            rules.STARTED_WITHOUT_ARGUMENTS,
            message,
            followed.script.source.span(0, len(followed.script.source.line(1))),
        ),
    )


def _keeping(
    repository: Repository, planned: MigrationPlan, start: Start, inputs: Inputs
) -> tuple[MigrationPlan, tuple[FileChange, ...], tuple[Diagnostic, ...]] | None:
    """The plan that leaves the builders' Dockerfiles where they are, where the script asks for them: None where that is no
    help either."""
    removed = [p for g in planned.groups for p in g.removed]
    if not removed:
        return None
    kept = replace(planned, groups=tuple(replace(g, removed=()) for g in planned.groups))
    changes = render_changes(kept)
    if has_errors(_read_back(repository, kept, changes, start, inputs)):
        return None
    message = f"`{removed[0]}` stays: the script asks whether it is there, though nothing is built from it any more"
    return kept, changes, (at(rules.BUILDER_FILE_KEPT, message, planned.place),)


def _read_back(
    repository: Repository, planned: MigrationPlan, changes: tuple[FileChange, ...], start: Start, inputs: Inputs
) -> tuple[Diagnostic, ...]:
    """The rendered files, read again from their text: the builds that stay and no extraction, every stage named once and known.

    What fails here is a fault of the plan, never of the repository; it stops the migration all the same.
    """
    texts = {c.path: decode(c.after) for c in changes if c.after is not None}
    for group in planned.groups:
        source = SourceFile(path=group.path, text=texts[group.path])
        dockerfile, found = read_dockerfile(source)
        if dockerfile is None:
            return found
        names = [s.name.text.lower() for s in dockerfile.stages if s.name]
        wanted = {p.name.lower() for p in group.parts if p.name}
        if len(names) != len(set(names)) or not wanted <= set(names):
            return (_fault("the rendered Dockerfile does not name its stages as planned", source),)
    driver_path = planned.driver.script.source.path
    driver = SourceFile(path=driver_path, text=texts[driver_path])
    script, found = read_script(driver)
    if script is None:
        return found
    changed = repository.changed({c.path: None if c.after is None else decode(c.after) for c in changes})
    again = _traced(script, changed, start, inputs)
    expected = []
    for event in planned.builds:
        if event.number in planned.dropped:
            continue
        path, context = planned.paths.get(event.number, (event.dockerfile, event.context))
        expected.append((path, context, *map(_shown, event.tags)))
    builds = [(e.dockerfile, e.context, *map(_shown, e.tags)) for e in again.events if isinstance(e, ImageBuild)]
    if extracts(again) or builds != expected:
        return (_fault("with the files that the migration leaves, this script would build something else", driver),)
    return ()


def _shown(value: Value) -> Value:
    """A value without the numbers that tell its unknowns apart, which two traces give differently."""
    return Value(parts=tuple(replace(p, number=0) if isinstance(p, Unknown) else p for p in value.parts))


def _fault(message: str, source: SourceFile) -> Diagnostic:
    return at(rules.DRIVER_EDIT_UNCERTAIN, message, source.span(0, 0))
