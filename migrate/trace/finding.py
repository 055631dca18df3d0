"""`find … -delete` and `find … -exec rm`: what is left of artifacts."""

from pathlib import PurePosixPath

from migrate.discover import EntryKind
from migrate.shell.syntax import SimpleCommand
from migrate.trace.events import Argument, HostChange
from migrate.trace.state import State, Status
from migrate.trace.workspace import Made, altered, from_container


def find(state: State, command: SimpleCommand, arguments: tuple[Argument, ...]) -> bool:
    """Take a `find` that removes files of artifacts into account; False for any other."""
    words = [a.value.text for a in arguments]
    if not words or any(w is None for w in words) or not all(a.certain for a in arguments):
        return False
    place = state.path(words[0] or "")
    if place is None or not removes([w or "" for w in words]):
        return False
    workspace = state.workspace
    held = [(p, n) for p, n in ((place, workspace.node(place)), *workspace.below(place)) if n is not None]
    artifacts = [(p, n) for p, n in held if not isinstance(n, EntryKind) and from_container(n)]
    others = [
        p for p, n in held if not isinstance(n, Made) and n is not EntryKind.DIRECTORY and p not in dict(artifacts)
    ]
    if others or not artifacts or any(s.host == place or place in s.host.parents for s in workspace.shares):
        return False
    touched: list[PurePosixPath] = []
    for path, node in artifacts:
        state.workspace = state.workspace.with_node(path, altered((node,), command.span.text, command.span))
        touched.append(path)
    state.status = Status(code=None, span=command.span, presumed=True)
    event = HostChange(span=command.span, command="find", paths=tuple(touched), alters=tuple(touched))
    state.emit(event, command)
    return True


def removes(words: list[str]) -> bool:
    """Whether the words behind `find` are a folder, tests of name and type, and the removal of what they find."""
    rest = words[1:]
    while len(rest) > 1 and rest[0] in ("-name", "-type", "-iname", "-maxdepth", "-mindepth", "-path"):
        rest = rest[2:]
    if rest == ["-delete"]:
        return True
    return len(rest) >= 4 and rest[:2] == ["-exec", "rm"] and rest[-2] == "{}" and rest[-1] in (";", "+")
