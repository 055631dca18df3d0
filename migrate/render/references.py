"""What else in a repository speaks of what a migration takes away: found by name, told with its line, and mended where one
edit is sure to mean the same.

Sure is a `docker build -f` of a Dockerfile that goes, in the context that the migrated build has: it gets the stage that stands
for it; and a line of a `.dockerignore` that nothing matches any more. (Services of compose files are the plan's,
`plan.services`.) All else is a person's to read. See docs/references.md.
"""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate.discover import PROGRAMS, EntryKind, Repository, is_compose_file, texts_with
from migrate.plan.callers import called, may_run
from migrate.plan.heirs import heir_of, rivals
from migrate.plan.mentions import BuildCall, build_calls, is_document, is_history, named
from migrate.plan.model import FilePart, GroupPlan, MigrationPlan
from migrate.render.lines import Cut, merged, whole_lines
from migrate.source import Edit, FileChange, SourceFile, Span, apply_edits, decode, encode

_LARGEST = 256 * 1024
_TAKES_OUT = re.compile(r"\bdocker\b[^\n]*\b(?:cp|create|export|save)\b")
"""A text with such a command may be a driver of its own, or says how one works: it is to be migrated, not mended."""
_ELSEWHERE = re.compile(
    r"\bgit\b[^\n]*\b(?:clone|checkout|switch|worktree|stash)\b|\b(?:mktemp|ssh|rsync|scp|curl|wget)\b|\brepository:"
    r"|Dockerfile[.\w]*[*?\[{$]"
)
"""What may bring in, or change, other files than those that are there now."""
_FOLDER = re.compile(
    r"(?:\b(?:cd|pushd)(?![\w-])|\bworking[-_]directory[\"']?:|\bmake\b[^\n;&|]*\s-C|\bdir\s*\()[ \t]*([^\s;&|)}]*)"
)
_OWN_FOLDER = re.compile(
    r"[\"']?(?:\$\((?:dirname|cd|git)$|\$\{(?:0|BASH_SOURCE)\b|\$\{?(?:GITHUB_WORKSPACE|CI_PROJECT_DIR|TRAVIS_BUILD_DIR)\b)"
    r"|-$|(?:\.\.?/?)+$"
)
"""`cd $(dirname "$0")`, `cd -`, `cd ..`: all of them lead to where the script or the one who starts it is."""
_IGNORES = (".gitignore", ".dockerignore", ".npmignore", ".gcloudignore")
_SHELL = frozenset({"", ".sh", ".bash", ".yml", ".yaml", ".mk", ".mak"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """The places of a file that name `what`: a Dockerfile (`path`), an image, or a file on the host; the first of each line.
    `instead` says what stands for it now; `runs` is whether the file may run something there."""

    spans: tuple[Span, ...]
    what: str
    path: PurePosixPath | None
    instead: str | None
    runs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """`changes` mend what is `mended`, and take out what is `dropped`; `left` is for a person to read, `idle` are entries of
    ignore files that match nothing now."""

    changes: tuple[FileChange, ...]
    mended: tuple[Mention, ...]
    dropped: tuple[Mention, ...]
    left: tuple[Mention, ...]
    idle: tuple[Mention, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gone:
    """What goes: Dockerfiles with the stage that stands for each, images with theirs, files that stayed on the host; `rivals`
    are the Dockerfiles that other drivers may take away."""

    repository: Repository
    plan: MigrationPlan
    heirs: Mapping[PurePosixPath, tuple[GroupPlan, str] | None]
    tags: Mapping[str, str | None]
    remaining: frozenset[PurePosixPath]
    rivals: frozenset[PurePosixPath]
    followed: frozenset[PurePosixPath]


def find_references(
    repository: Repository,
    plan: MigrationPlan,
    changes: tuple[FileChange, ...],
    followed: Collection[PurePosixPath],
    remaining: Collection[PurePosixPath] = (),
) -> References:
    """Of all files but those in `changes` and those that are `followed`, of which the plan knows what they say. `remaining` stood
    on the host after the driver."""
    gone = _Gone(
        repository=repository,
        plan=plan,
        heirs={p: heir_of(p, plan.groups) for g in plan.groups for p in g.removed},
        tags=_tags(plan),
        remaining=frozenset(p for p in remaining if repository.kind(p) is None and re.search(r"[/.]", str(p))),
        rivals=rivals(repository, plan.groups, followed),
        followed=frozenset(followed),
    )
    mended: list[Mention] = []
    dropped: list[Mention] = []
    left: list[Mention] = []
    idle: list[Mention] = []
    edited: list[FileChange] = []
    for source in _texts(gone, {c.path for c in changes} | gone.followed):
        if source.path.name in _IGNORES:
            change, going, staying = _ignoring(source, gone)
            edited += [change] if change is not None else []
            dropped += going
            idle += staying
            continue
        found = _of_files(source, gone)
        edits = _commands(source, found, gone) if any(found.values()) else []
        text = apply_edits(source, edits)
        if edits:
            edited.append(FileChange(path=source.path, before=encode(source.text), after=encode(text)))
        for path, spans in found.items():
            sure = [s for s in spans if any(e.span.start <= s.start and s.end <= e.span.end for e in edits)]
            mended += _mention(source, sure, str(path), path, None)
            left += _mention(source, [s for s in spans if s not in sure], str(path), path, _instead(gone.heirs[path]))
        left += _of_images(source, text, gone)
        left += _of_artifacts(source, gone)
    left += _in_compose_files(changes, gone)
    left += _links(gone)
    left += _in_comments(changes, gone)
    return References(
        changes=tuple(edited), mended=tuple(mended), dropped=tuple(dropped), left=tuple(left), idle=tuple(idle)
    )


def _texts(gone: _Gone, taken: Collection[PurePosixPath]) -> Iterator[SourceFile]:
    """The files that may name something of it."""
    words = {*map(called, gone.heirs), *gone.tags, *(p.name for p in (*gone.plan.driver.gone, *gone.remaining))}
    for source in texts_with(gone.repository, words, _LARGEST):
        if source.path not in taken and not is_history(source.path):
            yield source


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


def _of_files(source: SourceFile, gone: _Gone) -> dict[PurePosixPath, list[Span]]:
    return {path: named(gone.repository, source, path) for path in gone.heirs}


def _instead(heir: tuple[GroupPlan, str] | None) -> str | None:
    if heir is None:
        return None
    group, stage = heir
    file = "" if group.path == group.context / "Dockerfile" else f" -f {group.path}"
    return f"`docker build{file} --target {stage} {group.context}` makes its image now"


def _of_images(source: SourceFile, after: str, gone: _Gone) -> Iterator[Mention]:
    """Images that are no longer made, but for those that the file makes itself."""
    for tag, stage in gone.tags.items():
        if re.search(rf"\s(?:-t|--tag)[ =]?[\"']?{re.escape(tag)}(?![\w/-]|[.:]\w)", after):
            continue
        instead = f"the stage `{stage}` stands for it now" if stage is not None else None
        pattern = rf"(?<![\w./-]){re.escape(tag)}(?![\w/-]|[.:]\w)"
        yield from _mention(source, _found(source, pattern), tag, None, instead)


def _of_artifacts(source: SourceFile, gone: _Gone) -> Iterator[Mention]:
    """What stood on the host, in documents alone: elsewhere a path may mean much."""
    for path in sorted(gone.remaining) if is_document(source.path) else ():
        pattern = rf"(?<![\w/.-])(?:\./)?{re.escape(str(path))}(?![\w/-]|\.\w)"
        instead = "it is in the image alone now"
        yield from _mention(source, _found(source, pattern), str(path), None, instead)


def _in_compose_files(changes: tuple[FileChange, ...], gone: _Gone) -> Iterator[Mention]:
    """What the compose files that change say of a Dockerfile beside their services."""
    for change in changes:
        if change.after is None or change.path in gone.followed or not is_compose_file(change.path):
            continue
        source = SourceFile(path=change.path, text=decode(change.after))
        before = SourceFile(path=change.path, text=decode(change.before or b""))
        for path, spans in _of_files(source, gone).items():
            if any(not source.line(s.position.line).lstrip().startswith("#") for s in spans):
                yield from _mention(before, _of_files(before, gone)[path], str(path), path, _instead(gone.heirs[path]))


def _in_comments(changes: tuple[FileChange, ...], gone: _Gone) -> Iterator[Mention]:
    """What comments that stay say of a Dockerfile, in the files that are followed or changed."""
    texts = {c.path: decode(c.after) if c.after is not None else "" for c in changes}
    for path in sorted({*gone.followed, *texts}):
        before = gone.repository.source(path)
        if before is None:
            continue
        staying = set(texts.get(path, before.text).splitlines())
        for dockerfile, spans in _of_files(before, gone).items():
            comments = [
                s for s in spans if (line := before.line(s.position.line)).lstrip().startswith("#") and line in staying
            ]
            yield from _mention(before, comments, str(dockerfile), dockerfile, _instead(gone.heirs[dockerfile]))


def _links(gone: _Gone) -> Iterator[Mention]:
    """Links to a Dockerfile that goes: who takes it by another name isn't known."""
    for path, kind in gone.repository.entries.items() if gone.heirs else ():
        target = gone.repository.followed(path) if kind is EntryKind.LINK else None
        source = gone.repository.source(path) if target in gone.heirs else None
        if source is not None and target is not None:
            yield Mention(spans=(source.span(0, 0),), what=str(target), path=target, instead=None, runs=True)


def _found(source: SourceFile, pattern: str) -> list[Span]:
    return [source.span(m.start(), m.end()) for m in re.finditer(pattern, source.text)]


def _mention(
    source: SourceFile, spans: list[Span], what: str, path: PurePosixPath | None, instead: str | None
) -> Iterator[Mention]:
    """One for all lines."""
    first = {s.position.line: s for s in reversed(spans)}
    runs = may_run(source.path) or source.path.suffix.lower() in PROGRAMS
    runs = runs and "dockerfile" not in source.path.name.lower()
    runs = runs and any(not source.line(n).lstrip().startswith("#") for n in first)
    if first:
        places = tuple(first[n] for n in sorted(first))
        yield Mention(spans=places, what=what, path=path, instead=instead, runs=runs)


def _ignoring(source: SourceFile, gone: _Gone) -> tuple[FileChange | None, list[Mention], list[Mention]]:
    """An ignore file without the lines that only the extraction needed: what goes, and what only matches nothing."""
    idle: list[tuple[Mention, bool]] = []
    if source.path.name == ".dockerignore" and source.path.parent not in {g.context for g in gone.plan.groups}:
        return None, [], []  # it is another build's, or no one's any more (MS434)
    removed = set(gone.heirs)
    for number in range(1, source.line_count + 1):
        entry = source.line(number).strip()
        inner = entry.removeprefix("!").removeprefix("./").strip("/")
        path = PurePosixPath(posixpath.normpath(posixpath.join(source.path.parent, inner or ".")))
        if inner and path in removed | set(gone.plan.driver.gone):
            start = source.line_bounds(number)[0]
            span = source.span(start, start + len(source.line(number)))
            sure = path in removed or (entry.startswith("!") and _is_nobody_s(path, gone))
            idle.append((Mention(spans=(span,), what=str(path), path=None, instead=None), sure))
    mine = source.path.name == ".dockerignore" and not gone.rivals
    going = [m for m, sure in idle if sure and mine]
    cuts = [Cut(start=m.spans[0].start, end=m.spans[0].end) for m in going]
    comments = {n for n in range(1, source.line_count + 1) if source.line(n).startswith("#")}
    text = apply_edits(source, merged(whole_lines(source, cuts, comments)))
    if not going or not text.strip():
        return None, [], [m for m, _ in idle]
    change = FileChange(path=source.path, before=encode(source.text), after=encode(text))
    return change, going, [m for m, _ in idle if m not in going]


def _is_nobody_s(path: PurePosixPath, gone: _Gone) -> bool:
    """Whether no other build may take `path`, laid there by someone else."""
    mine = {p.build.path for g in gone.plan.groups for p in g.parts if isinstance(p, FilePart)}
    if gone.repository.kind(path) is not None:
        return False
    inside = rf"(?<![\w-]){re.escape(path.name)}(?![\w-])|(?:COPY|ADD)\s+\.?/?\s|[*?]"
    for other, kind in gone.repository.entries.items():
        if kind is not EntryKind.FILE or other in mine or other.suffix == ".dockerignore":
            continue
        word = inside if "dockerfile" in other.name.lower() else "dockerfile_inline" if is_compose_file(other) else None
        source = gone.repository.source(other) if word is not None else None
        if word is not None and source is not None and re.search(word, source.text):
            return False
    return True


def _commands(source: SourceFile, found: Mapping[PurePosixPath, list[Span]], gone: _Gone) -> list[Edit]:
    """The options of the builds that are sure to mean a stage. In a text that runs, all that names a Dockerfile must be sure, in
    a document all of the paragraph."""
    path = source.path
    document = is_document(path)
    if not document and (not _may_mend(path) or any(_starts(source.text, p) for p in gone.followed)):
        return []
    edits: list[Edit] = []
    calls = list(build_calls(source))
    for start, end in _paragraphs(source) if document else [(0, len(source.text))]:
        text = source.text[start:end]
        if _TAKES_OUT.search(text) or _ELSEWHERE.search(text):
            continue
        if any(re.search(rf"(?<![\w-]){re.escape(called(r))}(?![\w-])", source.text) for r in gone.rivals):
            continue
        folders = _folders(source, text)
        mine = [e for c in calls if start <= c.span.start < end and (e := _edit(c, folders, gone)) is not None]
        spans = [s for each in found.values() for s in each if start <= s.start < end]
        running = [s for s in spans if document or not source.line(s.position.line).lstrip().startswith("#")]
        if all(any(e.span.start <= s.start and s.end <= e.span.end for e in mine) for s in running):
            edits += mine
    return edits


def _may_mend(path: PurePosixPath) -> bool:
    """Whether a file's text is shell, or holds shell as it is written."""
    known = path.suffix.lower() in _SHELL or path.name == "package.json"
    return known and not is_compose_file(path) and "dockerfile" not in path.name.lower()


def _starts(text: str, followed: PurePosixPath) -> bool:
    """Whether a text may start a file that is followed: then it may come to the same migration, in its own way."""
    name = followed.name
    if name.lower() in ("makefile", "gnumakefile"):
        return re.search(r"\bmake\b|\$\(MAKE\)", text) is not None
    if name == "package.json":
        return re.search(r"\b(?:npm|yarn|pnpm)\b", text) is not None
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text) is not None


def _folders(source: SourceFile, text: str) -> list[set[PurePosixPath]]:
    """The folders that a text goes into, but for ways back to its own: what each may be. Nothing where that isn't written out."""
    found = []
    for match in _FOLDER.finditer(text):
        folder = match[1].strip("\"'")
        if _OWN_FOLDER.match(match[1]):
            continue
        places = (source.path.parent / folder, PurePosixPath(folder))
        written = re.fullmatch(r"[\w.][\w./-]*", folder) is not None
        found.append({PurePosixPath(posixpath.normpath(p)) for p in places} if written else set())
    return found


def _paragraphs(source: SourceFile) -> list[tuple[int, int]]:
    """Of a document: what stands between blank lines, a block in fences as one."""
    found: list[tuple[int, int]] = []
    open_, fenced = False, False
    for number in range(1, source.line_count + 1):
        start, end = source.line_bounds(number)
        line = source.line(number).strip()
        fence = line.startswith(("```", "~~~"))
        if not line and not fenced:
            open_ = False
        elif open_ and not (fence and not fenced):
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
            open_ = True
        if fence:
            fenced = not fenced
            open_ = fenced
    return found


def _edit(call: BuildCall, folders: list[set[PurePosixPath]], gone: _Gone) -> Edit | None:
    """A build of a Dockerfile that goes, with `--target` instead. Where it is run is known by the file that it names: there must
    be but one folder from which that is found."""
    file = PurePosixPath(posixpath.normpath(call.file))
    parts = file.parts
    if file.is_absolute() or ".." in parts:
        return None
    meant = [
        p
        for p, k in gone.repository.entries.items()
        if k is not EntryKind.DIRECTORY and p.parts[-len(parts) :] == parts
    ]
    heir = gone.heirs.get(meant[0]) if len(meant) == 1 else None
    if heir is None:
        return None
    group, stage = heir
    folder = PurePosixPath(*meant[0].parts[: -len(parts)])
    if any(folder not in places for places in folders):
        return None  # one that is empty here may be a repository of its own
    if call.context.startswith("/") or PurePosixPath(posixpath.normpath(folder / call.context)) != group.context:
        return None
    if re.match(r"[\w+.-]+:", call.context):
        return None  # an address
    new = posixpath.relpath(group.path, folder)
    if re.search(r"[^\w@%+=:,./-]", new + stage):
        return None
    equals = "=" if call.option.text.startswith("--file=") else " "
    spelt = "--file" if call.option.text.startswith("--file") else "-f"
    option = "" if group.path == group.context / "Dockerfile" else f"{spelt}{equals}{new} "
    return Edit(span=call.option, text=f"{option}--target{equals}{stage}")
