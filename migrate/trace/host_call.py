"""One command of the host with its words taken apart: what it names, and what it turns out to touch."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate.discover import EntryKind
from migrate.shell.syntax import SimpleCommand
from migrate.trace.events import Argument
from migrate.trace.state import State, Status
from migrate.trace.workspace import Node, altered


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    path: PurePosixPath
    trailing_slash: bool


@dataclass(slots=True, kw_only=True)
class Call:
    """One command: its words taken apart, and what it turns out to touch."""

    state: State
    command: SimpleCommand
    name: str
    options: list[str]
    words: tuple[str, ...]
    operands: list[Argument]
    targets: list[Target]
    outside: bool
    touched: list[PurePosixPath]

    def flag(self, letter: str, long: str = "") -> bool:
        return any(o == long or re.fullmatch(rf"-[A-Za-z]*{letter}[A-Za-z]*", o) for o in self.options)

    def put(self, path: PurePosixPath, node: Node) -> None:
        self.touched.append(path)
        self.state.workspace = self.state.workspace.with_node(path, node)

    def altered(self, path: PurePosixPath, *base: Node | EntryKind | None) -> None:
        """What stands at `path` is now the command's."""
        nodes = tuple(n for n in base if n is not None)
        self.put(path, altered(nodes, self.command.span.text, self.command.span))


def fails(call: Call, path: PurePosixPath) -> None:
    """The command says that it can't, and leaves `path` alone."""
    call.state.status = Status(code=1, span=call.command.span, decided=True)
    call.touched.append(path)


def creatable(call: Call, path: PurePosixPath, *, trailing: bool = False) -> bool | None:
    """Whether something can be put at `path`: its directory is there, and a name with a slash behind it is one itself. None
    where that isn't known, or where a link stands in between."""
    workspace = call.state.workspace
    if workspace.is_link(path) or any(workspace.is_link(p) for p in path.parents):
        return None
    parent = workspace.is_directory(path.parent)
    if parent is not True:
        return None if parent is None or workspace.disturbed else False
    if trailing and workspace.is_directory(path) is not True:
        return None if workspace.is_directory(path) is None else False
    return True


def inside(call: Call, path: PurePosixPath) -> list[Node]:
    workspace = call.state.workspace
    return [workspace.overlay[p] for p in workspace.carried if path in p.parents]
