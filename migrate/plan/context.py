"""One build context for several builds: a folder that serves all of them, source paths rewritten, ignore files merged; and what
the migration's own files mean in it. Held to the files that are there: no COPY may take one more or one less."""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Label, at
from migrate.discover import EntryKind, Repository
from migrate.dockerfile.expand import expand
from migrate.dockerfile.ignore import IgnoreFile, read_ignore
from migrate.dockerfile.instructions import Argument, Instruction
from migrate.dockerfile.scope import stage_variables
from migrate.image import ImageReference
from migrate.provenance.ignores import ignore_of, ignore_paths, ignore_source
from migrate.provenance.model import Build
from migrate.source import Edit, FileChange, SourceFile, encode
from migrate.trace.workspace import Gone, Made, from_container

_ROOT = PurePosixPath()
_OFFICIAL = frozenset(
    "scratch alpine busybox debian ubuntu centos fedora amazonlinux archlinux rockylinux almalinux buildpack-deps golang gcc"
    " python rust openjdk java eclipse-temurin ruby perl php node maven gradle swift haskell erlang elixir clojure mono nginx"
    " httpd postgres mysql redis".split()
)
"""Images that do nothing of themselves when something is built on them, but for tags that say so (`onbuild`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedContext:
    """`root` serves all builds; `ignore` is the ignore file that it needs, where that changes."""

    root: PurePosixPath
    ignore: FileChange | None
    diagnostics: tuple[Diagnostic, ...]


def join_contexts(builds: Sequence[Build], mounted: Sequence[PurePosixPath], path: PurePosixPath) -> JoinedContext:
    """`mounted` are folders that stages copy since containers had them mounted; `path` is where the Dockerfile will stand."""
    places = [b.context for b in builds] + list(mounted)
    root = places[0]
    for place in places[1:]:
        while root != _ROOT and root not in (place, *place.parents):
            root = root.parent
    repository = builds[0].workspace.repository
    found = _written_ignores(builds)
    from_files = [b for b in builds if b.tree is None]
    ignores = {source.path if source is not None else None for source in map(ignore_source, from_files)}
    if {b.context for b in from_files} <= {root} and len(ignores) == 1:
        return JoinedContext(root=root, ignore=None, diagnostics=tuple(found))
    text = _merged(builds, root)
    target = root / ".dockerignore"
    before = repository.source(target)
    beside = path.with_name(path.name + ".dockerignore")
    if repository.kind(beside) is not None:
        message = f"`{beside}` would hold for all stages"
        found.append(at(rules.DIFFERENT_CONTEXTS, message, builds[-1].event.span))
        return JoinedContext(root=root, ignore=None, diagnostics=tuple(found))
    ignore: IgnoreFile | None = None
    if text:
        ignore, _ = read_ignore(SourceFile(path=target, text=text))
    elif before is not None:
        ignore, _ = read_ignore(before)
    clash = _taken_otherwise(builds, root, ignore, repository)
    if clash is not None:
        found.append(clash)
        return JoinedContext(root=root, ignore=None, diagnostics=tuple(found))
    change = None
    if text and (before is None or before.text != text):
        change = FileChange(path=target, before=encode(before.text) if before is not None else None, after=encode(text))
        message = f"the ignore files of the build contexts become one, `{target}`"
        found.append(at(rules.IGNORE_FILE_MERGED, message, builds[-1].event.span))
    widened = next((b for b in builds if b.context != root and b.tree is None), None)
    if widened is not None:
        message = f"the build context is `{root}` now, for `{widened.path}` it was `{widened.context}`"
        found.append(at(rules.CONTEXT_WIDENED, message, widened.event.span))
    return JoinedContext(root=root, ignore=change, diagnostics=tuple(found))


def _written_ignores(builds: Sequence[Build]) -> list[Diagnostic]:
    found = []
    for build in builds:
        if build.tree is not None:
            continue
        source = ignore_source(build)
        written = [p for p in ignore_paths(build) if p in build.workspace.overlay]
        if written and (source is None or source.path in written):
            message = f"the ignore file `{written[0]}` is written by the script"
            found.append(at(rules.IGNORE_FILE_UNREADABLE, message, build.event.span))
    return found


def _merged(builds: Sequence[Build], root: PurePosixPath) -> str:
    """The lines of every context's ignore file, those of inner folders with their prefix."""
    texts: list[str] = []
    seen: set[PurePosixPath] = set()
    for build in sorted(builds, key=lambda b: len(b.context.parts)):
        if build.tree is not None:
            continue
        source = ignore_source(build)
        if source is None or source.path in seen:
            continue
        seen.add(source.path)
        prefix = build.context.relative_to(root)
        lines = source.text.splitlines()
        if prefix != _ROOT:
            lines = [_prefixed(line, prefix) for line in lines]
        texts += lines
    if len(seen) == 1 and next(iter(seen)) == root / ".dockerignore":
        source = builds[0].workspace.repository.source(root / ".dockerignore")
        return source.text if source is not None else ""
    return "\n".join(texts) + "\n" if texts else ""


def _prefixed(line: str, prefix: PurePosixPath) -> str:
    text = line.strip()
    if not text or line.startswith("#"):
        return line
    mark = "!" if text.startswith("!") else ""
    return f"{mark}{prefix}/{text.removeprefix('!').strip().lstrip('/').removeprefix('./')}"


def _taken_otherwise(
    builds: Sequence[Build], root: PurePosixPath, ignore: IgnoreFile | None, repository: Repository
) -> Diagnostic | None:
    """The first COPY that would take other files than it did."""
    files = [p for p, k in repository.entries.items() if k is not EntryKind.DIRECTORY]
    for build in builds:
        if build.tree is not None:
            continue
        own, _ = ignore_of(build)
        for argument, text in context_sources(build):
            cleaned = PurePosixPath(posixpath.normpath("/" + text).lstrip("/"))
            for path in (*files, *_laid(build)):
                if not path.is_relative_to(build.context) or not _takes(cleaned, path.relative_to(build.context)):
                    continue
                before = own is not None and own.ignores(path.relative_to(build.context).as_posix())
                after = ignore is not None and ignore.ignores(path.relative_to(root).as_posix())
                if before != after:
                    what = "no longer takes" if after else "would also take"
                    message = f"in one build context `{argument.text}` {what} `{path}`"
                    return at(rules.DIFFERENT_CONTEXTS, message, argument.span)
    return None


def _laid(build: Build) -> list[PurePosixPath]:
    """Files that the script laid into the context itself."""
    nodes = build.workspace.overlay.items()
    return [p for p, n in nodes if not isinstance(n, Made | Gone) and not from_container(n)]


def _takes(source: PurePosixPath, path: PurePosixPath) -> bool:
    parts = source.parts
    return len(parts) <= len(path.parts) and all(map(fnmatchcase, path.parts, parts))


def prefixed_sources(build: Build, root: PurePosixPath, taken: frozenset[int]) -> tuple[list[Edit], list[Diagnostic]]:
    """The edits that lead the COPYs of `build` to its files from `root`. `taken` are the arguments (by `id`) that artifacts
    take the place of."""
    edits: list[Edit] = []
    found: list[Diagnostic] = []
    if build.tree is not None or build.context == root:
        return edits, found
    prefix = build.context.relative_to(root)
    for stage in build.dockerfile.stages:
        for instruction in stage.instructions:
            if not _from_context(instruction):
                continue
            for argument in instruction.arguments[:-1]:
                if id(argument) in taken or "://" in argument.text:
                    continue
                if argument.text.startswith(("$", '"', "'", "../")) and not instruction.json:
                    message = f"`{argument.text}` can't be led to `{prefix}` with certainty"
                    found.append(at(rules.DIFFERENT_CONTEXTS, message, argument.span))
                    continue
                rest = argument.text.lstrip("/").removeprefix("./")
                new = prefix.as_posix() if rest in ("", ".") else f"{prefix}/{rest}"
                if argument.text.endswith("/") and not new.endswith("/"):
                    new += "/"
                edits.append(Edit(span=argument.span, text=f'"{new}"' if instruction.json else new))
    return edits, found


def _from_context(instruction: Instruction) -> bool:
    return instruction.keyword in ("COPY", "ADD") and not instruction.flag("from") and not instruction.here_documents


def context_sources(build: Build) -> list[tuple[Argument, str]]:
    """Every COPY source of the context that is known."""
    found = []
    for stage in build.dockerfile.stages:
        scopes = stage_variables(build.dockerfile, stage, build.given())
        for instruction, scope in zip(stage.instructions, scopes, strict=True):
            if _from_context(instruction):
                for argument in instruction.arguments[:-1]:
                    text = expand(argument.text, scope, build.dockerfile.escape).text
                    if text is not None and "://" not in text:
                        found.append((argument, text))
    return found


def may_take(build: Build, path: PurePosixPath) -> bool:
    """Whether a build may read `path` of the host, a file or a folder: its Dockerfile, its ignore file, or what its instructions
    take of the context."""
    if path in (build.path, build.event.dockerfile, *ignore_paths(build)):
        return True
    if any(o.name in ("secret", "build-context", "ssh") for o in build.event.options):
        return True
    repository = build.workspace.repository
    if any(repository.kind(p) is EntryKind.LINK for p in (path, *path.parents)):
        return True
    if build.tree is not None or build.context.is_relative_to(path):
        return True
    if not path.is_relative_to(build.context):
        return False
    inside = path.relative_to(build.context).as_posix()
    ignore, _ = ignore_of(build)
    if ignore is not None and ignore.ignores(inside) and not ignore.depends_on_builder(inside):
        return any(p.exception for p in ignore.patterns)
    return _takes_unseen(build) or any(_meets(text, inside) for _, text in context_sources(build))


def _meets(source: str, path: str) -> bool:
    """Whether a source may name `path`, something in it, or a folder that holds it."""
    if re.search(r"[\[\\]", source):
        return True  # Go's patterns are not all Python's
    cleaned = PurePosixPath(posixpath.normpath("/" + source).lstrip("/"))
    return all(map(fnmatchcase, PurePosixPath(path).parts, cleaned.parts))


def _takes_unseen(build: Build) -> bool:
    """Whether a build may take what no COPY that can be read says: by a variable, a mount of RUN, or an ONBUILD of its base."""
    instructions = [i for s in build.dockerfile.stages for i in s.instructions]
    sources = sum(len([a for a in i.arguments[:-1] if "://" not in a.text]) for i in instructions if _from_context(i))
    if sources != len(context_sources(build)):
        return True
    if any(i.keyword == "ONBUILD" or (i.keyword == "RUN" and i.flag("mount") is not None) for i in instructions):
        return True
    names = {s.name.text.lower() for s in build.dockerfile.stages if s.name}
    return not all(s.image.text.lower() in names or _is_official(s.image.text) for s in build.dockerfile.stages)


def _is_official(text: str) -> bool:
    """Whether an image is `scratch` or an official one that does nothing of itself when something is built on it."""
    reference = ImageReference.parse(text)
    official = reference is not None and reference.domain == "docker.io"
    known = official and reference is not None and reference.path.removeprefix("library/") in _OFFICIAL
    return known and "onbuild" not in text


def changed_files(
    builds: Sequence[Build],
    targets: frozenset[int],
    removed: Sequence[PurePosixPath],
    changed: Sequence[PurePosixPath],
) -> list[Diagnostic]:
    """Files that the migration removes or changes and that a COPY takes into an image."""
    found: list[Diagnostic] = []
    for build in builds:
        if build.tree is not None:
            continue
        ignore, _ = ignore_of(build)
        for argument, text in context_sources(build):
            for path in (*removed, *changed):
                gone = path in removed
                named = _named(build, text, path, ignore)
                if named is None:
                    continue
                if named and gone:
                    message = f"`{argument.text}` names `{path}`, which the migration would remove"
                    found.append(at(rules.REMOVED_FILE_COPIED, message, argument.span))
                elif build.number in targets or named:
                    # what a folder of a builder takes along matters only where an artifact holds it
                    message = f"`{argument.text}` takes `{path}` into the image, which the migration changes"
                    found.append(
                        Diagnostic(rule=rules.CHANGED_FILE_COPIED, message=message, primary=Label(span=argument.span))
                    )
    return found


def _named(build: Build, text: str, path: PurePosixPath, ignore: IgnoreFile | None) -> bool | None:
    """True where a source names `path`, False where it takes a folder with it, None where it doesn't take it."""
    if not path.is_relative_to(build.context):
        return None
    inside = path.relative_to(build.context)
    if ignore is not None and ignore.ignores(inside.as_posix()):
        return None
    source = PurePosixPath(posixpath.normpath("/" + text).lstrip("/"))
    if not _takes(source, inside):
        return None
    return len(source.parts) == len(inside.parts)
