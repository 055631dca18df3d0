"""Redirections of a command: what it reads, and where what it prints goes."""

from pathlib import PurePosixPath
from types import TracebackType
from typing import TYPE_CHECKING, Self

from migrate.discover import EntryKind
from migrate.shell.syntax import Redirection, SimpleCommand
from migrate.source import Span
from migrate.trace.commands import DISCARDED
from migrate.trace.events import Harmless, HostChange, Opaque
from migrate.trace.state import State, Status
from migrate.trace.values import EMPTY, Output, Stream, Value
from migrate.trace.workspace import Changed, Node, Streamed, Workspace, Written, origins

if TYPE_CHECKING:
    from migrate.trace.interpreter import Interpreter

_WRITES = {">", ">>", ">|", "&>", "&>>", "<>"}


class Redirected:
    """While it is entered, the redirections hold; when it is left, the files that they name hold what was printed."""

    def __init__(self, interpreter: "Interpreter", redirections: tuple[Redirection, ...]) -> None:
        self._interpreter = interpreter
        self._redirections = redirections
        self._files: list[tuple[Redirection, PurePosixPath | None]] = []
        self._read: list[tuple[Redirection, PurePosixPath]] = []
        self._standard: tuple[Redirection, PurePosixPath | None] | None = None
        self._discarded = False
        self._merged: Redirection | None = None
        self._fed = False
        self.failed = False
        """Whether a file can't be opened: then the command isn't run."""
        self._altered: set[PurePosixPath] = set()
        self._before: dict[PurePosixPath, Workspace] = {}

    def __enter__(self) -> Self:
        if not self._redirections:
            return self
        state = self._interpreter.state
        self._stdin, self._out = state.stdin, state.out
        self._seen = {id(exits): len(exits.states) for exits in self._interpreter.exits()}
        for redirection in self._redirections:
            self._open(state, redirection)
        if self._standard is not None or self._discarded:
            state.out = EMPTY
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._redirections or error is not None:
            return
        state = self._interpreter.state
        late = [s for e in self._interpreter.exits() for s in e.states[self._seen.get(id(e), 0) :]]
        for one in [state, *late]:
            self._close(one)
        if not state.dead:
            self._emit(state)

    def _open(self, state: State, redirection: Redirection) -> None:
        operator = redirection.operator
        expander = self._interpreter.expander()
        if redirection.here_document is not None:
            self._fed = True
            state.stdin = expander.text(redirection.here_document.body)
            return
        if operator == "<<<":
            self._fed = True
            state.stdin = expander.text(redirection.target) + Value.of("\n")
            return
        target = expander.text(redirection.target)
        if operator == "<":
            if redirection.fd in (None, 0):
                self._fed = True
                path = state.path(target.text) if target.text is not None else None
                state.stdin = self._contents(state, path, redirection.span)
                if path is not None and (path in state.workspace.carried or state.workspace.left(path)):
                    self._read.append((redirection, path))
            return
        if (operator in (">&", "&>", "&>>", "<&") and (target.text or "").strip("-").isdigit()) or target.text == "-":
            if operator == ">&" and redirection.fd == 2 and target.text == "1":
                self._merged = redirection
            if operator == ">&" and redirection.fd in (None, 1) and target.text not in ("1",):
                self._discarded, self._standard = True, None
            return
        if operator not in _WRITES and operator != ">&":
            return
        standard = redirection.fd in (None, 1) and operator != "<>"
        if target.text in DISCARDED:
            if standard and target.text != "/dev/stdout":
                self._discarded, self._standard = True, None
            return
        known, path = state.place(target)
        if path is None and (known or not state.may_name(target)):
            if standard:
                self._discarded, self._standard = True, None
            return  # outside the repository, or a new file of a name that isn't known
        path = self._opened(state, target, path, redirection)
        if self.failed:
            return
        entry = (redirection, path)
        self._files.append(entry)
        if standard:
            self._standard, self._discarded = entry, False

    def _opened(
        self, state: State, target: Value, path: PurePosixPath | None, redirection: Redirection
    ) -> PurePosixPath | None:
        """Where the file is that is written; a link is followed. While the command runs, the file is what opening made it."""
        if path is None:
            return None
        workspace = state.workspace
        if workspace.is_link(path):
            followed = workspace.repository.followed(path)
            if workspace.node(path) is not EntryKind.LINK or followed is None:
                return None
            path = followed
        below_file = workspace.is_directory(path.parent) is False and not workspace.disturbed
        if below_file or workspace.is_directory(path) or (target.text or "").endswith("/"):
            self.failed = True
            state.status = Status(code=1, span=redirection.span, decided=True)
            return path
        before = workspace.node(path)
        if before is not None and path not in workspace.carried:
            self._before[path] = workspace
            made = Written(content=EMPTY) if not redirection.operator.endswith(">>") else Changed()
            state.workspace = workspace.with_node(path, made)
        return path

    @staticmethod
    def _contents(state: State, path: PurePosixPath | None, span: Span) -> Output | None:
        if path is None:
            return None
        node = state.workspace.node(path)
        return node.stream.read(span) if isinstance(node, Streamed) else state.workspace.text(path)

    def _close(self, state: State) -> None:
        """What was printed goes into its file; stdin and stdout are as before."""
        if self._merged is not None and isinstance(state.out, Stream):
            # errors of a program in a container are among what it prints
            state.out = state.unknown("output and errors", self._merged.span)
        printed = state.out
        if self._fed:
            state.stdin = self._stdin
        for entry in self._files:
            redirection, path = entry
            if path is None:
                continue
            if path in state.workspace.carried:
                self._altered.add(path)
            content = printed if entry is self._standard and redirection.operator in (">", ">>", ">|") else None
            state.workspace = state.workspace.with_node(path, self._node(state, redirection, path, content))
        if self._standard is not None or self._discarded:
            state.out = self._out

    def _emit(self, state: State) -> None:
        for redirection, read in self._read:
            alone = SimpleCommand(span=redirection.span, assignments=(), words=(), redirections=(redirection,))
            event = Harmless(span=redirection.span, command="redirection", text=redirection.span.text, paths=(read,))
            state.emit(event, state.owner or alone)
        for redirection, path in self._files:
            span = redirection.span
            alone = SimpleCommand(span=span, assignments=(), words=(), redirections=(redirection,))
            command = state.owner or alone
            if path is None:
                state.emit(Opaque(span=span, command="redirection", artifacts=state.workspace.carried), command)
                continue
            alters = (path,) if path in self._altered else ()
            state.emit(HostChange(span=command.span, command="redirection", paths=(path,), alters=alters), command)

    def _node(self, state: State, redirection: Redirection, path: PurePosixPath, content: Output | None) -> Node:
        workspace = self._before.get(path, state.workspace)
        before = workspace.node(path)
        if workspace.is_directory(path.parent) is not True:
            return Changed()  # it may have failed
        appends = redirection.operator.endswith(">>")
        # a file that is there keeps its mode
        if isinstance(content, Stream) and not appends and (before is None or workspace.is_executable(path) is False):
            return Streamed(stream=content)
        if isinstance(content, Value):
            if not appends or before is None:
                return Written(content=content)
            held = workspace.text(path)
            if held is not None:
                return Written(content=held + content)
        return Changed(base=origins(before))
