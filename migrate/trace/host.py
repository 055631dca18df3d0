"""Ordinary commands that change the host's files: mkdir, rm, mv, and what touches files in ways not traced."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate import rules
from migrate.shell.syntax import SimpleCommand
from migrate.source import Span
from migrate.trace.events import Argument, HostChange, Opaque
from migrate.trace.state import State
from migrate.trace.values import Value
from migrate.trace.workspace import Artifact, Changed

_TRACED = {"mkdir", "rm", "rmdir", "mv"}
_NAMES_ITS_FILES = {
    "cp",
    "touch",
    "chmod",
    "chown",
    "ln",
    "install",
    "strip",
    "gzip",
    "gunzip",
    "xz",
    "tee",
    "truncate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    path: PurePosixPath
    trailing_slash: bool


def host_command(state: State, command: SimpleCommand, name: str, arguments: tuple[Argument, ...]) -> bool:
    """Take `name` into account; False where it is no command that this module knows."""
    if name not in _TRACED and name not in _NAMES_ITS_FILES:
        return False
    options = [a for a in arguments if a.value.marked.startswith("-") and len(a.value.marked) > 1]
    if name == "mkdir" and any(re.match(r"-\w*m|--mode", o.value.marked) for o in options):
        _opaque(state, command, name)  # the mode of a folder can land in an image
        return True
    targets, unknown = _targets(state, tuple(a for a in arguments if a not in options))
    if unknown is not None or state.directory is None:
        _opaque(state, command, name)
        return True
    touched = tuple(t.path for t in targets)
    match name:
        case "mkdir":
            for target in targets:
                state.workspace = state.workspace.made(target.path)
        case "rm" | "rmdir":
            for target in targets:
                state.workspace = state.workspace.removed(target.path)
        case "mv" if _is_artifact_move(state, targets):
            _move(state, targets)
        case _:
            if _touches_artifact(state, touched):
                _report_artifact(state, command, name, touched)
            for target in targets:
                state.workspace = state.workspace.with_node(target.path, Changed())
    state.emit(HostChange(span=command.span, command=name, paths=touched), command)
    return True


def written_by_redirection(state: State, command: SimpleCommand, target: Value, span: Span) -> None:
    """`> file`: the file is there afterwards, with contents that aren't traced."""
    text = target.text
    path = state.path(text) if text is not None else None
    if path is None and text is not None and state.directory is not None:
        return  # outside the repository
    if path is None:
        _opaque(state, command, "redirection")
        return
    if _touches_artifact(state, (path,)):
        state.report(rules.COMMAND_TOUCHES_ARTIFACT, f"the artifact `{path}` is written by a redirection", span)
    state.workspace = state.workspace.with_node(path, Changed())
    state.emit(HostChange(span=command.span, command="redirection", paths=(path,)), command)


def _targets(state: State, arguments: tuple[Argument, ...]) -> tuple[tuple[_Target, ...], Argument | None]:
    """The paths named, those outside the repository left out; and the first argument that isn't known."""
    targets = []
    for argument in arguments:
        text = argument.value.text
        if text is None:
            return (), argument
        path = state.path(text)
        if path is not None:
            targets.append(_Target(path=path, trailing_slash=text.endswith("/")))
    return tuple(targets), None


def _is_artifact_move(state: State, targets: tuple[_Target, ...]) -> bool:
    return len(targets) == 2 and isinstance(state.workspace.overlay.get(targets[0].path), Artifact)


def _move(state: State, targets: tuple[_Target, ...]) -> None:
    source, target = targets
    path = (
        target.path / source.path.name
        if target.trailing_slash or state.workspace.is_directory(target.path)
        else target.path
    )
    state.workspace = state.workspace.moved(source.path, path)


def _touches_artifact(state: State, paths: tuple[PurePosixPath, ...]) -> bool:
    artifacts = state.workspace.artifacts
    return any(p == a or p in a.parents or a in p.parents for p in paths for a in artifacts)


def _report_artifact(state: State, command: SimpleCommand, name: str, paths: tuple[PurePosixPath, ...]) -> None:
    shown = next(str(p) for p in paths if _touches_artifact(state, (p,)))
    state.report(
        rules.COMMAND_TOUCHES_ARTIFACT,
        f"`{name}` changes the artifact `{shown}` on its way",
        command.span,
        help_="do this in the builder's Dockerfile, then run ms-migrate again",
    )


def _opaque(state: State, command: SimpleCommand, name: str) -> None:
    state.emit(Opaque(span=command.span, command=name, artifacts=tuple(state.workspace.artifacts)), command)
