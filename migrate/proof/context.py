"""What a COPY takes of a build context: files of the host as they are at that moment, or of a tar."""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from migrate.discover import EntryKind
from migrate.dockerfile.ignore import IgnoreFile
from migrate.plan.model import ArtifactKind
from migrate.proof.contents import as_folder, fetched, joined, member
from migrate.proof.expressions import Assembled, Content, File, Hidden, Inline, Landing, Matching, Stranger, Tree
from migrate.proof.kinds import Facts, kind_of
from migrate.proof.stage import Place
from migrate.proof.symbols import known, mark, marked
from migrate.source import Span
from migrate.trace.workspace import Artifact, Changed, Copied, Linked, Made, Node, Workspace, Written, from_container

_PATTERN = re.compile(r"[*?\[]")
Standing = Node | EntryKind


@dataclass(frozen=True, slots=True, kw_only=True)
class HostContext:
    """The folder `root` of the host, without what `ignore` hides. `versions` are files whose text the migration changed;
    `made_by` says which commands made a file what it is, `artifact` gives what came out of a container."""

    workspace: Workspace
    root: PurePosixPath
    ignore: IgnoreFile | None
    versions: Mapping[PurePosixPath, str]
    made_by: Callable[[PurePosixPath], str]
    artifact: Callable[[Node, PurePosixPath], Content]
    facts: Facts

    def landings(self, source: str, place: Place) -> list[Landing]:
        """Where one source of a COPY puts what."""
        if not known(source):
            return [place.landing(Stranger(origin=f"`{source}` of the build context", span=place.span))]
        cleaned = posixpath.normpath(posixpath.join("/", source)).lstrip("/")
        if _PATTERN.search(cleaned):
            return self._pattern(cleaned, place)
        path = self.root / cleaned
        node = self._node(path)
        if cleaned and self._ignored(path):
            return [place.landing(self._missing(path, place.span))]
        if self._is_folder(path, node):
            return self._folder(path, "", place)
        # a folder that a container had mounted is one
        slash = (source.endswith(("/", "/.")) and node is not None) or self._is_shared(path)
        return [place.landing(self._content(path, node, place.span), name=path.name, contents=slash)]

    def shown(self, source: str, span: Span) -> Content:
        """A file or folder as `RUN --mount` shows it."""
        path = self.root / posixpath.normpath(posixpath.join("/", source)).lstrip("/")
        node = self._node(path)
        if not self._is_folder(path, node):
            return self._content(path, node, span)
        inner = tuple((p.relative_to(path).as_posix(), self._content(p, n, span)) for p, n in self._carried(path))
        tree = self._tree(path, span)
        return Assembled(entries=((".", tree), *inner), span=span)

    def mounted(self, place: Place) -> list[Landing]:
        """The whole of it, as a container sees it where it is mounted."""
        if self.workspace.is_file(self.root):
            return [place.landing(self._content(self.root, self._node(self.root), place.span), exact=True)]
        if self.workspace.share(self.root) is not None:
            # what another container left there
            return [place.landing(self._content(self.root, self._node(self.root), place.span), contents=True)]
        return self._folder(self.root, "", place)

    # nodes

    def _node(self, path: PurePosixPath) -> Standing | None:
        share = self.workspace.share(path)
        if share is not None:
            return Artifact(container=share.container, source=share.target / path.relative_to(share.host))
        return self.workspace.node(path)

    def _is_shared(self, path: PurePosixPath) -> bool:
        share = self.workspace.share(path)
        return share is not None and share.host == path

    def _is_folder(self, path: PurePosixPath, node: Standing | None) -> bool:
        if node is not None and not isinstance(node, EntryKind) and from_container(node):
            return False
        return self.workspace.is_directory(path) is True

    def _ignored(self, path: PurePosixPath) -> bool:
        return self.ignore is not None and self.ignore.ignores(path.relative_to(self.root).as_posix())

    def _content(self, path: PurePosixPath, node: Standing | None, span: Span) -> Content:
        """What one node is."""
        match node:
            case None:
                return self._missing(path, span)
            case EntryKind.LINK:
                target = self.workspace.repository.followed(path)
                return self._file(target, span) if target is not None else Stranger(origin=f"link {path}", span=span)
            case EntryKind():
                return self._file(path, span)
            case Copied(path=origin):
                return self._file(origin, span)
            case Written(content=content):
                return Inline(text=marked(content), span=span)
            case Linked(target=target):
                return Stranger(origin=f"link {path} to {target}", span=span)
            case Made():
                return Tree(entries=(), span=span)
            case Changed() if not from_container(node):
                return Stranger(origin=f"what `{self.made_by(path)}` made of {path}", span=span)
            case _:
                found = self.artifact(node, path)
                return self._hidden(path, found, span)

    def _hidden(self, path: PurePosixPath, content: Content, span: Span) -> Content:
        """Less what an ignore pattern hides in it, should it be a folder."""
        if self.ignore is None or kind_of(content, self.facts) is ArtifactKind.FILE:
            return content
        below = path.relative_to(self.root).as_posix()
        pattern = self.ignore.reaches_below(below)
        if pattern is None:
            return content
        surely = below != "." and pattern.startswith(f"{below}/")
        return Hidden(content=content, pattern=pattern, surely=surely, span=span)

    def _file(self, path: PurePosixPath, span: Span) -> Content:
        return File(path=str(path), version=self.versions.get(path, ""), span=span)

    def _missing(self, path: PurePosixPath, span: Span) -> Content:
        why = "is hidden by the ignore file" if self._ignored(path) else "is not there"
        return Stranger(origin=f"`{path}`, which {why}", span=span)

    # folders

    def _folder(self, path: PurePosixPath, below: str, place: Place) -> list[Landing]:
        """What a folder holds: of the repository as one tree, and what came out of containers each by itself."""
        found = []
        tree = self._tree(path, place.span)
        carried = list(self._carried(path))
        if tree.entries or not carried:
            found.append(place.landing(tree, contents=True, below=below))
        for inner, node in carried:
            rest = joined(below or "/", inner.relative_to(path).as_posix()).lstrip("/")
            content = self._content(inner, node, place.span)
            if self.workspace.share(inner) is not None:
                content = as_folder(content)
            found.append(place.landing(content, below=rest, exact=True))
        return found

    def _carried(self, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, Standing]]:
        """What came out of containers, without what lies in another such thing."""
        above: list[PurePosixPath] = []
        held: dict[PurePosixPath, Standing] = dict(self.workspace.below(path))
        for share in self.workspace.shares:
            if path in share.host.parents and self.workspace.share(share.host) is share:
                held = {p: n for p, n in held.items() if share.host not in p.parents}
                held[share.host] = Artifact(container=share.container, source=share.target)
        for inner, node in sorted(held.items()):
            if isinstance(node, EntryKind) or not from_container(node) or self._ignored(inner):
                continue
            if not any(a in inner.parents for a in above):
                above.append(inner)
                yield inner, node

    def _tree(self, path: PurePosixPath, span: Span) -> Tree:
        entries: list[tuple[str, str]] = []
        filled: set[PurePosixPath] = {p for inner, _ in self._carried(path) for p in inner.parents}
        empty: list[PurePosixPath] = []
        for inner, node in self.workspace.below(path):
            if self._ignored(inner) or self.workspace.share(inner) is not None:
                continue
            if node is EntryKind.DIRECTORY or isinstance(node, Made):
                empty.append(inner)
                continue
            if not isinstance(node, EntryKind) and from_container(node):
                continue
            entries.append((inner.relative_to(path).as_posix(), self._origin(inner, node)))
            filled.update(inner.parents)
        entries += [(p.relative_to(path).as_posix(), "folder") for p in empty if p not in filled]
        return Tree(entries=tuple(sorted(entries)), span=span)

    def _origin(self, path: PurePosixPath, node: Standing) -> str:
        """A mark for what stands at a path of a tree."""
        match node:
            case EntryKind.LINK:
                return f"link {path}"
            case EntryKind():
                return self._versioned(path)
            case Copied(path=origin):
                return self._versioned(origin)
            case Written(content=content):
                return f"text {marked(content)}"
            case Linked(target=target):
                return f"link to {target}"
            case _:
                return f"{path} made by `{self.made_by(path)}`"

    def _versioned(self, path: PurePosixPath) -> str:
        version = self.versions.get(path, "")
        return f"{path} as {version}" if version else str(path)

    def _pattern(self, cleaned: str, place: Place) -> list[Landing]:
        parts = PurePosixPath(cleaned).parts
        first = next(i for i, p in enumerate(parts) if _PATTERN.search(p))
        fixed = self.root.joinpath(*parts[:first])
        rest = "/".join(parts[first:])
        node = self._node(fixed)
        if node is not None and not isinstance(node, EntryKind) and from_container(node):
            content = as_folder(self._content(fixed, node, place.span))
            return [place.landing(Matching(content=content, pattern=rest, span=place.span))]
        whole = self.root.joinpath(*parts)
        matching = [
            (p, n)
            for p, n in self.workspace.below(fixed)
            if len(p.parts) == len(whole.parts)
            and all(fnmatchcase(a, b) for a, b in zip(p.parts, whole.parts, strict=True))
            and not self._ignored(p)
        ]
        if not matching:
            return [place.landing(Stranger(origin=f"`{self.root / cleaned}`, which matches nothing", span=place.span))]
        found: list[Landing] = []
        for path, inner in matching:
            if self._is_folder(path, inner):
                found += self._folder(path, "", place)
            else:
                found.append(place.landing(self._content(path, inner, place.span), name=path.name))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class TarContext:
    """The folder that a tar on standard input holds; `owner` is whose its files are in the image: `kept`, or `0:0`."""

    content: Content
    owner: str
    facts: Facts
    told: Callable[[Span], None]
    """Called where the owner counts."""

    def landings(self, source: str, place: Place) -> list[Landing]:
        """Where one source of a COPY puts what."""
        cleaned = posixpath.normpath(posixpath.join("/", source)).lstrip("/")
        if place.owner is None:
            self.told(place.span)
        if _PATTERN.search(cleaned):
            content = Matching(content=self.content, pattern=cleaned, span=place.span)
            return [place.landing(content, owner=self.owner)]
        # a link leads elsewhere in the tar's folder than it does in the image that was packed
        found = fetched(member(self.content, cleaned, place.span), self.facts)
        whole = cleaned in ("", ".") or source.endswith(("/", "/."))
        return [place.landing(found, owner=self.owner, name=posixpath.basename(cleaned), contents=whole)]

    def shown(self, source: str, span: Span) -> Content:
        """A file or folder as `RUN --mount` shows it."""
        return member(self.content, posixpath.normpath(posixpath.join("/", source)).lstrip("/"), span)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoContext:
    """The Dockerfile alone came on standard input, or it isn't known what did."""

    def landings(self, source: str, place: Place) -> list[Landing]:
        """What a COPY would take isn't there."""
        return [place.landing(Stranger(origin=mark(f"{source} of an unknown context"), span=place.span))]

    def shown(self, source: str, span: Span) -> Content:
        """Nothing that is known."""
        return Stranger(origin=mark(f"{source} of an unknown context"), span=span)
