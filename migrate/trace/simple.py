"""Simple commands: which of the shell's own, a function, a script of the repository, docker, or a program it is, and what it
does then."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from migrate import rules
from migrate.shell.reader import read_script
from migrate.shell.syntax import Assignment, Literal, Quoting, Script, SimpleCommand, Word, placed
from migrate.source import SourceFile, Span
from migrate.trace.builtins import Builtins
from migrate.trace.commands import CLIENTS, DECIDES_THE_CLIENT, is_harmless, is_question, mentions_client
from migrate.trace.compose.process import Composes
from migrate.trace.docker_events import docker_command
from migrate.trace.events import Argument, Harmless
from migrate.trace.host import host_command
from migrate.trace.make.process import Makes
from migrate.trace.npm import RUNNERS, Packages
from migrate.trace.prefixes import Prefix, without_prefix
from migrate.trace.printed import printed
from migrate.trace.redirections import Redirected
from migrate.trace.state import SUCCESS, Positional, Status
from migrate.trace.values import EMPTY, Array, Stream, Value

if TYPE_CHECKING:
    from migrate.trace.interpreter import Interpreter

_SHELLS = {"sh", "bash", "dash", "ash", "ksh"}
_VERBS = set("build buildx create run cp rm rmi exec start stop tag push pull save load export import commit".split())


class SimpleCommands:
    """Runs one simple command at a time in the interpreter's present state."""

    def __init__(self, interpreter: "Interpreter") -> None:
        self._interpreter = interpreter
        self._builtins = Builtins(interpreter, self)
        self._makes = Makes(interpreter)
        self._composes = Composes(interpreter)
        self._packages = Packages(interpreter)
        self._scripts: dict[PurePosixPath, Script | None] = {}
        self.before: Status = SUCCESS
        """How the command before the present one ended: what `exit` and `return` give on."""

    def run(self, command: SimpleCommand) -> None:
        nested = self._interpreter.state.owner is not None
        if not nested:
            self._interpreter.state.owner = command
        self._run(self._unaliased(command))
        if not nested:
            self._interpreter.state.owner = None

    def _run(self, command: SimpleCommand) -> None:
        state = self._interpreter.state
        if not command.words:
            before_any = state.status
            with Redirected(self._interpreter, command.redirections) as redirected:
                for assignment in command.assignments:
                    self.assign(assignment)
            if state.status is before_any and not redirected.failed:
                state.status = SUCCESS
            return
        arguments = self.arguments(command.words)
        if state.dead:
            return  # `${x:?}`
        before = {a.name: state.variables.get(a.name, "environment") for a in command.assignments}
        exported = state.exported
        with Redirected(self._interpreter, command.redirections) as redirected:
            for assignment in command.assignments:
                self.assign(assignment)
            self._interpreter.state.exported |= {a.name for a in command.assignments}
            if not redirected.failed:
                self._dispatch(command, arguments, "")
            elif mentions_client(command.span.text):
                message = "this command does not run: the file that it is redirected to can't be opened"
                state.report(rules.LEGACY_BUILD_FAILS, message, command.span)
        after = self._interpreter.state
        after.exported = exported if before else after.exported
        for name, value in before.items():
            if isinstance(value, str):
                after.variables.pop(name, None)
            else:
                after.variables[name] = value

    def arguments(self, words: Sequence[Word]) -> tuple[Argument, ...]:
        return tuple(
            Argument(value=field.value, span=span, certain=field.certain)
            for field, span in self._interpreter.fields(words)
        )

    def _unaliased(self, command: SimpleCommand) -> SimpleCommand:
        """Aliases take the place of a command's first word: in `sh`, and where `expand_aliases` is set; on later lines than
        that which defines them."""
        state = self._interpreter.state
        first = command.words[0].parts if command.words else ()
        if not state.aliases or len(first) != 1 or not isinstance(first[0], Literal):
            return command
        if first[0].span.text != first[0].text or first[0].quoting is not Quoting.NONE:
            return command
        known = state.aliases.get(first[0].text)
        if known is None or not (state.shell == "sh" or "expand_aliases" in state.options):
            return command
        text, span = known
        if span.file == command.span.file and span.position.line >= command.span.position.line:
            return command
        script = self.parsed(text, first[0].span, inside=None)
        inner = script.statements[0].command if script is not None and len(script.statements) == 1 else None
        if not isinstance(inner, SimpleCommand) or not inner.words:
            state.report(rules.CONSTRUCT_NOT_TRACED, f"the alias `{first[0].text}` is not followed", command.span)
            return command
        return replace(
            command,
            assignments=(*command.assignments, *inner.assignments),
            words=(*inner.words, *command.words[1:]),
            redirections=(*inner.redirections, *command.redirections),
        )

    # assignments

    def assign(self, assignment: Assignment) -> None:
        state = self._interpreter.state
        expander = self._interpreter.expander()
        name, span = assignment.name, assignment.span
        self.check_client(name, span)
        if assignment.array is not None:
            self._assign_array(assignment)
            return
        before_any = state.status
        value = expander.text(assignment.value) if assignment.value else EMPTY
        if state.status is before_any:
            state.status = SUCCESS  # else it is that of the last substitution
        before = state.variables.get(name) if name in state.variables else None
        if assignment.index is not None:
            held = before if isinstance(before, Array) else Array(items=(("0", before),) if before is not None else ())
            unknown = before is None and name in state.variables and False
            key = expander.key(assignment.index, span, held)
            if key is None or unknown or (isinstance(before, Value) and before.text is None):
                state.assign(name, state.unknown(f"array `{name}`", span))
                return
            old = held.get(key) if assignment.append else None
            state.assign(name, held.with_item(key, (old or EMPTY) + value))
        elif assignment.append:
            current = state.lookup(name, span)
            if isinstance(current, Array):
                state.assign(name, current.with_item("0", (current.get("0") or EMPTY) + value))
            elif "integer" in self._attributes(name):
                state.assign(name, state.unknown(f"variable `{name}`", span))
            else:
                state.assign(name, (current or EMPTY) + value)
        elif isinstance(before, Array):
            state.assign(name, before.with_item("0", value))
        else:
            state.assign(name, self.attributed(name, value, span))

    def _attributes(self, name: str) -> frozenset[str]:
        return frozenset(o.partition(":")[0] for o in self._interpreter.state.options if o.endswith(f":{name}"))

    def attributed(self, name: str, value: Value, span: Span) -> Value:
        """`declare -i`, `-u`, `-l` change what is stored."""
        return self._interpreter.state.unknown(f"variable `{name}`", span) if self._attributes(name) else value

    def _assign_array(self, assignment: Assignment) -> None:
        state = self._interpreter.state
        name, span = assignment.name, assignment.span
        before = state.variables.get(name)
        keyed = [w for w in assignment.array or () if w.span.text.startswith("[")]
        if keyed or (isinstance(before, Array) and before.associative):
            value = self._keyed(assignment, before if isinstance(before, Array) else None)
            state.assign(name, value or state.unknown(f"array `{name}`", span))
            return
        found = self._interpreter.fields(assignment.array or ())
        if any(not field.certain for field, _ in found) or state.shell == "sh":
            state.assign(name, state.unknown(f"array `{name}`", span))
            return
        start = Array(items=())
        if assignment.append:
            current = before if name in state.variables else state.lookup(name, span)
            if isinstance(current, Value):
                if current.text is None:
                    state.assign(name, state.unknown(f"array `{name}`", span))
                    return
                current = Array(items=(("0", current),))
            start = current or start
        state.assign(name, start.extended(tuple(field.value for field, _ in found)))

    def _keyed(self, assignment: Assignment, before: Array | None) -> Array | None:
        """`([key]=value …)`."""
        associative = before is not None and before.associative
        result = before if before is not None and assignment.append else Array(items=(), associative=associative)
        expander = self._interpreter.expander()
        for word in assignment.array or ():
            first = word.parts[0] if word.parts else None
            head, equals, _ = word.span.text.partition("]=")
            if not equals or not isinstance(first, Literal):
                return None
            key = expander.key(head[1:], word.span, result)
            text = expander.text(word)
            prefix = text.marked.find("]=")
            if key is None or prefix < 0 or "$" in head:
                return None
            result = result.with_item(key, text.slice(prefix + 2))
        return result

    def check_client(self, name: str, span: Span) -> None:
        if name in DECIDES_THE_CLIENT and f"${name}" not in span.text.replace("{", ""):
            message = f"`{name}` decides which docker runs, and on which engine"
            self._interpreter.state.report(rules.CONSTRUCT_NOT_TRACED, message, span)

    # which command

    def _dispatch(self, command: SimpleCommand, arguments: tuple[Argument, ...], via: str) -> None:
        state = self._interpreter.state
        self.before = state.status
        state.status = Status(code=None, span=command.span, presumed=True)
        if not arguments:
            state.status = SUCCESS
            return
        name = arguments[0].value.text
        if name is None:
            self._unknown_command(command, arguments)
        elif name in state.functions and not via:
            self._function(name, command, arguments)
        elif name == "exec":
            self._exec(command, arguments, via)
        elif self._builtins.run(command, name, arguments):
            pass
        elif (prefix := without_prefix(name, arguments)) is not None:
            self._prefixed(command, prefix, via)
        else:
            self._program(command, name, arguments)

    def _function(self, name: str, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        function = state.functions[name]
        if function is None:
            state.report(rules.CONSTRUCT_NOT_TRACED, f"which function `{name}` is here is not known", command.span)
            return
        known, rest = self.given(arguments[1:])
        self._interpreter.call(function, known, rest, command.span)

    def given(self, arguments: Sequence[Argument]) -> tuple[tuple[Value, ...], int | None]:
        """Arguments as positional parameters: those up to the first of which it isn't known how many it is, and the number
        of the first unknown one."""
        known: list[Value] = []
        for argument in arguments:
            if not argument.certain:
                state = self._interpreter.state
                whole = argument.span.text in ('"$@"', '"${@}"', "$@", "$*")
                own = state.positional.rest if whole and not state.positional.known else None
                return tuple(known), own or state.log.fresh() + 1000
            known.append(argument.value)
        return tuple(known), None

    def _exec(self, command: SimpleCommand, arguments: tuple[Argument, ...], via: str) -> None:
        rest = arguments[1:]
        while rest and (rest[0].value.text or "").startswith("-"):
            rest = rest[2:] if rest[0].value.text == "-a" else rest[1:]
        if not rest:
            self._interpreter.state.status = SUCCESS
            return
        self._dispatch(command, rest, via or "exec")
        self._interpreter.exit(self._interpreter.state.status, command.span)

    def _prefixed(self, command: SimpleCommand, prefix: Prefix, via: str) -> None:
        """`sudo`, `env`, `time` …: the command behind it, with what it sets."""
        state = self._interpreter.state
        if prefix.reason is not None:
            if any(mentions_client(a.value.marked) for a in prefix.rest):
                state.report(rules.CONSTRUCT_NOT_TRACED, prefix.reason, command.span)
            else:
                self._interpreter.opaque(command, prefix.name)
            return
        before = dict(state.variables)
        for name, value in prefix.variables:
            self.check_client(name, command.span)
            state.assign(name, value)
        names = {name for name, _ in prefix.variables}
        exported, state.exported = state.exported, state.exported | names
        sudo, state.sudo = state.sudo, state.sudo or prefix.name == "sudo"
        self._dispatch(command, prefix.rest, via or prefix.name)
        after = self._interpreter.state
        after.exported, after.sudo = exported, sudo
        for name in names:
            if name in before:
                after.variables[name] = before[name]
            else:
                after.variables.pop(name, None)

    def _unknown_command(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        first = arguments[0].value
        verbs = any(a.value.text in _VERBS for a in arguments[1:3])
        if verbs or mentions_client(first.marked) or any(mentions_client(a.value.marked) for a in arguments):
            state.report(rules.VALUE_UNKNOWN, "the command that runs here is not known", arguments[0].span)
            return
        origin = first.first_unknown
        if origin is not None and mentions_client(origin.origin):
            state.report(rules.VALUE_UNKNOWN, "the command that runs here is not known", arguments[0].span)
            return
        self._print_unknown(command)
        self._interpreter.opaque(command, command.span.text)

    def _program(self, command: SimpleCommand, name: str, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        base = name.rpartition("/")[2]
        if base in CLIENTS:
            self._client(command, name, arguments)
            return
        if base in ("make", "gmake"):
            self._makes.run(command, arguments[1:])
            return
        if name in RUNNERS and self._packages.run(command, name, arguments[1:]):
            return
        if base in ("docker-compose", "podman-compose"):
            self._composes.run(command, arguments[1:], name)
            return
        if self._child(command, name, arguments):
            return
        if "/" in name and name.startswith(("/bin/", "/usr/bin/", "/usr/local/bin/")):
            name = base
        if host_command(state, command, name, arguments[1:]):
            return
        words = [a.value.marked for a in arguments]
        if name == "command":  # `command -v docker`
            self._harmless(command, name, words, ())
            self._print_unknown(command)
            state.status = Status(code=None, span=command.span)
            return
        output = printed(state, name, arguments)
        if output is not None:
            text, state.status = output
            state.print(text.handed_on(command.span) if isinstance(text, Stream) else text, command.span)
            self._harmless(command, name, words, arguments)
            return
        if is_harmless(words):
            self._harmless(command, name, words, arguments)
        elif any(mentions_client(w) for w in words):
            state.report(rules.CONSTRUCT_NOT_TRACED, f"docker behind `{name}` is not followed", command.span)
        else:
            self._interpreter.opaque(command, name)
        self._print_unknown(command)
        if is_question(words):
            state.status = Status(code=None, span=command.span)

    def _harmless(self, command: SimpleCommand, name: str, words: list[str], arguments: tuple[Argument, ...]) -> None:
        paths = () if name in ("echo", "printf") else self.paths(arguments[1:])
        event = Harmless(span=command.span, command=name, text=" ".join(words[1:]), paths=paths)
        self._interpreter.state.emit(event, command)

    def _print_unknown(self, command: SimpleCommand) -> None:
        state = self._interpreter.state
        state.print(state.unknown(f"output of `{command.span.text}`", command.span), command.span)

    def paths(self, arguments: Sequence[Argument]) -> tuple[PurePosixPath, ...]:
        """The arguments that may be files of the repository."""
        texts = [a.value.text for a in arguments if a.value.text and not a.value.text.startswith("-")]
        return tuple(p for t in texts if t is not None and (p := self._interpreter.state.path(t)) is not None)

    def _client(self, command: SimpleCommand, name: str, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        rest = arguments[1:]
        if rest and rest[0].value.text == "compose":
            self._composes.run(command, rest[1:], name)
            return
        state.print(docker_command(state, command, rest, name), command.span)

    # scripts and text

    def _child(self, command: SimpleCommand, name: str, arguments: tuple[Argument, ...]) -> bool:
        """`./other.sh`, `bash other.sh`, `sh -c '…'`: True where it is one of these."""
        interpreter = self._interpreter
        if name in _SHELLS:
            return self._shell(command, name, arguments[1:])
        path = interpreter.state.path(name) if "/" in name else None
        source = interpreter.state.workspace.source(path) if path is not None else None
        if path is None or source is None:
            return False
        shebang = source.line(1) if source.text.startswith("#!") else ""
        if not any(w.rpartition("/")[2] in _SHELLS for w in shebang.removeprefix("#!").split()):
            return False
        return self._run_script(command, source, Value.of(name), arguments[1:])

    def _shell(self, command: SimpleCommand, name: str, arguments: Sequence[Argument]) -> bool:
        options: list[str] = []
        rest = list(arguments)
        while rest and (rest[0].value.text or "").startswith("-") and rest[0].value.text not in ("-", "--"):
            options.append(rest.pop(0).value.text or "")
        letters = "".join(o[1:] for o in options if not o.startswith("--"))
        if not rest or "s" in letters or "o" in letters:
            return False
        if "c" in letters:
            text = rest[0].value.text
            if text is None:
                return False
            script = self.parsed(text, rest[0].span, inside=rest[0].span)
            if script is None:
                return True
            given = rest[2:]
            zero = rest[1].value if len(rest) > 1 else Value.of(name)
            self._as_child(command, script, zero, given, letters)
            return True
        text = rest[0].value.text
        path = self._interpreter.state.path(text) if text is not None else None
        source = self._interpreter.state.workspace.source(path) if path is not None else None
        return source is not None and self._run_script(command, source, rest[0].value, rest[1:], letters)

    def _run_script(
        self,
        command: SimpleCommand,
        source: SourceFile,
        name: Value,
        arguments: Sequence[Argument],
        letters: str = "",
    ) -> bool:
        script = self.read(source)
        if script is None:
            return False
        self._as_child(command, script, name, arguments, letters)
        return True

    def _as_child(
        self,
        command: SimpleCommand,
        script: Script,
        name: Value,
        arguments: Sequence[Argument],
        letters: str,
    ) -> None:
        """Another process: it sees the exported variables only, and nothing that it sets comes back."""
        interpreter = self._interpreter
        if len(interpreter.state.calls) > 20:
            interpreter.state.report(rules.SCRIPT_TOO_LONG, "scripts call each other more than 20 deep", command.span)
            return
        known, rest = self.given(arguments)

        def run() -> None:
            state = interpreter.state
            state.only_exported()
            state.positional, state.name = Positional(known=known, rest=rest), name
            state.functions, state.aliases, state.frames = {}, {}, ()
            state.options = frozenset({"errexit"} if "e" in letters else ())
            state.owner, state.tested = None, 0
            state.calls = (*state.calls, str(script.source.path))
            interpreter.script(script)

        interpreter.subshell(run, command.span)

    def read(self, source: SourceFile) -> Script | None:
        """Another script's tree; None where it can't be read, which is then said."""
        if source.path not in self._scripts:
            script, found = read_script(source)
            self._interpreter.diagnostics(found)
            self._scripts[source.path] = script
        return self._scripts[source.path]

    def run_text(self, value: Value, span: Span) -> None:
        """Commands that stand in a value (`eval`, `trap`)."""
        text = value.text
        if text is None:
            self._interpreter.state.report(rules.CONSTRUCT_NOT_TRACED, "the commands that run here are not known", span)
            return
        script = self.parsed(text, span, inside=span)
        if script is not None:
            self._interpreter.evaluated(script, span)

    def parsed(self, text: str, span: Span, *, inside: Span | None) -> Script | None:
        """`text` as shell. Where it stands as it is within the quotes of `inside`, its nodes have their own places there;
        else they all have that of `span`."""
        if not text.strip():
            return Script(source=SourceFile(path=span.file.path, text=text), statements=(), comments=())
        at = inside.text.find(text) if inside is not None and "\\" not in inside.text else -1
        start = inside.start + at if inside is not None and at >= 0 else 0
        prefix = " " * start if at >= 0 else ""
        script, found = read_script(SourceFile(path=span.file.path, text=prefix + text))
        if script is None:
            message = found[0].message if found else "these commands can't be read"
            self._interpreter.state.report(rules.CONSTRUCT_NOT_TRACED, message, span)
            return None
        place = None if at >= 0 else span
        return Script(
            source=SourceFile(path=span.file.path, text=text),
            statements=tuple(placed(s, span.file, place) for s in script.statements),
            comments=(),
        )
