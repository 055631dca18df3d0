"""What else in a repository speaks of what a migration takes away: found by name, told with its line, and mended where one
edit is sure to mean the same.

Sure is a `docker build -f` of a Dockerfile that goes, in the context that the migrated build has: it gets the stage that stands
for it. (Services of compose files are the plan's, `plan.services`.) All else is a person's to read.
"""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate.discover import EntryKind, Repository
from migrate.plan.callers import called, may_run
from migrate.plan.model import GroupPlan, MigrationPlan
from migrate.plan.services import heir_of
from migrate.source import Edit, FileChange, SourceFile, Span, apply_edits, encode

_LARGEST = 256 * 1024
_COMMAND = re.compile(r"\bdocker(?:\s+(?:image|builder|buildx))?\s+build\b(?:\\\r?\n|[^\n;&|])*")
_CONTEXT = re.compile(r"(?<=\s)\./?(?=[\s\"'`)]|$)")
_TAKES_OUT = re.compile(r"\bdocker\b[^\n]*\b(?:cp|create|export|save)\b")
"""A file with such a command may be a driver of its own, which is to be migrated, not mended."""
_IGNORES = (".gitignore", ".dockerignore", ".npmignore", ".gcloudignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A place that names `what`: a Dockerfile (`path`), an image, or a file on the host. `instead` says what stands for it now;
    `lines` are all of the file that do; `runs` is whether the file may run something."""

    span: Span
    what: str
    path: PurePosixPath | None
    instead: str | None
    lines: tuple[int, ...]
    runs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """`changes` mend what is `mended`; `left` is for a person to read, `idle` are entries of ignore files that match
    nothing now."""

    changes: tuple[FileChange, ...]
    mended: tuple[Mention, ...]
    left: tuple[Mention, ...]
    idle: tuple[Mention, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heir:
    """The stage that makes what a Dockerfile made."""

    group: GroupPlan
    stage: str


def find_references(
    repository: Repository,
    plan: MigrationPlan,
    changes: tuple[FileChange, ...],
    followed: Collection[PurePosixPath],
) -> References:
    """Of all files but those in `changes` and those that are `followed`, of which the plan knows what they say."""
    heirs = _heirs(plan)
    tags = _tags(plan)
    taken = {c.path for c in changes} | set(followed)
    mended: list[Mention] = []
    left: list[Mention] = []
    idle: list[Mention] = []
    edited: list[FileChange] = []
    for source in _texts(repository, taken):
        if source.path.name in _IGNORES:
            idle += _idle(source, plan)
            continue
        found = [*_of_files(repository, source, heirs), *_of_images(source, tags)]
        if not found:
            continue
        text, sure = _mended(source, heirs)
        if text != source.text:
            edited.append(FileChange(path=source.path, before=encode(source.text), after=encode(text)))
        again = SourceFile(path=source.path, text=text)
        still = {m.what for m in _of_files(repository, again, heirs)}
        for mention in found:
            if mention.path in sure and mention.what not in still:
                mended.append(mention)
            else:
                left.append(mention)
    return References(changes=tuple(edited), mended=tuple(mended), left=tuple(left), idle=tuple(idle))


def _texts(repository: Repository, taken: Collection[PurePosixPath]) -> Iterator[SourceFile]:
    for path, kind in repository.entries.items():
        if kind is not EntryKind.FILE or path in taken or repository.hides(path):
            continue
        try:
            size = (repository.root / path).stat().st_size
        except OSError:
            continue
        source = repository.source(path) if 0 < size <= _LARGEST else None
        if source is not None and "\0" not in source.text:
            yield source


def _heirs(plan: MigrationPlan) -> Mapping[PurePosixPath, _Heir | None]:
    """What stands for each Dockerfile that goes."""
    found: dict[PurePosixPath, _Heir | None] = {}
    for path in (p for g in plan.groups for p in g.removed):
        heir = heir_of(path, plan.groups)
        found[path] = _Heir(group=heir[0], stage=heir[1]) if heir is not None else None
    return found


def _tags(plan: MigrationPlan) -> Mapping[str, str | None]:
    """The images that are no longer made, as far as their names can't mean anything else; with the stage that stands for each."""
    kept = {t.text for b in plan.builds if b.number not in plan.dropped for t in b.tags}
    stages = {n: name for g in plan.groups for n, name in g.builders.items()}
    return {
        t.text: stages.get(b.number)
        for b in plan.builds
        if b.number in plan.dropped
        for t in b.tags
        if t.text is not None and t.text not in kept and re.search(r"[/:]", t.text)
    }


def _of_files(
    repository: Repository, source: SourceFile, heirs: Mapping[PurePosixPath, _Heir | None]
) -> Iterator[Mention]:
    for path, heir in heirs.items():
        beside = source.path.parent / path.name
        if beside != path and repository.kind(beside) is EntryKind.FILE:
            continue  # one of its own, of the same name
        pattern = rf"(?:(?<![\w-])|(?<=\s-f)){re.escape(called(path))}(?![\w-]|\.\w)"
        instead = None
        if heir is not None:
            file = "" if heir.group.path == heir.group.context / "Dockerfile" else f" -f {heir.group.path}"
            instead = f"`docker build{file} --target {heir.stage} {heir.group.context}` makes its image now"
        yield from _mention(source, pattern, str(path), path, instead)


def _of_images(source: SourceFile, tags: Mapping[str, str | None]) -> Iterator[Mention]:
    for tag, stage in tags.items():
        instead = f"the stage `{stage}` stands for it now" if stage is not None else None
        yield from _mention(source, rf"(?<![\w./-]){re.escape(tag)}(?![\w/-]|[.:]\w)", tag, None, instead)


def _mention(
    source: SourceFile, pattern: str, what: str, path: PurePosixPath | None, instead: str | None
) -> Iterator[Mention]:
    spans = [source.span(m.start(), m.end()) for m in re.finditer(pattern, source.text)]
    if spans:
        lines = tuple(dict.fromkeys(s.position.line for s in spans))
        runs = (
            may_run(source.path)
            and "dockerfile" not in source.path.name.lower()
            and any(not source.line(n).lstrip().startswith("#") for n in lines)
        )
        yield Mention(span=spans[0], what=what, path=path, instead=instead, lines=lines, runs=runs)


def _idle(source: SourceFile, plan: MigrationPlan) -> Iterator[Mention]:
    """Entries of an ignore file for an artifact, or a Dockerfile, that is no longer there."""
    gone = {*plan.driver.gone, *(p for g in plan.groups for p in g.removed)}
    for number in range(1, source.line_count + 1):
        entry = source.line(number).strip()
        path = PurePosixPath(
            posixpath.normpath(posixpath.join(source.path.parent, entry.lstrip("!").strip("/") or "."))
        )
        if entry.lstrip("!/") and path in gone:
            start = source.line_bounds(number)[0]
            span = source.span(start, start + len(source.line(number)))
            yield Mention(span=span, what=str(path), path=None, instead=None, lines=(number,), runs=False)


def _mended(source: SourceFile, heirs: Mapping[PurePosixPath, _Heir | None]) -> tuple[str, frozenset[PurePosixPath]]:
    """The text with what is sure mended, and the Dockerfiles that this is about."""
    sure: set[PurePosixPath] = set()
    found: list[Edit] = []
    if _TAKES_OUT.search(source.text):
        return source.text, frozenset()
    if source.path.parent == PurePosixPath() or source.path.parts[0].startswith("."):
        for path, heir in heirs.items():
            if heir is None or heir.group.context != PurePosixPath():
                continue
            made = list(_commands(source, path, heir))
            sure |= {path} if made else set()
            found += made
    return apply_edits(source, found), frozenset(sure)


def _commands(source: SourceFile, path: PurePosixPath, heir: _Heir) -> Iterator[Edit]:
    """`docker build -f` of a Dockerfile that goes, in the repository's root: with `--target` instead."""
    option = re.compile(rf"(?<=\s)(?:-f[ =]?|--file[ =])[ \t]*([\"']?)(?:\./)?{re.escape(str(path))}\1(?=[\s\"'`)]|$)")
    for command in _COMMAND.finditer(source.text):
        text = command[0]
        named = list(option.finditer(text))
        if len(named) != 1 or "--target" in text or _CONTEXT.search(text) is None:
            continue
        file = "" if heir.group.path == PurePosixPath("Dockerfile") else f"-f {heir.group.path} "
        start = command.start() + named[0].start()
        yield Edit(span=source.span(start, command.start() + named[0].end()), text=f"{file}--target {heir.stage}")
