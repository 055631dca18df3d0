"""Phase 2: shell tree → events. Input: a script and the repository it stands in. Output: a Trace.

What isn't followed (branches, loops, functions) is either shown to touch nothing that matters, or is a diagnostic. Nothing
is started.
"""

import posixpath
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from migrate import rules
from migrate.discover import Repository
from migrate.shell.syntax import (
    AndOr,
    Assignment,
    Command,
    CommandSubstitution,
    Function,
    Group,
    Redirection,
    Script,
    SimpleCommand,
    Statement,
)
from migrate.trace.commands import (
    DISCARDED,
    assigned_names,
    is_harmless,
    literal_words,
    mentions_client,
    sets_parameters,
    simple_commands,
    writes,
    writing_redirections,
)
from migrate.trace.docker_events import docker_command
from migrate.trace.events import Argument, Harmless, Opaque, Trace
from migrate.trace.expand import expand_fields, expand_text
from migrate.trace.host import host_command, written_by_redirection
from migrate.trace.state import State
from migrate.trace.values import Value
from migrate.trace.workspace import Changed, Workspace

_FALLBACKS = {"true", ":", "exit", "return", "echo", "printf", "false"}
_DECIDES_THE_CLIENT = {"PATH", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"}
_QUESTIONS = {"[", "test", "grep", "which", "type", "hash", "false", "cmp", "diff", "read"}
_NOT_FOLLOWED = {"source", ".", "eval", "exec", "sudo", "trap", "shift", "alias", "shopt", "pushd", "popd", "umask"}
_CHANGES_COURSE = {"cd", "pushd", "popd", "eval", "source", ".", "exec", "shift", "trap", "alias", "shopt", "umask"}
_DECLARATIONS = {"export", "readonly", "declare", "typeset", "local"}


def trace(
    script: Script,
    repository: Repository,
    *,
    directory: PurePosixPath,
    name: str,
    arguments: tuple[str, ...] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Trace:
    """Follow `script`, started in `directory` as `name` (its `$0`).

    `arguments` are its positional parameters (None: not known). `environment` holds what is known of it; a name that is
    neither there nor set by the script is unknown.
    """
    variables = {key: Value.of(value) for key, value in (environment or {}).items()}
    variables["0"] = Value.of(name)
    unset: set[str] = set()
    if arguments is not None:
        variables |= {str(i + 1): Value.of(a) for i, a in enumerate(arguments)}
        variables["#"] = Value.of(str(len(arguments)))
        unset = {str(i) for i in range(len(arguments) + 1, 100)}
    state = State(
        workspace=Workspace(repository=repository, overlay={}), directory=directory, variables=variables, unset=unset
    )
    _Interpreter(state).body(script.statements)
    return Trace(
        script=script,
        steps=tuple(state.steps),
        remaining=tuple(sorted(state.workspace.artifacts)),
        diagnostics=tuple(state.diagnostics),
    )


class _Interpreter:
    def __init__(self, state: State) -> None:
        self._state = state
        self._functions: dict[str, Function] = {}

    def body(self, statements: tuple[Statement, ...]) -> None:
        for statement in statements:
            if self._state.ended:
                return
            if statement.background:
                self._not_followed(statement.command, "a command in the background")
            else:
                self._command(statement.command)

    def _command(self, command: Command) -> None:
        match command:
            case SimpleCommand():
                self._simple(command)
                self._state.ended = self._state.ended or literal_words(command)[:1] == ["exit"]
            case AndOr():
                self._and_or(command)
            case Group(body=body, redirections=()):
                self.body(body)
            case Function(name=name):
                self._not_followed(command, f"the function `{name}`")
                self._functions[name] = command
            case _:
                self._not_followed(command, f"`{command.span.text.split()[0]}`")

    def _and_or(self, node: AndOr) -> None:
        """`a && b`: both. `a || b`: `a`, where `b` only gives up or says something."""
        first, *_ = node.commands
        self._command(first)
        self._state.ended = False  # what stands behind `exit &&` is too odd to be told apart
        asked = _asks(first)
        for operator, command in zip(node.operators, node.commands[1:], strict=True):
            if asked:
                self._not_followed(command, "what stands behind a condition")
            elif operator == "&&":
                self._command(command)
                asked = _asks(command)
            elif not all((literal_words(c) or ["true"])[0] in _FALLBACKS for c in simple_commands(command)):
                self._not_followed(command, "what stands behind `||`")

    def _not_followed(self, command: Command, what: str) -> None:
        """A construct whose way through isn't known: sound only where nothing in it matters."""
        state = self._state
        called = [f for c in simple_commands(command) if (f := self._functions.get((literal_words(c) or [""])[0]))]
        for name in assigned_names(command).union(*map(assigned_names, called)):
            state.assign(name, Value.unknown(f"variable `{name}`, set at {command.span}", command.span))
        inner = list(simple_commands(command))
        text = command.span.text
        written = writing_redirections(command)
        quiet = all(is_harmless(literal_words(c)) for c in inner) and not written
        if mentions_client(text) or self._names_client(inner):
            state.report(rules.CONSTRUCT_NOT_TRACED, f"{what} that runs docker is not followed", command.span)
        elif any(_changes_course(literal_words(c)) for c in inner):
            message = f"{what} that changes where or how the script goes on is not followed"
            state.report(rules.CONSTRUCT_NOT_TRACED, message, command.span)
        elif not quiet:
            self._emit_opaque(command, text)
            self._mark_written(written)

    def _mark_written(self, redirections: tuple[Redirection, ...]) -> None:
        """Files that a construct may have written hold what isn't known from here on."""
        for redirection in redirections:
            target = redirection.target
            text = expand_text(target, self._state.scope(), self._substitute).text if target is not None else None
            path = self._state.path(text) if text is not None else None
            if path is not None:
                self._state.workspace = self._state.workspace.with_node(path, Changed())

    def _names_client(self, commands: list[SimpleCommand]) -> bool:
        """Whether a command's name comes from a variable that isn't known, or that holds a client."""
        for command in commands:
            words = command.words[:1]
            if words and "\0" in literal_words(command)[0]:
                value = expand_text(words[0], self._state.scope(), lambda s: Value.unknown(s.span.text, s.span))
                if value.text is None or mentions_client(value.text):
                    return True
        return False

    def _emit_opaque(self, command: Command, text: str) -> None:
        first = next(iter(simple_commands(command)), None)
        owner = self._state.owner or first
        if owner is not None:
            event = Opaque(span=command.span, command=text, artifacts=tuple(self._state.workspace.artifacts))
            self._state.emit(event, owner)

    def _simple(self, command: SimpleCommand) -> None:
        state = self._state
        nested = state.owner is not None
        if not nested:
            state.owner = command
        try:
            self._run(command)
        finally:
            if not nested:
                state.owner = None

    def _run(self, command: SimpleCommand) -> Value:
        """Take a simple command into account; returns what it prints, as far as that is known."""
        if not command.words:
            for assignment in command.assignments:
                self._assign(assignment)
            return Value(parts=())
        before = {a.name: self._state.variables.get(a.name) for a in command.assignments}
        arguments = self._expand(command)
        for assignment in command.assignments:
            self._assign(assignment)
        printed = self._dispatch(command, arguments)
        for name, value in before.items():
            if value is None:
                self._state.variables.pop(name, None)
            else:
                self._state.variables[name] = value
        self._redirections(command)
        return printed

    def _expand(self, command: SimpleCommand) -> tuple[Argument, ...]:
        return tuple(
            Argument(value=value, span=word.span)
            for word in command.words
            for value in expand_fields(word, self._state.scope(), self._substitute)
        )

    def _dispatch(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> Value:
        state = self._state
        unknown = Value.unknown(f"output of `{command.span.text}`", command.span)
        if not arguments:
            return unknown
        name = arguments[0].value.text
        if name is None:
            state.report(rules.VALUE_UNKNOWN, "the command that runs here is not known", arguments[0].span)
            return unknown
        if name in self._functions:
            self._not_followed(self._functions[name], f"the function `{name}`")
            return unknown
        if name == "docker":
            return docker_command(state, command, arguments[0], arguments[1:])
        if self._shell_builtin(command, name, arguments) or host_command(state, command, name, arguments[1:]):
            return unknown
        words = [a.value.marked for a in arguments]
        if is_harmless(words):
            paths = () if name in ("echo", "printf") else self._paths(arguments[1:])
            state.emit(Harmless(span=command.span, command=name, text=" ".join(words[1:]), paths=paths), command)
            return self._printed(name, arguments) or unknown
        if any(mentions_client(w) for w in words):
            state.report(rules.CONSTRUCT_NOT_TRACED, f"docker behind `{name}` is not followed", command.span)
        else:
            state.emit(Opaque(span=command.span, command=name, artifacts=tuple(state.workspace.artifacts)), command)
        return unknown

    def _paths(self, arguments: tuple[Argument, ...]) -> tuple[PurePosixPath, ...]:
        """The arguments that may be files of the repository."""
        texts = [a.value.text for a in arguments if a.value.text and not a.value.text.startswith("-")]
        return tuple(p for t in texts if t is not None and (p := self._state.path(t)) is not None)

    def _shell_builtin(self, command: SimpleCommand, name: str, arguments: tuple[Argument, ...]) -> bool:
        state = self._state
        if name in _DECLARATIONS:
            self._declare(command, arguments[1:])
        elif name == "unset":
            for argument in arguments[1:]:
                state.variables.pop(argument.value.marked, None)
                state.unset.add(argument.value.marked)
        elif name in ("read", "getopts", "mapfile", "readarray"):
            for argument in arguments[1:]:
                if argument.value.marked.isidentifier():
                    state.assign(
                        argument.value.marked, Value.unknown(f"variable `{argument.value.marked}`", argument.span)
                    )
        elif name == "cd":
            state.emit(Harmless(span=command.span, command=name, text="", paths=self._paths(arguments[1:])), command)
            self._change_directory(arguments)
        elif name == "set":
            if sets_parameters([a.value.marked for a in arguments[1:]]):
                state.report(
                    rules.CONSTRUCT_NOT_TRACED, "`set` of the positional parameters is not followed", command.span
                )
        elif name in _NOT_FOLLOWED:
            state.report(rules.CONSTRUCT_NOT_TRACED, f"`{name}` is not followed", command.span)
        else:
            return False
        return True

    def _declare(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        for assignment in command.declared:
            self._state.assign(assignment.name, Value.unknown(f"array `{assignment.name}`", assignment.span))
        options = "".join(a.value.marked for a in arguments if a.value.marked.startswith(("-", "+")))
        plain = not set(options) - set("-+xrgp")  # -i, -l, -u, -n and arrays change what is stored
        for argument in arguments:
            name, equals, _ = argument.value.marked.partition("=")
            if name in _DECIDES_THE_CLIENT and equals and f"${name}" not in argument.span.text.replace("{", ""):
                message = f"`{name}` decides which docker runs, and on which engine"
                self._state.report(rules.CONSTRUCT_NOT_TRACED, message, argument.span)
            if name.isidentifier() and (equals or not plain):
                value = argument.value.slice(len(name) + 1)
                self._state.assign(name, value if plain else Value.unknown(f"variable `{name}`", argument.span))

    def _change_directory(self, arguments: tuple[Argument, ...]) -> None:
        state = self._state
        text = arguments[1].value.text if len(arguments) == 2 else None
        state.directory = state.path(text) if text is not None else None
        known_missing = state.directory is not None and state.workspace.is_directory(state.directory) is False
        if known_missing:
            state.directory = None

    def _assign(self, assignment: Assignment) -> None:
        state = self._state
        if assignment.name in _DECIDES_THE_CLIENT and f"${assignment.name}" not in assignment.span.text.replace(
            "{", ""
        ):
            message = f"`{assignment.name}` decides which docker runs, and on which engine"
            state.report(rules.CONSTRUCT_NOT_TRACED, message, assignment.span)
        if assignment.array is not None or assignment.index is not None or assignment.append:
            state.assign(assignment.name, Value.unknown(f"variable `{assignment.name}`", assignment.span))
            return
        value = expand_text(assignment.value, state.scope(), self._substitute) if assignment.value else Value(parts=())
        state.assign(assignment.name, value)

    def _redirections(self, command: SimpleCommand) -> None:
        for redirection in command.redirections:
            if redirection.target is None or not writes(redirection):
                continue
            target = expand_text(redirection.target, self._state.scope(), self._substitute)
            if target.text in DISCARDED or (redirection.operator in (">&", "&>") and (target.text or "").isdigit()):
                continue
            written_by_redirection(self._state, command, target, redirection.span)

    def _substitute(self, part: CommandSubstitution) -> Value:
        """What `$( … )` comes to: traced where it is one simple command, unknown by its text otherwise."""
        unknown = Value.unknown(f"`{part.span.text}`", part.span)
        body = [s.command for s in part.body]
        if len(body) == 1 and isinstance(body[0], SimpleCommand) and not body[0].redirections:
            printed = self._run(body[0])
            first = printed.first_unknown
            return unknown if first is not None else printed
        for command in body:
            self._not_followed(command, "a command substitution")
        return unknown

    def _printed(self, name: str, arguments: tuple[Argument, ...]) -> Value | None:
        """What a few commands print, where that can be said without running them."""
        texts = [a.value.text for a in arguments[1:]]
        known = [t for t in texts if t is not None]
        if len(known) != len(texts):
            return None
        if name in ("echo", "printf") and not any(re.search(r"[\\%]", t) or t.startswith("-") for t in known):
            return Value.of(" ".join(known)) if name == "echo" or len(known) == 1 else None
        if name == "pwd" and not known and self._state.directory is not None:
            return Value.of(str(self._state.workspace.root / self._state.directory))
        if name == "dirname" and len(known) == 1:
            return Value.of(posixpath.dirname(known[0].rstrip("/")) or ("/" if known[0].startswith("/") else "."))
        if name == "basename" and len(known) == 1:
            return Value.of(posixpath.basename(known[0].rstrip("/")))
        if name == "cat" and len(known) == 1:
            return self._content(known[0])
        return None

    def _content(self, text: str) -> Value | None:
        path = self._state.path(text)
        if path is None or path in self._state.workspace.overlay:
            return None
        source = self._state.workspace.repository.source(path)
        return Value.of(source.text.rstrip("\n")) if source is not None else None


def _asks(command: Command) -> bool:
    """Whether a command is there for its exit status: then what follows is one of two ways."""
    if not isinstance(command, SimpleCommand):
        return not isinstance(command, Group | AndOr)
    return (literal_words(command) or [""])[0] in _QUESTIONS


def _changes_course(words: list[str]) -> bool:
    """Whether a command makes the rest of the script mean something else."""
    if not words:
        return False
    return words[0] in _CHANGES_COURSE or (words[0] == "set" and sets_parameters(words[1:]))
