"""The host's files as a script changes them: the tree that was found, and what was laid over it.

A Workspace is a value: each change gives a new one. Landing rules are docker's (semantics.md, section 2).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from migrate.discover import EntryKind, Repository
from migrate.source import SourceFile, Span
from migrate.trace.values import Stream, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """What an extraction left: `source` in container `container`. Whether it is a file or a directory isn't known from the
    script alone."""

    container: int
    source: PurePosixPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """A file that holds what a docker command wrote to its standard output."""

    stream: Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file whose text the script wrote (`echo x > f`, a here-document)."""

    content: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A copy of the repository's own file or folder `path`, as it was found."""

    path: PurePosixPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """A symbolic link."""

    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """What a command made of `base` (`strip app`, `tar -xf app.tar`): it is there, its contents aren't traced. Not `sure` where
    it isn't known that the command touched it."""

    base: "tuple[Node | EntryKind, ...]"
    command: str
    span: Span
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A directory that the script made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Something of which it isn't known any more what stands there, or whether anything does. `joined` where it is one thing
    on one way through the script and another on another."""

    base: "tuple[Node | EntryKind, ...]" = ()
    joined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Removed by the script."""


Node = Artifact | Streamed | Written | Copied | Linked | Altered | Made | Changed | Gone


_DEPTH = 8


def origins(*nodes: Node | EntryKind | None) -> tuple[Node | EntryKind, ...]:
    """What of `nodes` came out of a container, whatever was made of it since; each once."""
    found: dict[Node | EntryKind, None] = {}
    for node in nodes:
        match node:
            case Artifact() | Streamed():
                found[node] = None
            case Altered(base=base) | Changed(base=base):
                found |= dict.fromkeys(origins(*base))
            case _:
                pass
    return tuple(found)


def altered(nodes: tuple[Node | EntryKind, ...], command: str, span: Span, *, sure: bool = True) -> Altered:
    """What `command` made of `nodes`. Of a long chain of commands only the first origins are kept."""
    base = nodes if all(_depth(node) < _DEPTH for node in nodes) else origins(*nodes)
    return Altered(base=base, command=command, span=span, sure=sure)


def _depth(node: Node | EntryKind) -> int:
    return 1 + max(map(_depth, node.base), default=0) if isinstance(node, Altered) else 0


def from_container(node: Node | EntryKind) -> bool:
    """Whether what stands there came out of a container, changed on its way or not."""
    match node:
        case Artifact() | Streamed():
            return True
        case Altered(base=base) | Changed(base=base):
            return any(map(from_container, base))
        case _:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A folder of the host that a container could write to: all that stands in it is, since then, what the container left at
    `target`."""

    host: PurePosixPath
    container: int
    target: PurePosixPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """`overlay` holds what the script made of paths (relative to the root); the rest is as the repository has it. Where a
    command ran of which it isn't known what it does, the tree is `disturbed`: what files hold, and which there are, is then
    not known, though nothing says that they are others."""

    repository: Repository = field(repr=False)
    root: PurePosixPath
    """The repository's root as an absolute path."""
    overlay: Mapping[PurePosixPath, Node]
    disturbed: bool = False
    folders: Mapping[PurePosixPath, int] = field(default_factory=dict, repr=False)
    """Directories that hold something of the overlay."""
    taken: frozenset[PurePosixPath] = field(default=frozenset(), repr=False)
    """Paths of the overlay that hold something out of a container."""
    shares: tuple[Share, ...] = field(default=(), repr=False)
    """Folders that containers wrote to, the latest last."""

    def after_unknown(self, span: Span) -> "Workspace":
        """After a command, at `span`, that may have done anything to the files."""
        overlay = dict(self.overlay)
        for path, node in self.overlay.items():
            if isinstance(node, Written):
                overlay[path] = Changed()
            elif isinstance(node, Artifact | Streamed):
                overlay[path] = altered((node,), span.text, span, sure=False)
        if self.disturbed and overlay == self.overlay:
            return self
        return laid(replace(self, overlay=overlay, disturbed=True))

    def node(self, path: PurePosixPath) -> Node | EntryKind | None:
        """What stands at `path`; an Artifact also for a path below an extracted directory. None: nothing."""
        for at in (path, *path.parents):
            node = self.overlay.get(at)
            if node is None:
                continue
            if at == path:
                return None if isinstance(node, Gone) else node
            match node:
                case Artifact(container=container, source=source):
                    return Artifact(container=container, source=source / path.relative_to(at))
                case Copied(path=origin):
                    kind = self.repository.kind(origin / path.relative_to(at))
                    return Copied(path=origin / path.relative_to(at)) if kind is not None else None
                case Gone() | Written() | Streamed():
                    return None
                case Altered(base=base):
                    return Changed(base=origins(*base))
                case Changed() | Linked():
                    return Changed()
                case Made():
                    break
        kind = self.repository.kind(path)
        if kind is None and (share := self.share(path)) is not None:
            return Artifact(container=share.container, source=share.target / path.relative_to(share.host))
        return Changed() if kind is None and self.repository.hides(path) else kind

    def share(self, path: PurePosixPath) -> Share | None:
        """The folder shared with a container that `path` stands in, where nothing was done to the path since."""
        if any(at in self.overlay and not isinstance(self.overlay[at], Made) for at in (path, *path.parents)):
            return None
        return next((s for s in reversed(self.shares) if s.host == path or s.host in path.parents), None)

    def left(self, path: PurePosixPath) -> bool:
        """Whether what stands at `path`, if anything does, was left there by a container that had the folder."""
        return self.share(path) is not None and self.repository.kind(path) is None

    def shared(self, share: Share) -> "Workspace":
        """After a container that could write to a folder. What the script had laid there is in the container now."""
        kept = {p: n for p, n in self.overlay.items() if share.host not in p.parents}
        others = tuple(s for s in self.shares if share.host not in (s.host, *s.host.parents))
        return laid(replace(self, overlay=kept, shares=(*others, share)))

    def text(self, path: PurePosixPath) -> Value | None:
        """What a file holds, as far as it is known."""
        match self.node(path):
            case Written(content=content):
                return content
            case _ if self.disturbed:
                return None
            case EntryKind.FILE:
                return self._own_text(path)
            case Copied(path=origin):
                return self._own_text(origin)
            case EntryKind.LINK:
                target = self._through(path)
                return self._own_text(target) if target is not None else None
            case _:
                return None

    def _own_text(self, path: PurePosixPath) -> Value | None:
        source = self.repository.source(path) if self.repository.kind(path) is EntryKind.FILE else None
        return Value.of(source.text) if source is not None else None

    def source(self, path: PurePosixPath) -> SourceFile | None:
        """The repository's file that stands at `path`, unchanged; a copy of one elsewhere counts."""
        match self.node(path):
            case EntryKind.FILE:
                return self.repository.source(path)
            case Copied(path=origin):
                return self.repository.source(origin)
            case _:
                return None

    def exists(self, path: PurePosixPath) -> bool | None:
        """None where it isn't known, or where a link is followed."""
        match self.node(path):
            case None:
                return None if self.disturbed else False
            case EntryKind.LINK:
                return True if self._through(path) is not None else None
            case Changed() | Linked():
                return None
            case Artifact() if path not in self.overlay:
                return None
            case _:
                return True

    def is_link(self, path: PurePosixPath) -> bool | None:
        match self.node(path):
            case Linked() | EntryKind.LINK:
                return True
            case Changed() | Artifact() | Altered():
                return None
            case _:
                return False

    def is_executable(self, path: PurePosixPath) -> bool | None:
        match self.node(path):
            case EntryKind.FILE:
                return self.repository.is_executable(path)
            case Written():
                return False
            case _:
                return None

    def is_file(self, path: PurePosixPath) -> bool | None:
        match self.node(path):
            case None:
                return None if self.disturbed else False
            case Made() | EntryKind.DIRECTORY:
                return False
            case Written() | Streamed() | EntryKind.FILE:
                return True
            case EntryKind.LINK:
                target = self._through(path)
                return self.repository.kind(target) is EntryKind.FILE if target is not None else None
            case Copied(path=origin):
                return self.repository.kind(origin) is EntryKind.FILE
            case _:
                return None

    def is_directory(self, path: PurePosixPath) -> bool | None:
        """None where it isn't known (an artifact may be either)."""
        match self.node(path):
            case None:
                return False
            case Made() | EntryKind.DIRECTORY:
                return True
            case EntryKind.FILE | EntryKind.OTHER | Written() | Streamed():
                return False
            case Copied(path=origin):
                return self.repository.kind(origin) is EntryKind.DIRECTORY
            case EntryKind.LINK:
                target = self._through(path)
                return self.repository.kind(target) is EntryKind.DIRECTORY if target is not None else None
            case _:
                return None

    @property
    def artifacts(self) -> Mapping[PurePosixPath, Artifact]:
        nodes = {path: self.overlay[path] for path in sorted(self.taken)}
        return {path: node for path, node in nodes.items() if isinstance(node, Artifact)}

    @property
    def carried(self) -> tuple[PurePosixPath, ...]:
        """Every path that holds something out of a container, changed on its way or not."""
        return tuple(sorted(self.taken))

    def _through(self, path: PurePosixPath) -> PurePosixPath | None:
        """Where a link of the repository leads, as long as the script left that alone."""
        target = self.repository.followed(path)
        if target is None or any(target == p or p in target.parents or target in p.parents for p in self.overlay):
            return None
        return target

    def names(self, path: PurePosixPath) -> tuple[str, ...] | None:
        """What a directory holds, by name; None where that isn't known."""
        if self.disturbed or self.share(path) is not None:
            return None
        if self.is_directory(path) is not True:
            return () if self.is_directory(path) is False else None
        node = self.node(path)
        if isinstance(node, Copied):
            inner = {p.name for p in self.repository.entries if p.parent == node.path}
        else:
            inner = {p.name for p in self.repository.entries if p.parent == path}
        inner |= {p.relative_to(path).parts[0] for p in self.overlay if path in p.parents}
        found = [name for name in sorted(inner) if self.node(path / name) is not None]
        return tuple(found) if not any(isinstance(self.node(path / n), Changed) for n in found) else None

    def below(self, path: PurePosixPath) -> "tuple[tuple[PurePosixPath, Node | EntryKind], ...]":
        """Every known path under `path` (itself excluded) that still stands."""
        seen = {p for p in (*self.repository.entries, *self.overlay) if path in p.parents}
        found = ((p, self.node(p)) for p in sorted(seen))
        return tuple((p, node) for p, node in found if node is not None)

    def with_node(self, path: PurePosixPath, node: Node) -> "Workspace":
        """`node` at `path`, and nothing of what the script had laid below it."""
        base = self._without_below(path) if path in self.folders else self
        overlay, folders = dict(base.overlay), base.folders
        if path not in overlay:
            folders = {**folders, **{p: folders.get(p, 0) + 1 for p in path.parents}}
        overlay[path] = node
        taken = base.taken - {path} if path in base.taken else base.taken
        return replace(base, overlay=overlay, folders=folders, taken=taken | {path} if from_container(node) else taken)

    def _without_below(self, path: PurePosixPath, *, itself: bool = False) -> "Workspace":
        kept = {p: n for p, n in self.overlay.items() if path not in p.parents and not (itself and p == path)}
        return laid(replace(self, overlay=kept))

    def made(self, path: PurePosixPath) -> "Workspace":
        """A directory with its parents, where they aren't there yet (`mkdir -p`)."""
        result = self
        for at in reversed((path, *path.parents)):
            there = result.is_directory(at)
            node = result.node(at) if there is None and at not in result.overlay else None
            if there is False:
                result = result.with_node(at, Made())
            elif isinstance(node, Artifact) and result.share(at) is None:
                result = result.with_node(at, Changed(base=origins(node)))
        return result

    def removed(self, path: PurePosixPath) -> "Workspace":
        """`path` and all below it taken away; what the script itself had laid there leaves no trace."""
        shares = tuple(s for s in self.shares if path not in (s.host, *s.host.parents))
        if shares != self.shares:
            return replace(self, shares=shares).removed(path)
        held = any(p in self.overlay for p in path.parents)
        if not held and self.repository.kind(path) is None:
            return self._without_below(path, itself=True) if path in self.overlay or path in self.folders else self
        return self.with_node(path, Gone())

    def joined(self, other: "Workspace") -> "Workspace":
        """What is known where the script may have come either way."""
        if self.shares != other.shares:
            both = tuple(s for s in self.shares if s in other.shares)
            rest = {s.host for s in (*self.shares, *other.shares) if s not in both}
            here, there = replace(self, shares=both), replace(other, shares=both)
            for host in sorted(rest):
                here, there = here.with_node(host, Changed()), there.with_node(host, Changed())
            return here.joined(there)
        disturbed = self.disturbed or other.disturbed
        if self.overlay is other.overlay or self.overlay == other.overlay:
            return self if self.disturbed == disturbed else other
        result: dict[PurePosixPath, Node] = {}
        for path in dict.fromkeys((*self.overlay, *other.overlay)):
            one, two = self.overlay.get(path), other.overlay.get(path)
            if one is not None and (one is two or one == two):
                result[path] = one
                continue
            mine, theirs = self.node(path), other.node(path)
            if mine == theirs:
                result[path] = one or two or Gone()
            else:
                result[path] = Changed(base=origins(mine, theirs), joined=True)
        return laid(replace(self, overlay=result, disturbed=disturbed))

    def moved(self, source: PurePosixPath, target: PurePosixPath) -> "Workspace":
        """`source`, an extracted path or a directory of them, under the name `target`."""
        carried = {
            target / p.relative_to(source): n for p, n in self.overlay.items() if p == source or source in p.parents
        }
        result = self.removed(source)
        return laid(replace(result, overlay={**result.overlay, **carried}))


def laid(workspace: Workspace) -> Workspace:
    """The workspace with what is derived from its overlay."""
    folders: dict[PurePosixPath, int] = {}
    for path in workspace.overlay:
        for parent in path.parents:
            folders[parent] = folders.get(parent, 0) + 1
    taken = frozenset(p for p, n in workspace.overlay.items() if from_container(n))
    return replace(workspace, folders=folders, taken=taken)
