"""The host's files as a script changes them: the tree that was found, and what was laid over it.

A Workspace is a value: each change gives a new one. Landing rules are docker's (semantics.md, section 2).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from migrate.discover import EntryKind, Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """What an extraction left: `source` in container `container`. `contents_only` where it was `dir/.`, or a directory
    whose contents went into a new one: whether it is a file or a directory isn't known from the script alone."""

    container: int
    source: PurePosixPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A directory that the script made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Something of which it isn't known any more what stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Removed by the script."""


Node = Artifact | Made | Changed | Gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """`overlay` holds what the script made of paths (relative to the root); the rest is as the repository has it."""

    repository: Repository = field(repr=False)
    overlay: Mapping[PurePosixPath, Node]

    @property
    def root(self) -> PurePosixPath:
        """The repository's root as an absolute path."""
        return PurePosixPath(self.repository.root.absolute())

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
                case Gone():
                    return None
                case Changed():
                    return node
                case Made():
                    break
        return self.repository.kind(path)

    def is_directory(self, path: PurePosixPath) -> bool | None:
        """None where it isn't known (an artifact may be either)."""
        match self.node(path):
            case None:
                return False
            case Made() | EntryKind.DIRECTORY:
                return True
            case EntryKind.FILE | EntryKind.OTHER:
                return False
            case _:
                return None

    @property
    def artifacts(self) -> Mapping[PurePosixPath, Artifact]:
        return {path: node for path, node in self.overlay.items() if isinstance(node, Artifact)}

    def below(self, path: PurePosixPath) -> "tuple[tuple[PurePosixPath, Node | EntryKind], ...]":
        """Every known path under `path` (itself excluded) that still stands."""
        seen = {p for p in (*self.repository.entries, *self.overlay) if path in p.parents}
        found = ((p, self.node(p)) for p in sorted(seen))
        return tuple((p, node) for p, node in found if node is not None)

    def with_node(self, path: PurePosixPath, node: Node) -> "Workspace":
        """`node` at `path`, and nothing of what the script had laid below it."""
        kept = {p: n for p, n in self.overlay.items() if p != path and path not in p.parents}
        return replace(self, overlay={**kept, path: node})

    def made(self, path: PurePosixPath) -> "Workspace":
        """A directory with its parents, where they aren't there yet (`mkdir -p`)."""
        result = self
        for at in reversed((path, *path.parents)):
            if result.is_directory(at) is False:
                result = result.with_node(at, Made())
        return result

    def removed(self, path: PurePosixPath) -> "Workspace":
        """`path` and all below it taken away; what the script itself had laid there leaves no trace."""
        if self.repository.kind(path) is None and not any(path in p.parents for p in self.repository.entries):
            kept = {p: n for p, n in self.overlay.items() if p != path and path not in p.parents}
            return replace(self, overlay=kept)
        return self.with_node(path, Gone())

    def moved(self, source: PurePosixPath, target: PurePosixPath) -> "Workspace":
        """`source`, an extracted path or a directory of them, under the name `target`."""
        carried = {
            target / p.relative_to(source): n for p, n in self.overlay.items() if p == source or source in p.parents
        }
        result = self.removed(source)
        return replace(result, overlay={**result.overlay, **carried})
