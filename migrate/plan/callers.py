"""Who else starts a script that the driver starts. A build that is spread over several files loses its steps in each of them,
and whoever starts only one of these would get less than before."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, at
from migrate.discover import EntryKind, Repository
from migrate.plan.groups import Group
from migrate.provenance.model import Provenance, builds_of
from migrate.source import SourceFile, Span
from migrate.trace.events import ContainerCreate, ContainerRun, Extraction, Trace

_RUN = frozenset(
    " .sh .bash .zsh .mk .mak .yml .yaml .json .toml .hcl .groovy .gradle .xml .py .rb .js .pl .ps1 .bat .cmd .env .cfg .ini"
    " .tf .bzl".split(" ")
)
"""What files are called that may run something; many have no suffix (Jenkinsfile, Rakefile, a script)."""
_LISTS = frozenset(
    {".dockerignore", ".gitignore", ".gitattributes", ".npmignore", ".editorconfig", "license", "readme"}
)
_STARTS = r"(?:(?:^|[\s;&|(\"'`])(?:\.|source|sh|bash|exec)\s+|/)"


def other_callers(trace: Trace, provenance: Provenance, grouped: Sequence[Group]) -> list[Diagnostic]:
    """The steps of a spread build that stand in a script which is started by another file as well."""
    if not provenance.builds:
        return []
    repository = provenance.builds[0].workspace.repository
    followed = followed_files(trace)
    services = {f.path for c in trace.composed.values() for f in c.project.files}  # `plan.services` looks after these
    for group in grouped:
        steps = list(_steps(trace, provenance, group))
        if len({s.file.path for s in steps}) == 1:
            continue
        for step in steps:
            path = step.file.path
            own = path == trace.source.path or path in services
            caller = _caller(repository, path, followed) if not own else None
            if caller is not None:
                message = f"a step of the extraction stands in `{path}`, which `{caller}` starts as well"
                return [at(rules.DRIVER_EDIT_UNCERTAIN, message, step)]
    return []


def called(path: PurePosixPath) -> str:
    """By which name a Dockerfile is told from others."""
    plain = path.name == "Dockerfile" and path.parent.name
    return f"{path.parent.name}/{path.name}" if plain else path.name


def followed_files(trace: Trace) -> set[PurePosixPath]:
    """The files of which a trace knows what they do: scripts, Makefiles, compose files."""
    composed = {f.path for c in trace.composed.values() for f in c.project.files}
    return {p.source.whole().origin.file.path for p in trace.pieces} | {trace.source.path} | composed


def _steps(trace: Trace, provenance: Provenance, group: Group) -> Iterator[Span]:
    """Where the steps of a group stand; a container of which only a run is known counts for each group."""
    numbers = {b.number for b in group.builds}
    yield from (b.event.span.origin for b in group.builds)
    for event in trace.events:
        match event:
            case Extraction(container_number=number):
                pass
            case ContainerCreate(container=container) | ContainerRun(container=container):
                number = container.number
            case _:
                continue
        if number not in provenance.contributing:
            continue
        image = provenance.containers.get(number)
        if image is None or numbers & set(builds_of(image)):
            yield event.span.origin


def _caller(repository: Repository, path: PurePosixPath, followed: set[PurePosixPath]) -> PurePosixPath | None:
    """A file, not among those that are `followed`, that starts the script at `path`."""
    ahead = r"(?<![\w.-])" if "." in path.name else _STARTS
    return _naming(repository, path, rf"{ahead}{re.escape(path.name)}(?!\.?[\w-])", followed)


def _naming(
    repository: Repository, path: PurePosixPath, pattern: str, followed: set[PurePosixPath]
) -> PurePosixPath | None:
    names = re.compile(pattern)
    for other, kind in repository.entries.items():
        if kind is not EntryKind.FILE or other == path or other in followed:
            continue
        if not may_run(other):
            continue
        beside = other.parent / path.name
        if beside != path and repository.kind(beside) is EntryKind.FILE:
            continue  # it has one of its own, of the same name
        source = repository.source(other)
        if source is not None and any(names.search(line) for line in _lines(source)):
            return other
    return None


def may_run(path: PurePosixPath) -> bool:
    """By its name, whether a file may run something."""
    return path.suffix.lower() in _RUN and path.name.lower() not in _LISTS


def _lines(source: SourceFile) -> Iterator[str]:
    return (line for line in source.text.splitlines() if not line.lstrip().startswith("#"))
