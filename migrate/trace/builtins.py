"""The shell's own commands (Bash manual, 4): those that change the state, and those that ask."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from migrate import rules
from migrate.shell.syntax import SimpleCommand
from migrate.source import Span
from migrate.trace import arithmetic
from migrate.trace.commands import mentions_client
from migrate.trace.conditions import test
from migrate.trace.events import Argument, Harmless
from migrate.trace.splitting import split
from migrate.trace.state import SUCCESS, Positional, Status
from migrate.trace.values import EMPTY, Array, Stream, Text, Value

if TYPE_CHECKING:
    from migrate.trace.interpreter import Interpreter
    from migrate.trace.simple import SimpleCommands

_SET_LETTERS = {"e": "errexit", "f": "noglob", "a": "allexport"}
_SHOPT = {"nullglob", "dotglob", "extglob", "globstar", "nocaseglob", "failglob", "expand_aliases"}
_FAILS = Status(code=1)


class Builtins:
    """Runs one builtin at a time; `run` says whether it was one."""

    def __init__(self, interpreter: "Interpreter", commands: "SimpleCommands") -> None:
        self._interpreter = interpreter
        self._commands = commands
        self._table: Mapping[str, Callable[[SimpleCommand, tuple[Argument, ...]], None]] = {
            ":": self._true,
            "true": self._true,
            "false": self._false,
            "cd": self._cd,
            "chdir": self._cd,
            "pushd": self._pushd,
            "popd": self._popd,
            "dirs": self._true,
            "export": self._declare,
            "readonly": self._declare,
            "declare": self._declare,
            "typeset": self._declare,
            "local": self._declare,
            "unset": self._unset,
            "set": self._set,
            "shopt": self._shopt,
            "shift": self._shift,
            "read": self._read,
            "mapfile": self._mapfile,
            "readarray": self._mapfile,
            "getopts": self._getopts,
            "[": self._test,
            "test": self._test,
            "exit": self._exit,
            "return": self._return,
            "break": self._break,
            "continue": self._continue,
            "source": self._source,
            ".": self._source,
            "eval": self._eval,
            "trap": self._trap,
            "alias": self._alias,
            "unalias": self._unalias,
            "let": self._let,
            "umask": self._umask,
            "wait": self._true,
            "hash": self._true,
            "ulimit": self._true,
        }

    def run(self, command: SimpleCommand, name: str, arguments: tuple[Argument, ...]) -> bool:
        builtin = self._table.get(name)
        if builtin is None:
            return False
        builtin(command, arguments[1:])
        return True

    # statuses

    def _true(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        del arguments
        self._interpreter.state.status = Status(code=0, span=command.span)

    def _false(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        del arguments
        self._interpreter.state.status = Status(code=1, span=command.span)

    def _test(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        from migrate.trace.interpreter import status_of

        state = self._interpreter.state
        bracket = command.words and command.words[0].span.text == "["
        if bracket and (not arguments or arguments[-1].value.text != "]"):
            state.status = Status(code=2, span=command.span)
            return
        operands = arguments[:-1] if bracket else arguments
        if any(not a.certain for a in operands):
            state.status = Status(code=None, span=command.span)
            return
        state.status = status_of(test(state, [a.value for a in operands], command.span), command.span)

    # flow

    def _code(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> Status:
        if not arguments:
            return self._interpreter.state.status
        text = arguments[0].value.text
        code = int(text) % 256 if text is not None and re.fullmatch(r"[-+]?\d+", text) else None
        return Status(code=code, span=command.span)

    def _exit(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        state.emit(Harmless(span=command.span, command="exit", text=""), command)
        self._interpreter.exit(self._before(command, arguments), command.span)

    def _return(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        self._interpreter.return_(self._before(command, arguments), command.span)

    def _before(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> Status:
        """`exit` and `return` without a number keep the status of the command before."""
        return self._code(command, arguments) if arguments else self._commands.before

    def _break(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        self._leave(command, arguments, again=False)

    def _continue(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        self._leave(command, arguments, again=True)

    def _leave(self, command: SimpleCommand, arguments: tuple[Argument, ...], *, again: bool) -> None:
        levels = self._code(command, arguments).code if arguments else 1
        self._interpreter.state.status = SUCCESS
        self._interpreter.leave_loop(max(1, levels or 1), command.span, again=again)

    def _source(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        text = arguments[0].value.text if arguments else None
        path = state.path(text) if text is not None else None
        source = state.workspace.source(path) if path is not None and "/" in (text or "") else None
        if source is None and path is not None and state.shell != "sh":
            source = state.workspace.source(path)  # bash looks in the directory where PATH has none
        script = self._commands.read(source) if source is not None else None
        if script is None:
            self._not_sourced(command, text)
            return
        state.status = SUCCESS
        outer = state.positional
        if len(arguments) > 1:
            known, rest = self._commands.given(arguments[1:])
            state.positional = Positional(known=known, rest=rest)
        self._interpreter.sourced(script, command.span)
        if len(arguments) > 1:
            self._interpreter.state.positional = outer

    def _not_sourced(self, command: SimpleCommand, text: str | None) -> None:
        """A file that isn't there to be read may set anything; what isn't known of the environment stays so."""
        state = self._interpreter.state
        message = f"`{text}` is not a file of the repository: what it sets is not known"
        state.lose(message if text else "which file is read here is not known", command.span)

    def _eval(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        if not arguments:
            state.status = SUCCESS
            return
        text = arguments[0].value
        for argument in arguments[1:]:
            text = text + Value.of(" ") + argument.value
        self._commands.run_text(text, arguments[0].span if len(arguments) == 1 else command.span)

    def _trap(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        state.status = SUCCESS
        words = [a for a in arguments if a.value.text != "--"]
        if not words or words[0].value.text in ("-p", "-l"):
            return
        signals = {(a.value.text or "?").upper().removeprefix("SIG") for a in words[1:]}
        signals = {"EXIT" if s == "0" else s for s in signals}
        resets = words[0].value.text in ("-", "") or len(words) == 1
        kept = tuple(t for t in state.traps if t[0] not in signals)
        added = () if resets else tuple((s, words[0].value, words[0].span) for s in sorted(signals))
        if not resets and signals & {"DEBUG", "ERR", "RETURN"} and mentions_client(words[0].value.marked):
            message = "a trap that runs docker behind other commands is not followed"
            state.report(rules.CONSTRUCT_NOT_TRACED, message, command.span)
            return
        state.traps = kept + added

    # directories

    def _cd(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        words = [a for a in arguments if a.value.text not in ("-P", "-L", "--", "-e")]
        state.emit(Harmless(span=command.span, command="cd", text="", paths=self._commands.paths(words)), command)
        if len(words) != 1:
            self._go(None, command.span)
            if words:
                state.status = Status(code=1, span=command.span)
            return
        if words[0].value.text == "-":
            known = state.previous is not None
            self._go(state.previous, command.span)
            if not known:
                state.status = Status(code=None, span=command.span)
            return
        self._go_to(words[0].value, command.span)

    def _go_to(self, value: Value, span: Span) -> bool:
        """False where it is known to fail: then nothing changes."""
        state = self._interpreter.state
        if value.text == "":
            state.status = SUCCESS
            return True
        if "CDPATH" in state.variables:
            self._go(None, span)
            return True
        target = state.path(value.text) if value.text is not None else None
        if target is not None and state.workspace.is_directory(target) is False and not state.workspace.disturbed:
            link = state.workspace.is_link(target)
            if not link:
                state.status = Status(code=1, span=span, decided=True)
                return False
            target = None
        self._go(target, span)
        return True

    def _go(self, target: PurePosixPath | None, span: Span) -> None:
        state = self._interpreter.state
        state.previous, state.directory = state.directory, target
        known = target is not None and state.workspace.is_directory(target) is True
        state.status = Status(code=0 if known else None, span=span, presumed=True)

    def _pushd(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        words = [a for a in arguments if a.value.text != "-n"]
        here = state.directory
        text = words[0].value.text if words else None
        if not words or (text or "").startswith(("+", "-")) or text is None:
            first, rest = (state.stack[0], state.stack[1:]) if state.stack else (None, ())
            self._go(first if not words else None, command.span)
            state.stack = (here, *rest)
        elif self._go_to(words[0].value, command.span):
            state.stack = (here, *state.stack)
        state.print(state.unknown("output of `pushd`", command.span), command.span)

    def _popd(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        if arguments or not state.stack:
            self._go(None, command.span)
            return
        target, state.stack = state.stack[0], state.stack[1:]
        self._go(target, command.span)
        state.print(state.unknown("output of `popd`", command.span), command.span)

    # variables

    def _declare(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        verb = command.words[0].span.text
        state.status = SUCCESS
        options = {c for a in arguments if a.value.marked.startswith("-") for c in a.value.marked[1:]}
        removed = {c for a in arguments if a.value.marked.startswith("+") for c in a.value.marked[1:]}
        if verb == "local" and not state.frames:
            state.status = Status(code=1, span=command.span)
            return
        local = verb == "local" or (verb in ("declare", "typeset") and state.frames and "g" not in options)
        if options & {"n", "f", "F", "p"}:
            self._listed(command, arguments, options)
            return
        for assignment in command.declared:
            if local:
                state.declare_local(assignment.name)
                state.variables[assignment.name] = None
            if "A" in options:
                state.variables[assignment.name] = Array(items=(), associative=True)
            self._commands.assign(assignment)
            self._marked(assignment.name, verb, options, removed)
        for argument in arguments:
            self._declared(argument, verb, options, removed, local=bool(local))

    def _listed(self, command: SimpleCommand, arguments: tuple[Argument, ...], options: set[str]) -> None:
        state = self._interpreter.state
        state.status = Status(code=None, span=command.span)
        if "n" in options:
            for argument in arguments:
                name = argument.value.marked.partition("=")[0]
                if name.isidentifier():
                    state.forget([name], argument.span)

    def _declared(self, argument: Argument, verb: str, options: set[str], removed: set[str], *, local: bool) -> None:
        state = self._interpreter.state
        match = re.match(r"([A-Za-z_]\w*)(\+?)(=?)", argument.value.marked)
        if match is None or (match.end() < len(argument.value.marked) and not match[3]):
            return
        name, append, equals = match.groups()
        self._commands.check_client(name, argument.span) if equals else None
        if local:
            inherited = name in state.variables and state.frames and name in state.frames[-1].names
            state.declare_local(name)
            if not equals and not inherited:
                state.variables[name] = None
        array = options & {"a", "A"}
        if array and (not isinstance(state.variables.get(name), Array)):
            state.variables[name] = Array(items=(), associative="A" in options)
        if equals:
            value = argument.value.slice(match.end())
            if array:
                state.forget([name], argument.span)
                return
            before = state.lookup(name, argument.span) if append else EMPTY
            text = (before if isinstance(before, Value) else EMPTY) + value
            for letter in options & {"i", "u", "l", "c"}:
                state.set_option(f"{letter}:{name}", on=True)
            state.assign(name, self._commands.attributed(name, text, argument.span))
        else:
            for letter in options & {"i", "u", "l", "c"}:
                state.set_option(f"{letter}:{name}", on=True)
        self._marked(name, verb, options, removed)

    def _marked(self, name: str, verb: str, options: set[str], removed: set[str]) -> None:
        state = self._interpreter.state
        if verb == "export" or "x" in options:
            state.exported = state.exported | {name} if "n" not in options else state.exported - {name}
        if "x" in removed:
            state.exported -= {name}

    def _unset(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        state.status = SUCCESS
        functions = any(a.value.text == "-f" for a in arguments)
        for argument in arguments:
            text = argument.value.text
            if text is None:
                state.report(rules.CONSTRUCT_NOT_TRACED, "which name is unset here is not known", command.span)
                return
            if text.startswith("-"):
                continue
            element = re.fullmatch(r"(\w+)\[(.+)\]", text)
            if functions:
                state.functions.pop(text, None)
            elif element:
                self._unset_element(element[1], element[2], argument.span)
            elif text in state.functions and text not in state.variables:
                state.functions.pop(text)
            else:
                state.variables[text] = None
                state.exported -= {text}

    def _unset_element(self, name: str, index: str, span: Span) -> None:
        state = self._interpreter.state
        held = state.variables.get(name)
        key = self._interpreter.expander().key(index, span, held)
        if isinstance(held, Array) and key is not None:
            state.variables[name] = held.without(key)
        else:
            state.forget([name], span)

    def _set(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        state.status = SUCCESS
        rest = list(arguments)
        while rest:
            text = rest[0].value.text
            if text is None or not text.startswith(("-", "+")) or text in ("-", "+"):
                break
            word = rest.pop(0)
            if text == "--":
                self._positional(rest, command)
                return
            on = text[0] == "-"
            for letter in text[1:]:
                if letter == "o":
                    if rest:
                        state.set_option(rest.pop(0).value.text or "", on=on)
                elif letter in _SET_LETTERS:
                    state.set_option(_SET_LETTERS[letter], on=on)
                elif letter in "nr":
                    state.report(rules.CONSTRUCT_NOT_TRACED, f"`set {text}` is not followed", word.span)
        if rest:
            self._positional(rest, command)

    def _positional(self, arguments: Sequence[Argument], command: SimpleCommand) -> None:
        del command
        known, rest = self._commands.given(arguments)
        self._interpreter.state.positional = Positional(known=known, rest=rest)

    def _shift(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        count = self._code(command, arguments).code if arguments else 1
        positional = state.positional
        if count is None:
            state.positional = Positional(rest=state.log.fresh() + 1000)
        elif positional.rest is None and count > len(positional.known):
            state.status = Status(code=1, span=command.span)
            return
        else:
            sure = count <= len(positional.known)
            state.positional = positional.shifted(count)
            state.status = SUCCESS if sure else Status(code=None, span=command.span)
            return
        state.status = Status(code=None, span=command.span)

    def _shopt(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        state.status = Status(code=0, span=command.span)
        flags = "".join(a.value.text or "" for a in arguments if a.value.marked.startswith("-"))
        for argument in arguments:
            name = argument.value.text
            if name in _SHOPT or ("o" in flags and name):
                state.set_option(name, on="s" in flags)

    def _umask(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        self._interpreter.state.status = SUCCESS
        if arguments:
            message = "`umask` changes the modes of files that may land in an image"
            self._interpreter.state.report(rules.CONSTRUCT_NOT_TRACED, message, command.span)

    # reading

    def _read(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        names: list[str] = []
        raw, array, plain = False, None, True
        rest = list(arguments)
        while rest:
            text = rest.pop(0).value.text or ""
            if not text.startswith("-") or text == "-":
                names.append(text)
                continue
            raw = raw or "r" in text[1:]
            if text[-1] in "adinNptu" and len(text) > 1:
                operand = rest.pop(0).value.text if rest else None
                array = operand if text[-1] == "a" else array
                plain = plain and text[-1] in "ap"
        state.status = Status(code=None, span=command.span)
        targets = [*names, *([array] if array else [])] or ["REPLY"]
        line = self._line(raw=raw) if plain else None
        if line is None:
            if plain is False:
                state.stdin = None
            state.forget([n for n in targets if n.isidentifier()], command.span)
            return
        value, whole = line
        state.status = Status(code=0 if whole else 1, span=command.span)
        self._store(value, names, array, command.span)

    def _line(self, *, raw: bool) -> tuple[Value, bool] | None:
        """The next line of standard input, and whether a line end closed it; None where it isn't known."""
        state = self._interpreter.state
        stdin = state.stdin
        if stdin is None or isinstance(stdin, Stream):
            return None
        marked = stdin.marked
        end = marked.find("\n")
        line = stdin if end < 0 else stdin.slice(0, end)
        if (not raw and "\\" in line.marked) or any(
            not isinstance(p, Text) and not hasattr(p, "number") for p in line.parts
        ):
            state.stdin = None
            return None
        if any(hasattr(p, "origin") for p in stdin.parts):
            state.stdin = None  # what isn't known may hold line ends
            return None
        state.stdin = EMPTY if end < 0 else stdin.slice(end + 1)
        return line, end >= 0

    def _store(self, line: Value, names: list[str], array: str | None, span: Span) -> None:
        state = self._interpreter.state
        if not names and array is None:
            state.assign("REPLY", line)
            return
        ifs = state.lookup("IFS", span)
        separators = ifs if isinstance(ifs, Value) else Value.of(" \t\n")
        if separators.text is None or line.text is None:
            state.forget([*names, *([array] if array else [])], span)
            return
        blanks = "".join(c for c in separators.text if c in " \t\n")
        text = line.text.strip(blanks) if blanks else line.text
        if array is not None:
            pieces = [c for c in split(Value.of(text), separators) if c is not None]
            state.assign(array, Array(items=tuple((str(i), v) for i, v in enumerate(pieces))))
            return
        others = [c for c in separators.text if c not in " \t\n"]
        for index, name in enumerate(names):
            last = index == len(names) - 1
            if last:
                value = text
                if others and text[-1:] in others and not any(c in text[:-1] for c in separators.text):
                    value = text[:-1]
                text = ""
            else:
                value, text = _first_field(text, blanks, others)
            state.assign(name, Value.of(value))

    def _mapfile(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        words = [a.value.text or "" for a in arguments]
        name = words[-1] if words and words[-1].isidentifier() else "MAPFILE"
        text = state.stdin.text if isinstance(state.stdin, Value) else None
        state.status = SUCCESS
        plain = all(w in ("-t", name) for w in words)
        if text is None or not plain:
            state.forget([name], command.span)
            state.stdin = None
            return
        lines = text.splitlines(keepends="-t" not in words)
        state.assign(name, Array(items=tuple((str(i), Value.of(t)) for i, t in enumerate(lines))))
        state.stdin = EMPTY

    def _getopts(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        names = [a.value.text for a in arguments[1:2]]
        positional = state.positional
        if len(arguments) == 2 and positional.rest is None:
            first = next(iter(positional.known), EMPTY).text
            if first is not None and not first.startswith("-") and "OPTIND" not in state.variables:
                state.status = Status(code=1, span=command.span)
                if names[0]:
                    state.assign(names[0], Value.of("?"))
                return
        state.forget([n for n in (*names, "OPTARG", "OPTIND") if n], command.span)
        state.status = Status(code=None, span=command.span)

    def _let(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        state.status = SUCCESS
        for argument in arguments:
            text = argument.value.text
            try:
                if text is None:
                    raise arithmetic.UnknownError
                value = self._interpreter.expander().number(text, argument.span)
                state.status = Status(code=int(value == 0), span=command.span)
            except arithmetic.UnknownError:
                state.forget(re.findall(r"[A-Za-z_]\w*", argument.value.marked), argument.span)
                state.status = Status(code=None, span=command.span)
            except arithmetic.FailureError:
                state.status = Status(code=1, span=command.span)

    # aliases

    def _alias(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        state = self._interpreter.state
        state.status = SUCCESS
        for argument in arguments:
            name, equals, text = argument.value.marked.partition("=")
            if not equals:
                continue
            if "\0" in text:
                state.report(
                    rules.CONSTRUCT_NOT_TRACED, f"what the alias `{name}` stands for is not known", command.span
                )
            else:
                state.aliases[name] = (text, command.span)

    def _unalias(self, command: SimpleCommand, arguments: tuple[Argument, ...]) -> None:
        del command
        state = self._interpreter.state
        state.status = SUCCESS
        for argument in arguments:
            if argument.value.text == "-a":
                state.aliases.clear()
            state.aliases.pop(argument.value.marked, None)


def _first_field(text: str, blanks: str, others: Sequence[str]) -> tuple[str, str]:
    """`read`'s first field and the rest of the line."""
    blank = f"[{re.escape(blanks)}]" if blanks else "(?!)"
    other = f"[{re.escape(''.join(others))}]" if others else "(?!)"
    match = re.search(f"{blank}*{other}{blank}*|{blank}+", text)
    return (text, "") if match is None else (text[: match.start()], text[match.end() :])
