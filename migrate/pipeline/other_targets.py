"""What a migration leaves to others: targets of the Makefile, scripts of the package.json, and drivers that aren't read. Those
that need what goes are told, and keep their Dockerfiles."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Rule, at
from migrate.discover import Repository
from migrate.drivers.unread import find_unread
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


def other_targets(
    repository: Repository, planned: MigrationPlan, names: Iterable[str], follow: Follow, *, what: str
) -> tuple[tuple[Diagnostic, ...], bool]:
    """Findings at the places of `names`, and whether one of them builds from a Dockerfile that would go. `what` is such a name
    as a person says it: a target, a script."""
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
        for span, message, rule in _needed(planned, followed, f"{what} `{name}`", going, edited | apart):
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


def left_unread(repository: Repository, planned: MigrationPlan) -> tuple[tuple[Diagnostic, ...], bool]:
    """Drivers of kinds that aren't read which build the same the old way, and whether one needs a Dockerfile that would go."""
    found: list[Diagnostic] = []
    removed = {p for g in planned.groups for p in g.removed}
    tags = {t.text for b in planned.builds if b.number in planned.dropped for t in b.tags if t.text}
    needs_file = False
    for unread in find_unread(repository):
        text, folder = unread.place.file.text, unread.driver.path.parent
        near = [p for p in planned.builder_paths if folder == p.parent or folder in p.parents]
        named = [p for p in near if _names(text, p)]
        if not named and not any(re.search(rf"(?<![\w.-]){re.escape(t)}(?![\w.-])", text) for t in tags):
            continue
        needs_file = needs_file or bool(removed & set(named))
        kept = f", and needs `{named[0]}`" if named else ""
        message = f"{unread.what}, which is not read, still builds this the old way{kept}"
        found.append(at(rules.UNREAD_DRIVER_LEFT, message, unread.place))
    return tuple(found), needs_file


def _names(text: str, dockerfile: PurePosixPath) -> bool:
    """Whether a text names a Dockerfile: one that is called `Dockerfile` by its folder."""
    name = dockerfile.name if dockerfile.name != "Dockerfile" else dockerfile.parent.name
    return bool(name) and re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text) is not None


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
    """What one of them does with images that are no longer made, and what it builds behind an extraction that goes."""
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
                    uncertain = there and not _is_whole(planned, event)
                    rule = rules.DRIVER_EDIT_UNCERTAIN if uncertain else rules.OTHER_TARGET_NEEDS
                    yield place, f"the {name} builds this behind an extraction that goes", rule
            case ContainerCreate(container=container) | ContainerRun(container=container):
                image = container.image.text
                if image in gone and image not in made:
                    message = f"the {name} needs the image `{image}`, which is no longer made"
                    yield place, message, rules.OTHER_TARGET_NEEDS
            case ImageUse(images=images):
                image = next((i.text for i in images if i.text in gone and i.text not in made), None)
                if image is not None:
                    message = f"the {name} needs the image `{image}`, which is no longer made"
                    yield place, message, rules.OTHER_TARGET_NEEDS
            case Compose(project=None, verb="up" | "build" | "run" | "create" as verb) if extracted:
                message = f"the {name} runs `docker compose {verb}`, which isn't followed and may build of what goes"
                yield place, message, rules.OTHER_TARGET_NEEDS
            case Extraction(landed=PurePosixPath() as landed) if extracted and set(planned.driver.gone) & set(
                landed.parents
            ):
                message = f"the {name} puts `{landed}` where the artifact stood"
                yield place, message, rules.DRIVER_EDIT_UNCERTAIN
            case HostChange() | Harmless() | Opaque() if extracted:
                used = _used(event, set(planned.driver.gone))
                if used is not None:
                    message = f"the {name} needs `{used}` on the host, which is no longer there"
                    yield place, message, rules.DRIVER_EDIT_UNCERTAIN
            case _:
                pass


def _is_whole(planned: MigrationPlan, event: ImageBuild) -> bool:
    """Whether a build is one of a Dockerfile that has the builder's stages now, in the context that these need."""
    given = {b.number for b in planned.builds if b.build_arguments}
    return any(
        (event.dockerfile, event.context) == (g.path, g.context) and not given & set(g.builders) for g in planned.groups
    )


def _used(event: HostChange | Harmless | Opaque, gone: set[PurePosixPath]) -> PurePosixPath | None:
    """The artifact that a command of the host needs; clearing it away needs none."""
    if isinstance(event, HostChange) and event.command in ("rm", "rmdir", "mkdir"):
        return None
    if isinstance(event, Harmless) and event.command in ("echo", "printf"):
        return None
    paths = () if isinstance(event, Opaque) else event.paths
    named = (p for p in sorted(gone) if re.search(rf"(?<![\w.-]){re.escape(p.name)}(?![\w.-])", event.span.text))
    return next((p for p in paths if p in gone), None) or next(named, None)
