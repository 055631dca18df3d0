"""Which targets of a Makefile make images out of what others build, and in which order make has to be called for them; the same
for the scripts of a package.json.

A target that needs an image or a file which another one makes is called behind it; of targets that come to the same builds the
one that does least is taken.
"""

import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, has_errors
from migrate.discover import Repository
from migrate.drivers.makefile import Recipe, Rule, outside_references, raw_words, read_makefile, walk
from migrate.plan.context import context_sources
from migrate.provenance.derive import derive, extracts
from migrate.source import SourceFile, Span
from migrate.trace.commands import mentions_client
from migrate.trace.events import ConditionKind, ContainerCreate, ContainerRun, Extraction, HostChange, ImageBuild, Trace
from migrate.trace.workspace import Artifact

MAX_GOALS = 60
"""Targets of one Makefile that are tried."""
MAX_BEFORE = 4
"""Calls of make that one target may need before it."""

_ASSIGNED = re.compile(r"^[ ]*(?:(?:export|override)\s+)?[\w.-]+\s*[:?+]*=(.*)", re.MULTILINE)

Follow = Callable[[tuple[str, ...]], Trace]
"""The trace of calling make for each of these targets, one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """Targets in the order in which make has to be called for them. `afresh` are those, by number, that need none of the calls
    before them, where each call is there for one of the images alone."""

    names: tuple[str, ...]
    afresh: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A target with the calls that it needs: what making it comes to."""

    goals: tuple[str, ...]
    trace: Trace

    def behind(self) -> dict[int, Span]:
        """The builds behind something that came out of a container, by number: those that may take it."""
        found: dict[int, Span] = {}
        builders = _builders(self.trace)
        for event in _expected_builds(self.trace):
            if event.number in builders:
                continue
            if event.streamed is not None or event.workspace.carried or event.workspace.shares:
                found[event.number] = event.span.origin
        return found

    def builds(self, repository: Repository) -> frozenset[Span]:
        """The builds that take what came out of a container; of those that can't be told, all behind something that did."""
        behind = self.behind()
        provenance = derive(self.trace, repository)[0] if behind else None
        if provenance is None:
            return frozenset(behind.values())
        taking = {c.build for c in provenance.copies if c.origins}
        return frozenset(span for n, span in behind.items() if n in taking)


def _expected_builds(trace: Trace) -> list[ImageBuild]:
    """The builds of a run in which nothing fails."""
    return [
        s.event
        for s in trace.steps
        if isinstance(s.event, ImageBuild) and not any(c.kind is ConditionKind.FAILURE for c in s.conditions)
    ]


def targets_of(source: SourceFile) -> dict[str, Span]:
    """The targets that a Makefile names as they are, with the line that does so."""
    found: dict[str, Span] = {}
    for node in walk(read_makefile(source)):
        if not isinstance(node, Rule):
            continue
        colon = next((i for i, c in outside_references(node.span.text) if c == ":"), None)
        if colon is None:
            continue
        for word in raw_words(node.span.file.span(node.span.start, node.span.start + colon)):
            plain = re.fullmatch(r"[^\s$%*?\[\]#=\\]+", word.text) is not None
            if plain and not re.match(r"\.[A-Z_]+$", word.text):
                found.setdefault(word.text.removeprefix("./"), node.span)
    return found


def has_client(source: SourceFile) -> bool:
    """Whether a recipe of this Makefile has docker in it."""
    recipes = (n.span.text for n in walk(read_makefile(source)) if isinstance(n, Recipe | Rule))
    return any(map(mentions_client, (*recipes, *_ASSIGNED.findall(source.text))))


def find_goals(repository: Repository, names: Sequence[str], follow: Follow) -> Goals | None:
    """The calls of make (or npm) that come to every image which is made there of a container's files; None where there is none.

    `names` are the targets (or scripts) to choose from.
    """
    known = {name: Candidate(goals=(name,), trace=follow((name,))) for name in names[:MAX_GOALS]}
    behind = {n: _completed(n, known, {}, repository, follow) for n in known}
    completed = [_completed(n, known, behind, repository, follow) if _only_builds(c) else c for n, c in behind.items()]
    builds = {
        c.goals: c.builds(repository) for c in completed if extracts(c.trace) and not _misses_a_dockerfile(c.trace)
    }
    whole = [c for c in completed if builds.get(c.goals)]
    chosen: list[Candidate] = []
    covered: set[Span] = set()
    for candidate in sorted(whole, key=lambda c: (_doubtful(c.trace), len(c.goals), len(c.trace.steps))):
        if not builds[candidate.goals] <= covered:
            chosen.append(candidate)
            covered |= builds[candidate.goals]
    if not chosen:
        taking = [c for c in completed if extracts(c.trace)] or [
            c for c in completed if has_errors(c.trace.diagnostics)
        ]
        # where what a container holds can't be told, the one that shows why: it builds behind the container
        taking.sort(key=lambda c: (bool(c.behind()), len(c.trace.steps)), reverse=True)
        return Goals(names=taking[0].goals) if taking else None
    order = {name: i for i, name in enumerate(names)}
    chosen.sort(key=lambda c: order[c.goals[-1]])
    calls = [g for c in chosen for g in c.goals]
    first = [len([g for c in chosen[:i] for g in c.goals]) for i in range(1, len(chosen))]
    apart = len(set(calls)) == len(calls)
    return Goals(names=tuple(dict.fromkeys(calls)), afresh=frozenset(first) if apart else frozenset())


def _doubtful(trace: Trace) -> bool:
    return any(d.rule in (rules.LEGACY_BUILD_FAILS, rules.CONSTRUCT_NOT_TRACED) for d in trace.diagnostics)


def _completed(
    name: str, known: dict[str, Candidate], leaving: dict[str, Candidate], repository: Repository, follow: Follow
) -> Candidate:
    """`name` behind the targets that make what it needs. `known` are the targets alone, `leaving` those that may leave files."""
    candidate = known[name]
    for _ in range(MAX_BEFORE):
        before = _needed(candidate, known)
        if before is None and _only_builds(candidate):
            before = _leaves(candidate, {n: c for n, c in leaving.items() if n not in candidate.goals}, repository)
        if before is None:
            break
        goals = tuple(dict.fromkeys((*before.goals, *candidate.goals)))
        candidate = Candidate(goals=goals, trace=follow(goals))
    return candidate


def _only_builds(candidate: Candidate) -> bool:
    """Whether what it builds of must have been left by another target."""
    return any(isinstance(e, ImageBuild) for e in candidate.trace.events) and not extracts(candidate.trace)


def _misses_a_dockerfile(trace: Trace) -> bool:
    """Whether a build's Dockerfile is no file that stands here, or that is made on the way."""
    builds = [
        e for e in trace.events if isinstance(e, ImageBuild) and e.context is not None and e.dockerfile is not None
    ]
    return any(isinstance(b.workspace.node(b.dockerfile), Artifact | None) for b in builds if b.dockerfile is not None)


def _needed(candidate: Candidate, known: dict[str, Candidate]) -> Candidate | None:
    """The target that makes an image, a folder or a file of make's which is missing here."""
    others = [n for n in known if n not in candidate.goals]
    for image in _missing_images(candidate.trace):
        for other in others:
            if image in _tags(known[other].trace):
                return known[other]
    folder = next((f for d in candidate.trace.diagnostics if (f := _missing_folder(d)) is not None), None)
    if folder is not None:
        making = [known[n] for n in others if _makes(known[n].trace, folder)]
        return min(making, key=lambda c: len(c.trace.steps), default=None)
    missing = next(
        (m[1] for d in candidate.trace.diagnostics if (m := re.search(r"no rule to make target `([^`]+)`", d.message))),
        None,
    )
    if missing is None:
        return None
    name = missing.rpartition("/")[2]
    return next((known[n] for n in others if any(p.name == name for p in known[n].trace.remaining)), None)


def _missing_folder(found: Diagnostic) -> str | None:
    """The folder that `docker cp` should have landed in, where that fails since it isn't there."""
    match = re.search(r"fails here: `([^`]+)` is not a directory", found.message)
    return match[1] if match is not None and found.rule is rules.LEGACY_BUILD_FAILS else None


def _makes(trace: Trace, folder: str) -> bool:
    changes = (e for e in trace.events if isinstance(e, HostChange) and e.command == "mkdir")
    return any(PurePosixPath(folder) in e.paths for e in changes)


def _leaves(candidate: Candidate, others: dict[str, Candidate], repository: Repository) -> Candidate | None:
    """The target that leaves most of what is missing for these builds on the host; of several the one that does least."""
    leaving = [c for c in others.values() if c.trace.remaining or _shares(c.trace)]
    provenance = derive(candidate.trace, repository)[0] if leaving else None
    missing: set[PurePosixPath] = set()
    for build in provenance.builds if provenance is not None else ():
        sources = (PurePosixPath(posixpath.normpath("/" + t).lstrip("/")) for _, t in context_sources(build))
        missing |= {p for s in sources if build.workspace.node(p := build.context / s) is None}

    def gives(other: Candidate) -> int:
        left = other.trace.remaining
        return sum(any(m == p or p in m.parents or m in p.parents for p in left) for m in missing)

    # an image that is saved to a file is there for someone else, unless a build asks for that file
    leaving = [c for c in leaving if gives(c) or _opens(c.trace)]
    return min(leaving, key=lambda c: (-gives(c), len(c.trace.steps)), default=None)


def _opens(trace: Trace) -> bool:
    return any(isinstance(e, ContainerCreate | ContainerRun | Extraction) for e in trace.events)


def _shares(trace: Trace) -> bool:
    """Whether a container writes to a folder of the host, and no build behind it takes it from there."""
    runs = [e for e in trace.events if isinstance(e, ContainerRun)]
    writes = any(m.host is not None and not m.read_only for e in runs for m in e.container.mounts)
    return writes and not any(b.workspace.shares for b in _expected_builds(trace))


def _tags(trace: Trace) -> set[str]:
    return {t.text for b in _expected_builds(trace) for t in b.tags if t.text}


def _builders(trace: Trace) -> set[int]:
    """Builds of a Dockerfile of which an image was opened before: the builder once more."""
    found: set[int] = set()
    files: dict[str, set[PurePosixPath | None]] = {}
    opened: set[PurePosixPath | None] = set()
    for event in trace.events:
        match event:
            case ImageBuild(tags=tags, dockerfile=dockerfile, number=number):
                if dockerfile in opened:
                    found.add(number)
                for tag in tags:
                    files.setdefault(tag.text or "", set()).add(dockerfile)
            case ContainerCreate(container=container) | ContainerRun(container=container):
                opened |= files.get(container.image.text or "\0", set())
            case _:
                pass
    return found


def _missing_images(trace: Trace) -> list[str]:
    """Names of images that containers are made of and that no build before them made."""
    made: set[str] = set()
    found: list[str] = []
    for event in trace.events:
        match event:
            case ImageBuild(tags=tags):
                made |= {t.text for t in tags if t.text}
            case ContainerCreate(container=container) | ContainerRun(container=container):
                name = container.image.text
                if name is not None and name not in made:
                    found.append(name)
            case _:
                pass
    return found
