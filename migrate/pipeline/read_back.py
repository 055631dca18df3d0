"""The rendered files, read again from their text: what the driver does among them must be what was planned."""

from collections.abc import Iterator
from dataclasses import replace

from migrate import rules
from migrate.diagnostics import Diagnostic, at
from migrate.discover import Driver, Repository
from migrate.dockerfile.reader import read_dockerfile
from migrate.drivers.script import Start
from migrate.pipeline.following import Inputs, traced
from migrate.pipeline.staying import check_staying
from migrate.plan.model import MigrationPlan
from migrate.proof.prove import Version
from migrate.provenance.derive import taking_out
from migrate.source import FileChange, SourceFile, decode
from migrate.trace.events import Compose, ContainerCreate, ContainerRun, ImageBuild, Opaque, Trace
from migrate.trace.values import Stream, Unknown, Value


def read_back(
    repository: Repository,
    driver: Driver,
    planned: MigrationPlan,
    changes: tuple[FileChange, ...],
    start: Start,
    inputs: Inputs,
    before: Trace,
) -> tuple[Version | None, tuple[Diagnostic, ...]]:
    """The rendered files, read again from their text: the builds that stay and no extraction, every stage named once and known.
    None where they could not be followed.

    What fails here is a fault of the plan, never of the repository; it stops the migration all the same.
    """
    texts = {c.path: decode(c.after) for c in changes if c.after is not None}
    for group in planned.groups:
        source = SourceFile(path=group.path, text=texts[group.path])
        dockerfile, found = read_dockerfile(source)
        if dockerfile is None:
            return None, found
        names = [s.name.text.lower() for s in dockerfile.stages if s.name]
        wanted = {p.name.lower() for p in group.parts if p.name}
        if len(names) != len(set(names)) or not wanted <= set(names):
            return None, (_fault("the rendered Dockerfile does not name its stages as planned", source),)
    changed = repository.changed({c.path: None if c.after is None else decode(c.after) for c in changes})
    source = SourceFile(path=driver.path, text=texts.get(driver.path, planned.driver.source.text))
    again, found = traced(changed, source, start, inputs)
    if again is None:
        return None, found
    version = Version(trace=again, repository=changed)
    expected = []
    for event in planned.builds:
        if event.number in planned.dropped:
            continue
        path, context = planned.paths.get(event.number, (event.dockerfile, event.context))
        expected.append((path, context, *map(_shown, event.tags)))
    builds = [(e.dockerfile, e.context, *map(_shown, e.tags)) for e in again.events if isinstance(e, ImageBuild)]
    if (
        _still_taking(again, before, planned)
        or builds != expected
        or _told_otherwise(again, before, planned)
        or _of_make(again) - _of_make(before)
        or len(_unread(again)) > len(_unread(before))
    ):
        message = "with the files that the migration leaves, this script would build something else"
        return version, (_fault(message, source),)
    return version, check_staying(planned, before, again)


def _still_taking(again: Trace, before: Trace, planned: MigrationPlan) -> bool:
    """Whether something is taken out of a container that the migration has not left as it was."""
    going = {c.span for c in planned.driver.removed}
    kept = {
        s.event.span.text
        for s in taking_out(before)
        if s.command.span not in going and s.command.span.file not in planned.driver.gone_texts
    }
    gone = set(planned.driver.gone)
    for step in taking_out(again):
        match step.event:
            case ImageBuild(streamed=Stream()):
                return True
            case ImageBuild(workspace=workspace):
                if any(p in gone or gone & set(p.parents) for p in workspace.carried):
                    return True
            case event if event.span.text not in kept:
                return True
            case _:
                pass
    return False


def _told_otherwise(again: Trace, before: Trace, planned: MigrationPlan) -> bool:
    """Whether a build is given what neither it nor one that it is joined with was given before."""
    containers = set(_told_to_containers(before))
    staying = [e for e in planned.builds if e.number not in planned.dropped]
    for old, new in zip(staying, (e for e in again.events if isinstance(e, ImageBuild)), strict=False):
        joined = {n for g in planned.groups if old.number in g.targets for n in (*g.targets, *g.builders)}
        given = {v for b in planned.builds if b.number in {old.number, *joined} for v in _told(b)}
        if set(_told(new)) - given - containers:
            return True
    return False


def _told(build: ImageBuild) -> Iterator[tuple[str, Value]]:
    """What a build's options and arguments come to; a word that moved must mean there what it meant here."""
    for argument in build.build_arguments:
        if argument.value is not None:
            yield "build-arg", _shown(argument.value)
    for option in build.options:
        if option.value is not None and option.name != "target":
            yield option.name, _shown(option.value)


def _told_to_containers(followed: Trace) -> Iterator[tuple[str, Value]]:
    """The variables of containers, which a build gets as arguments."""
    for event in followed.events:
        if isinstance(event, ContainerCreate | ContainerRun):
            for option in event.container.options:
                if option.name == "env" and option.value is not None and "=" in option.value.marked:
                    yield "build-arg", _shown(option.value.slice(option.value.marked.index("=") + 1))


def _of_make(followed: Trace) -> set[str]:
    """Targets that make's own rules make: a rule without a recipe asks for them."""
    return {e.command for e in followed.events if isinstance(e, Opaque) and e.command.startswith("make's own rule")}


def _unread(followed: Trace) -> list[Compose]:
    """Calls of compose that aren't followed, such as those that name a service which isn't there."""
    return [e for e in followed.events if isinstance(e, Compose) and e.unread is not None]


def _shown(value: Value) -> Value:
    """A value without the numbers that tell its unknowns apart, which two traces give differently."""
    return Value(parts=tuple(replace(p, number=0) if isinstance(p, Unknown) else p for p in value.parts))


def _fault(message: str, source: SourceFile) -> Diagnostic:
    return at(rules.DRIVER_EDIT_UNCERTAIN, message, source.span(0, 0))
