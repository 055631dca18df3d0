"""What a migration leaves to the Makefile's other targets: those that need what goes are told, and keep their Dockerfiles."""

import posixpath
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Rule, at
from migrate.discover import Repository
from migrate.pipeline.goals import MAX_GOALS, Follow
from migrate.plan.model import MigrationPlan
from migrate.provenance.derive import derive
from migrate.source import Span
from migrate.trace.events import (
    Compose,
    ContainerCreate,
    ContainerRun,
    Extraction,
    Harmless,
    HostChange,
    ImageBuild,
    ImageUse,
    Opaque,
    Trace,
)

_COMPOSE = re.compile(r"(?:docker-)?compose[\w.-]*\.ya?ml")
_CONTEXT = re.compile(r"^[ \t]+(?:build|context)[ \t]*:[ \t]*[\"']?([^\s\"'#{\[]+)", re.MULTILINE)


def other_targets(
    repository: Repository, planned: MigrationPlan, names: Iterable[str], follow: Follow
) -> tuple[tuple[Diagnostic, ...], bool]:
    """Findings at the places of `names`, and whether one of them builds from a Dockerfile that would go."""
    going = {c.span.origin for c in planned.driver.removed}
    edited = {b.span.origin for b in planned.builds}
    removed = {p for g in planned.groups for p in g.removed}
    found: dict[Span, Diagnostic] = {}
    needs_file = False
    for name in list(names)[:MAX_GOALS]:
        followed = follow((name,))
        for event in followed.events:
            place = event.span.origin
            if isinstance(event, ImageBuild) and event.dockerfile in removed and place not in going | edited:
                needs_file = True
        apart = _apart(repository, followed)
        for span, message, rule in _needed(planned, followed, name, going, edited | apart):
            found.setdefault(span, at(rule, message, span))
    return tuple(found.values()), needs_file


def folders_of_others(made: Trace, names: Iterable[str], follow: Follow) -> frozenset[PurePosixPath]:
    """The folders that targets lay files into by commands which making the images doesn't come to."""
    own = {s.command.span.origin for s in made.steps}
    found: set[PurePosixPath] = set()
    for name in list(names)[:MAX_GOALS]:
        for step in follow((name,)).steps:
            if step.command.span.origin in own:
                continue
            match step.event:
                case Extraction(landed=PurePosixPath() as landed):
                    found |= set(landed.parents)
                case HostChange(command=command, paths=paths) if command not in ("rm", "rmdir", "mkdir"):
                    found |= {f for p in paths for f in p.parents}
                case _:
                    pass
    return frozenset(found - {PurePosixPath()})


def _apart(repository: Repository, followed: Trace) -> set[Span]:
    """The builds of which it is known that they take nothing out of a container."""
    provenance, _ = derive(followed, repository)
    if provenance is None:
        return set()
    taking = {c.build for c in provenance.copies if c.origins}
    return {b.event.span.origin for b in provenance.builds if b.number not in taking}


def _needed(
    planned: MigrationPlan, followed: Trace, name: str, going: set[Span], edited: set[Span]
) -> Iterable[tuple[Span, str, Rule]]:
    """What one target does with images that are no longer made, and what it builds behind an extraction that goes."""
    gone = {t.text for b in planned.builds if b.number in planned.dropped for t in b.tags if t.text}
    made: set[str] = set()
    extracted = False
    for step in followed.steps:
        event, place = step.event, step.event.span.origin
        if step.command.span.origin in going:
            extracted = True
            continue
        match event:
            case ImageBuild(tags=tags):
                made |= {t.text for t in tags if t.text}
                if extracted and place not in edited:
                    there = event.dockerfile is not None and event.workspace.source(event.dockerfile) is not None
                    rule = rules.DRIVER_EDIT_UNCERTAIN if there else rules.OTHER_TARGET_NEEDS
                    yield place, f"the target `{name}` builds this behind an extraction that goes", rule
            case ContainerCreate(container=container) | ContainerRun(container=container):
                image = container.image.text
                if image in gone and image not in made:
                    message = f"the target `{name}` needs the image `{image}`, which is no longer made"
                    yield place, message, rules.OTHER_TARGET_NEEDS
            case ImageUse(images=images):
                image = next((i.text for i in images if i.text in gone and i.text not in made), None)
                if image is not None:
                    message = f"the target `{name}` needs the image `{image}`, which is no longer made"
                    yield place, message, rules.OTHER_TARGET_NEEDS
            case Compose(verb="up" | "build" | "run" | "create" as verb) if extracted:
                told = [(_of_context(planned, c), c) for c in _composed(planned)]
                for rule, context in sorted(told, key=lambda t: t[0] is rules.OTHER_TARGET_NEEDS):
                    message = f"the target `{name}` runs `docker compose {verb}`, which builds of `{context}`"
                    yield place, message, rule
            case Extraction(landed=PurePosixPath() as landed) if extracted and set(planned.driver.gone) & set(
                landed.parents
            ):
                message = f"the target `{name}` puts `{landed}` where the artifact stood"
                yield place, message, rules.DRIVER_EDIT_UNCERTAIN
            case HostChange() | Harmless() | Opaque() if extracted:
                used = _used(event, set(planned.driver.gone))
                if used is not None:
                    message = f"the target `{name}` needs `{used}` on the host, which is no longer there"
                    yield place, message, rules.DRIVER_EDIT_UNCERTAIN
            case _:
                pass


def _composed(planned: MigrationPlan) -> list[PurePosixPath]:
    """The folders that compose files build of, as far as they name them in one line."""
    repository = planned.builds[0].workspace.repository
    found: list[PurePosixPath] = []
    for path in repository.entries:
        source = repository.source(path) if _COMPOSE.fullmatch(path.name) else None
        for match in _CONTEXT.finditer(source.text if source is not None else ""):
            found.append(PurePosixPath(posixpath.normpath(path.parent / match[1])))
    return list(dict.fromkeys(found))


def _of_context(planned: MigrationPlan, context: PurePosixPath) -> Rule:
    """What goes from a folder that only the script makes is missed there; what is built of the repository's own folders builds
    by itself now."""
    made = planned.builds[0].workspace.repository.kind(context) is None
    missed = made and any(context == p or context in p.parents for p in planned.driver.gone)
    return rules.DRIVER_EDIT_UNCERTAIN if missed else rules.OTHER_TARGET_NEEDS


def _used(event: HostChange | Harmless | Opaque, gone: set[PurePosixPath]) -> PurePosixPath | None:
    """The artifact that a command of the host needs; clearing it away needs none."""
    if isinstance(event, HostChange) and event.command in ("rm", "rmdir", "mkdir"):
        return None
    if isinstance(event, Harmless) and event.command in ("echo", "printf"):
        return None
    paths = () if isinstance(event, Opaque) else event.paths
    named = (p for p in sorted(gone) if re.search(rf"(?<![\w.-]){re.escape(p.name)}(?![\w.-])", event.span.text))
    return next((p for p in paths if p in gone), None) or next(named, None)
