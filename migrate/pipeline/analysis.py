"""The static phases for one driver: read, trace, follow back, plan, render, read back. Nothing is started or written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from migrate import rules
from migrate.diagnostics import Diagnostic, at, has_errors
from migrate.discover import Driver, Repository
from migrate.dockerfile.reader import read_dockerfile
from migrate.drivers.script import Start, read_driver, starts
from migrate.plan.model import Facts, StagePlan
from migrate.plan.stages import plan
from migrate.provenance import derive, extracts
from migrate.render.changes import render_changes
from migrate.render.driver import UncertainEditError
from migrate.shell.reader import read_script
from migrate.shell.syntax import Script
from migrate.source import FileChange, SourceFile, decode
from migrate.trace.events import ImageBuild, Trace
from migrate.trace.interpreter import trace

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
    plan: StagePlan | None
    changes: tuple[FileChange, ...]
    diagnostics: tuple[Diagnostic, ...]


def analyse(repository: Repository, driver: Driver, inputs: Inputs, facts: Facts = NO_FACTS) -> Analysis:
    """Plan the migration of what `driver` builds. `facts` are what an engine said of the artifacts."""
    script, diagnostics = read_driver(repository, driver)
    start = starts(driver)[0]
    if script is None:
        return _stopped(driver, start, diagnostics, legacy=True)
    start, followed = _follow(script, repository, driver, inputs)
    unread = has_errors(diagnostics) or has_errors(followed.diagnostics)
    if not extracts(followed) and not (unread and _COPIES_OUT.search(script.source.text)):
        return _stopped(driver, start, (), legacy=False)
    diagnostics += followed.diagnostics
    if has_errors(diagnostics):
        return _stopped(driver, start, diagnostics, legacy=True)
    provenance, found = derive(followed, repository)
    diagnostics += found
    if provenance is None or has_errors(found):
        return _stopped(driver, start, diagnostics, legacy=True)
    planned, found = plan(followed, provenance, facts)
    diagnostics += found
    if planned is None:
        return _stopped(driver, start, diagnostics, legacy=True)
    try:
        changes = render_changes(planned)
    except UncertainEditError as error:
        line = script.source.line_bounds(script.source.position(error.offset).line)
        place = script.source.span(error.offset, max(error.offset, len(script.source.text[: line[1]].rstrip())))
        uncertain = at(rules.DRIVER_EDIT_UNCERTAIN, error.reason, place)
        return _stopped(driver, start, (*diagnostics, uncertain), legacy=True)
    found = _read_back(repository, planned, changes, start, inputs)
    return Analysis(
        driver=driver,
        start=start,
        legacy=True,
        plan=None if has_errors(found) else planned,
        changes=() if has_errors(found) else changes,
        diagnostics=(*diagnostics, *found),
    )


def _stopped(driver: Driver, start: Start, diagnostics: tuple[Diagnostic, ...], *, legacy: bool) -> Analysis:
    return Analysis(driver=driver, start=start, legacy=legacy, plan=None, changes=(), diagnostics=diagnostics)


def _follow(script: Script, repository: Repository, driver: Driver, inputs: Inputs) -> tuple[Start, Trace]:
    """The trace from the place where its Dockerfiles are found; the first place where none is."""
    attempts = [
        (
            start,
            trace(
                script,
                repository,
                directory=start.directory,
                name=start.name,
                arguments=inputs.arguments or None,
                environment=inputs.environment,
            ),
        )
        for start in starts(driver)
    ]
    for start, followed in attempts:
        builds = [e for e in followed.events if isinstance(e, ImageBuild)]
        if builds and all(b.dockerfile is not None and repository.source(b.dockerfile) is not None for b in builds):
            return start, followed
    return attempts[0]


def _read_back(
    repository: Repository, planned: StagePlan, changes: tuple[FileChange, ...], start: Start, inputs: Inputs
) -> tuple[Diagnostic, ...]:
    """The rendered files, read again from their text: one build and no extraction, every stage named once and known.

    What fails here is a fault of the plan, never of the repository; it stops the migration all the same.
    """
    texts = {c.path: decode(c.after) for c in changes if c.after is not None}
    source = SourceFile(path=planned.path, text=texts[planned.path])
    dockerfile, found = read_dockerfile(source)
    if dockerfile is None:
        return found
    names = [s.name.text.lower() for s in dockerfile.stages if s.name]
    if len(names) != len(set(names)) or planned.stage_name.lower() not in names:
        return (_fault("the rendered Dockerfile does not name its stages as planned", source),)
    driver_path = planned.driver.script.source.path
    driver = SourceFile(path=driver_path, text=texts[driver_path])
    script, found = read_script(driver)
    if script is None:
        return found
    again = trace(
        script,
        repository,
        directory=start.directory,
        name=start.name,
        arguments=inputs.arguments or None,
        environment=inputs.environment,
    )
    before = [e for e in planned.builds if e is not planned.builder.event]
    builds = [e for e in again.events if isinstance(e, ImageBuild)]
    expected = [(e.dockerfile, e.context, e.tags) for e in before]
    if extracts(again) or [(e.dockerfile, e.context, e.tags) for e in builds] != expected:
        return (_fault("the rendered driver does not build what the legacy one built", driver),)
    return ()


def _fault(message: str, source: SourceFile) -> Diagnostic:
    return at(rules.DRIVER_EDIT_UNCERTAIN, message, source.span(0, 0))
