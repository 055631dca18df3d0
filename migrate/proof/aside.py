"""What a stage puts below ARTIFACTS: the folder is nobody's but a migration's, so what happens there is known command by command.

A command that would fail there, or of which it isn't known what it does, raises UnprovableError: nothing is taken to go well.
"""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from migrate.proof.commands import ARTIFACTS
from migrate.proof.contents import assembled, member
from migrate.proof.expressions import Content
from migrate.proof.model import UnprovableError
from migrate.source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """`held` is what stands there, by path; `folders` were made, and anyone may write to those that are `open`."""

    held: Mapping[str, Content] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()

    @property
    def used(self) -> bool:
        """Whether an image has the folder at all."""
        return bool(self.folders)

    def stands(self, path: str, span: Span) -> Content | None:
        """What stands at `path`; None where that is none of what was put aside."""
        for at in (path, *parents(path)):
            if at in self.held:
                return member(self.held[at], posixpath.relpath(path, at), span)
        if path == "/" and self.used:
            raise UnprovableError("the whole of an image is taken, with what was put aside in it", span)
        within = tuple((posixpath.relpath(p, path), c) for p, c in self.held.items() if p.startswith(path + "/"))
        return assembled(within, span) if within and is_aside(path) else None

    def made(self, path: str, *, root: bool, span: Span) -> "Aside":
        """After `mkdir -p`."""
        new = {p for p in (path, *parents(path)) if is_aside(p)} - self.folders
        if not root and new and not any(p in self.open for p in parents(path)):
            raise UnprovableError(f"who runs this can't make `{path}`", span)
        return replace(self, folders=self.folders | new)

    def opened(self, path: str, *, root: bool, span: Span) -> "Aside":
        """After `chmod 777` of a folder."""
        if path not in self.folders or not root:
            raise UnprovableError(f"`{path}` can't be opened by then", span)
        return replace(self, open=self.open | {path})

    def put(self, path: str, content: Content, *, root: bool, span: Span, over: bool = False) -> "Aside":
        """With `content` at `path`, where nothing stands; with `over`, what stands there is written over."""
        folder = posixpath.dirname(path)
        if folder not in self.folders or (not root and folder not in self.open):
            raise UnprovableError(f"`{path}` can't be written by then", span)
        if path in self.folders or (path in self.held and not over):
            raise UnprovableError(f"something stands at `{path}` by then", span)
        return replace(self, held={**self.held, path: content})

    def filled(self, folder: str, content: Content, *, root: bool, span: Span) -> "Aside":
        """With what `content` holds in a folder that was made, and in which nothing stands."""
        if folder not in self.folders or not root:
            raise UnprovableError(f"`{folder}` can't be written by then", span)
        if any(p == folder or folder in parents(p) for p in self.held):
            raise UnprovableError(f"something stands in `{folder}` by then", span)
        return replace(self, held={**self.held, folder: content})

    def without(self, path: str, *, root: bool, span: Span) -> "Aside":
        """After `rm`."""
        if path not in self.held or not root:
            raise UnprovableError(f"`{path}` can't be removed by then", span)
        return replace(self, held={p: c for p, c in self.held.items() if p != path})


def is_aside(path: str) -> bool:
    return path == ARTIFACTS or path.startswith(f"{ARTIFACTS}/")


def parents(path: str) -> list[str]:
    """The folders above a path, the nearest first."""
    found = []
    while path not in ("/", ""):
        path = posixpath.dirname(path)
        found.append(path)
    return found
