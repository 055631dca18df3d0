"""Phase 2: shell tree → events. Input: a script and the repository it stands in. Output: a Trace.

An abstract interpreter: what is known is followed as bash would, what isn't is followed both ways, each event carrying the
conditions under which it happens. Nothing is started; only files of the repository are read.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import assert_never

from migrate import rules
from migrate.diagnostics import Diagnostic
from migrate.discover import Repository
from migrate.shell.syntax import (
    AndOr,
    ArithmeticCommand,
    ArithmeticFor,
    Case,
    CaseItem,
    Command,
    CommandSubstitution,
    For,
    Function,
    Group,
    If,
    Pipeline,
    Quoting,
    Redirection,
    Script,
    SimpleCommand,
    Statement,
    Subshell,
    Test,
    Unreadable,
    While,
    Word,
)
from migrate.source import SourceFile, Span
from migrate.trace.commands import mentions_client, simple_commands
from migrate.trace.conditions import Verdict, double_bracket
from migrate.trace.events import Condition, ConditionKind, Opaque, Trace
from migrate.trace.expand import Expander, Field
from migrate.trace.holes import with_holes
from migrate.trace.loops import Loops
from migrate.trace.patterns import SPECIAL, to_regex
from migrate.trace.redirections import Redirected
from migrate.trace.simple import SimpleCommands
from migrate.trace.state import (
    SUCCESS,
    End,
    Exits,
    Frame,
    Log,
    Positional,
    State,
    Status,
    UnendingError,
    join,
    join_all,
)
from migrate.trace.values import EMPTY, Output, Text, TooLongError, Value
from migrate.trace.workspace import Workspace

MAX_COMMANDS = 20_000
"""Commands that are gone through, those of loops and functions counted each time: a bound in time (about two seconds)."""
FORK = 5
"""What going both ways counts for, in commands: states are copied and joined."""
MAX_CALLS = 40
"""Calls within calls."""


def trace(
    script: Script,
    repository: Repository,
    *,
    directory: PurePosixPath,
    name: str,
    arguments: tuple[str, ...] | None = None,
    environment: Mapping[str, str] | None = None,
    bare: bool = False,
    driver: SourceFile | None = None,
    unknowns: tuple[str, ...] = (),
    afresh: tuple[Span, ...] = (),
) -> Trace:
    """Follow `script`, started in `directory` as `name` (its `$0`). `driver` is the file that it stands for, where it is no file
    itself (the command that starts make); `unknowns` are what the holes in it stand for. The commands at `afresh` are started
    among the files as they were found.

    `arguments` are its positional parameters (None: not known). `environment` holds what is known of it; a name that is
    neither there nor set by the script is unknown; with `bare` it is taken not to be set.
    """
    log = Log(bare=bare, afresh=frozenset(afresh))
    for expression in unknowns:
        log.holes.text(Value.unknown(f"`{expression}`", script.source.span(0, 0)))
    script = replace(script, statements=with_holes(script.statements, script.source))
    known = {key: Value.of(value) for key, value in (environment or {}).items()}
    given = Positional(rest=1) if arguments is None else Positional(known=tuple(map(Value.of, arguments)))
    state = State(
        log=log,
        workspace=Workspace(repository=repository, root=PurePosixPath(repository.root.absolute()), overlay={}),
        directory=directory,
        variables=dict(known),
        exported=frozenset(known),
        positional=given,
        name=Value.of(name),
    )
    interpreter = Interpreter(state)
    try:
        interpreter.script(script)
    except UnendingError as error:
        state.report(rules.SCRIPT_TOO_LONG, error.reason, error.span)
    except TooLongError:
        state.report(rules.SCRIPT_TOO_LONG, "a variable grows without end", interpreter.place)
    except RecursionError:
        state.report(rules.SCRIPT_TOO_LONG, "the script is nested too deeply to be followed", script.source.span(0, 0))
    end = interpreter.state
    return Trace(
        source=driver or script.source,
        pieces=tuple(state.log.pieces.values()),
        composed=dict(state.log.composed),
        unset=tuple(state.log.unset.items()),
        targets=tuple(state.log.targets),
        steps=tuple(state.log.steps),
        remaining=tuple(sorted({*log.left, *end.workspace.carried})),
        unreached=tuple(_unreached(script, state.log.reached))
        if driver is None and (state.log.assumed or known or arguments is not None or bare)
        else (),
        diagnostics=tuple(state.log.diagnostics),
    )


def _unreached(script: Script, reached: set[tuple[PurePosixPath, int]]) -> Iterable[SimpleCommand]:
    for statement in script.statements:
        if not mentions_client(statement.span.text):
            continue
        for command in simple_commands(statement):
            if (script.source.path, command.span.start) not in reached and mentions_client(command.span.text):
                yield command


class Interpreter:
    """Goes through a tree with one state at a time. Where ways part, each has a state of its own; `state` is the present."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._ends: list[Exits] = []
        self._returns: list[Exits] = []
        self.loops: list[tuple[Exits, Exits]] = []
        self._simple = SimpleCommands(self)
        self._looping = Loops(self)
        self.place: Span
        """The command that was come to last."""

    # ways

    def both(
        self, status: Status, yes: Callable[[], None], no: Callable[[], None], place: Span, *, lenient: bool = False
    ) -> None:
        """Go one way or the other as `status` says; both where it isn't known. With `lenient`, a status that is only presumed
        to be success counts as one, and the other way is not gone."""
        if status.code is not None:
            way = yes if status.code == 0 else no
            if status.decided:
                self.state.log.assumed = True
                self._under(self._asked(status, place, holds=status.code == 0, decided=True), way)
            else:
                way()
            return
        if status.presumed is not None and lenient:
            (yes if status.presumed else no)()
            return
        self._count(place, FORK)
        asked = self._asked(status, place, holds=True)
        expected = status.presumed
        outer = self.state.conditions
        ends = []
        for one, holds, way in ((self.state, True, yes), (self.state.copy(), False, no)):
            self.state = one
            if expected is not holds:
                kind = ConditionKind.TEST if expected is None else ConditionKind.FAILURE
                self.state.under(replace(asked, holds=holds, kind=kind))
            self.state.status = status if holds else Status(code=1, span=status.span)
            if holds and expected is None:
                self.state.status = Status(code=0, span=status.span)
            way()
            ends.append(self.state)
        self._joined(ends[0], ends[1], outer, place, expected=expected)

    def _joined(
        self, left: State, right: State, outer: tuple[Condition, ...], place: Span, *, expected: bool | None
    ) -> None:
        """Behind both ways. Where one of them ended the script, what follows holds for the other only; that docker works is
        no such thing. The files are those of the way that is expected."""
        unexpected_dead = {True: right.dead, False: left.dead, None: False}[expected]
        restores = left.dead == right.dead or unexpected_dead
        self.state = join(left, right, place)
        taken = {True: left, False: right, None: None}[expected]
        if taken is not None and not left.dead and not right.dead:
            self.state.workspace = taken.workspace
        if restores:
            self.state.conditions = outer

    def _asked(self, status: Status, place: Span, *, holds: bool, decided: bool = False) -> Condition:
        span = status.span or place
        number = 0 if decided else self.state.log.fresh()
        return Condition(span=span, kind=ConditionKind.TEST, holds=holds, decided=decided, number=number)

    def _under(self, condition: Condition, way: Callable[[], None]) -> None:
        self.state.under(condition)
        way()
        self.state.conditions = tuple(c for c in self.state.conditions if c is not condition)

    def exits(self) -> list[Exits]:
        """Every place to which a way may leave."""
        return [*self._ends, *self._returns, *(e for pair in self.loops for e in pair)]

    def _leave(self, exits: Exits, place: Span) -> None:
        state = self.state
        if state.dead:
            return
        kinds = {c.kind for c in state.conditions if not c.decided}
        if kinds and ConditionKind.FAILURE not in kinds:
            condition = Condition(span=place, kind=ConditionKind.END, number=state.log.fresh())
            state.ended = (*state.ended, End(condition, state.conditions, exits.scope))
        exits.add(state)
        state.dead = True

    def exit(self, status: Status, place: Span) -> None:
        self.state.status = status
        self._leave(self._ends[-1], place)

    def return_(self, status: Status, place: Span) -> None:
        self.state.status = status
        self._leave(self._returns[-1] if self._returns else self._ends[-1], place)

    def leave_loop(self, levels: int, place: Span, *, again: bool) -> None:
        """`break` and `continue`; outside a loop they do nothing."""
        if self.loops:
            frame = self.loops[-min(levels, len(self.loops))]
            self._leave(frame[1] if again else frame[0], place)

    # scripts, functions, subshells

    def script(self, script: Script) -> None:
        """A whole script, to its end; then its EXIT trap."""
        shebang = script.source.line(1) if script.source.text.startswith("#!") else ""
        self.state.log.pieces.setdefault(script.source, script)
        self.state.shell = "sh" if shebang and not any(s in shebang for s in ("bash", "zsh", "ksh")) else "bash"
        for option in _shebang_options(shebang):
            self.state.set_option(option, on=True)
        self._ends.append(Exits(self.state))
        returns, self._returns = self._returns, []
        self.statements(script.statements)
        self._returns = returns
        self._finish(script.source.whole(), whole=True)

    def _finish(self, place: Span, *, whole: bool = False) -> None:
        """Join the ways in which a script or subshell ends, and run what it trapped. A `whole` script is taken to succeed
        where it can."""
        ends = self._ends.pop().states
        if not self.state.dead:
            ends = [self.state, *ends]
        good = [e for e in ends if e.status.holds is not False] or ends if whole else ends
        joined = join_all(good, place)
        if joined is None:
            return
        if whole and len(good) < len(ends):
            joined.status = Status(code=None, span=place, presumed=True)
        self.state = joined
        self._run_traps(place)

    def _run_traps(self, place: Span) -> None:
        """What `trap` set: for EXIT always, for signals as what may run."""
        status = self.state.status
        for signal, text, span in self.state.traps:
            self.state.traps = ()
            self._ends.append(Exits(self.state))
            if signal == "EXIT":
                self._simple.run_text(text, span)
            else:
                condition = Condition(span=span, kind=ConditionKind.FAILURE, number=self.state.log.fresh())
                aside = self.state
                self.state = aside.copy()
                self._under(condition, lambda t=text, s=span: self._simple.run_text(t, s))  # type: ignore[misc]
                self.state = aside
            ends = self._ends.pop().states
            self.state = join_all([self.state, *ends], place) or self.state
        self.state.status = status

    def subshell(self, run: Callable[[], None], place: Span, *, captured: bool = False) -> Output:
        """Run in a copy: files and containers stay changed, all else comes back. Returns what it printed, where that is
        `captured`."""
        outer = self.state
        inner = outer.copy()
        inner.traps = ()
        if captured:
            inner.out = EMPTY
        self.state = inner
        loops, self.loops = self.loops, []
        returns, self._returns = self._returns, []
        self._ends.append(Exits(inner))
        run()
        self._finish(place)
        self.loops, self._returns = loops, returns
        end, self.state = self.state, outer
        outer.workspace, outer.containers, outer.stdin = end.workspace, end.containers, end.stdin
        outer.status = end.status
        printed = end.out if end.out is not None else EMPTY
        if not captured:
            outer.out = end.out
        return printed

    def call(self, function: Function, arguments: tuple[Value, ...], rest: int | None, place: Span) -> None:
        """A function with its arguments."""
        state = self.state
        outer, owner, calls = state.positional, state.owner, state.calls
        self._enter(function.name, place)
        state.positional = Positional(known=arguments, rest=rest)
        state.frames = (*state.frames, Frame())
        loops, self.loops = self.loops, []
        returns = Exits(state)
        self._returns.append(returns)
        self.command(function.body)
        self._returns.pop()
        ends = returns.states
        self.loops = loops
        for end in (*ends, self.state):
            end.leave_function()
            end.positional, end.owner, end.calls = outer, owner, calls
        ends.append(self.state)
        self.state = join_all(ends, place) or self.state
        self.state.forget_ends(returns.scope)

    def sourced(self, script: Script, place: Span) -> None:
        """`. file`: in the present state; `return` ends it."""
        owner, calls = self.state.owner, self.state.calls
        self.state.log.pieces.setdefault(script.source, script)
        self._enter(str(script.source.path), place)
        returns = Exits(self.state)
        self._returns.append(returns)
        self.statements(script.statements)
        self._returns.pop()
        self.state = join_all([self.state, *returns.states], place) or self.state
        self.state.forget_ends(returns.scope)
        self.state.owner, self.state.calls = owner, calls

    def evaluated(self, script: Script, place: Span) -> None:
        """`eval`: in the present state, as a part of the command that says it."""
        owner, calls = self.state.owner, self.state.calls
        self._enter("eval", place)
        self.state.owner = owner
        self.statements(script.statements)
        self.state.owner, self.state.calls = owner, calls

    def _enter(self, name: str, place: Span) -> None:
        """One level of calls down. Raises UnendingError."""
        state = self.state
        if len(state.calls) >= MAX_CALLS:
            raise UnendingError(place, f"`{name}` is called more than {MAX_CALLS} times within itself")
        state.calls = (*state.calls, name)
        state.owner = None

    # statements

    def statements(self, body: Sequence[Statement]) -> None:
        for statement in body:
            if self.state.dead:
                return
            self.statement(statement)

    def statement(self, statement: Statement) -> None:
        command = statement.command
        log, workspace = self.state.log, self.state.workspace
        if log.afresh and statement.span in log.afresh:
            log.left |= set(workspace.carried)
            self.state.workspace = Workspace(repository=workspace.repository, root=workspace.root, overlay={})
        if not statement.background:
            self.command(command)
            return
        condition = Condition(span=command.span, kind=ConditionKind.BACKGROUND, number=self.state.log.fresh())

        def run() -> None:
            self.state.under(condition)
            self.command(command)

        self.subshell(run, command.span)
        self.state.status = SUCCESS

    def command(self, command: Command) -> None:
        """Go through a command; afterwards `state.status` is how it ended."""
        match command:
            case SimpleCommand():
                self._count(command.span)
                self._simple.run(command)
                self.errexit(command.span)
            case AndOr():
                self._and_or(command)
            case Pipeline():
                self._pipeline(command)
            case Function(name=name):
                self.state.functions[name] = command
                self.state.status = SUCCESS
            case Unreadable(reason=reason, span=span, told=told):
                if not told:
                    self.state.report(rules.CONSTRUCT_NOT_TRACED, reason, span)
                self.state.lose("a part of the script before this can't be read: what it sets is not known", span)
                self.state.status = Status(code=None, span=span, presumed=True)
            case _:
                self._count(command.span)
                with Redirected(self, command.redirections) as redirected:
                    if not redirected.failed:
                        self._compound(command)

    def _compound(
        self, command: Group | Subshell | If | For | ArithmeticFor | While | Case | Test | ArithmeticCommand
    ) -> None:
        match command:
            case Group(body=body):
                self.statements(body)
            case Subshell(body=body, span=span):
                self.subshell(lambda: self.statements(body), span)
                self.errexit(span)
            case If():
                self._if(command, 0)
            case For(is_select=True):
                self._looping.unknown(command.body, command.span, [command.name])
            case For():
                self._looping.words(command)
            case ArithmeticFor():
                self._looping.arithmetic(command)
            case While():
                self._looping.condition(command)
            case Case():
                self._case(command)
            case Test(words=words, span=span):
                verdict = Verdict(value=None)
                if self.state.shell != "sh":
                    verdict = double_bracket(self.state, self.expander(), words)
                self.state.status = status_of(verdict, span)
                self.errexit(span)
            case ArithmeticCommand(text=text, span=span):
                self.state.status = self._looping.calculated(text, span)
                self.errexit(span)
            case _:
                assert_never(command)

    def _count(self, span: Span, weight: int = 1) -> None:
        log = self.state.log
        log.commands += weight
        self.place = span
        log.reached.add((span.file.path, span.start))
        if log.commands > MAX_COMMANDS:
            raise UnendingError(span, f"more than {MAX_COMMANDS} commands are run before the script comes to its end")

    def errexit(self, span: Span) -> None:
        """`set -e`: a command that failed ends the script; one that may have is taken to have succeeded from here on."""
        state = self.state
        if "errexit" not in state.options or state.tested or state.dead:
            return
        if state.status.holds is False:
            if len(self._ends) == 1 and all(c.decided for c in state.conditions):
                state.report(rules.LEGACY_BUILD_FAILS, "the script ends here: this fails, and `set -e` holds", span)
            self.exit(state.status, span)
        elif state.status.holds is None:
            asked = self._asked(state.status, span, holds=True)
            here, self.state = state, state.copy()
            self.state.under(replace(asked, holds=False))
            self.exit(Status(code=1, span=span), span)
            here.ended, self.state = self.state.ended, here
            here.under(asked)
            here.status = SUCCESS

    def asking(self, run: Callable[[], None]) -> Status:
        """Run what is only asked for its status: `set -e` doesn't count there."""
        self.state.tested += 1
        run()
        self.state.tested -= 1
        return self.state.status

    def _and_or(self, node: AndOr) -> None:
        first, *rest = node.commands
        tests = self.asking if rest else _plainly
        tests(lambda: self.command(first))
        for index, (operator, command) in enumerate(zip(node.operators, rest, strict=True)):
            if self.state.dead:
                return
            last = index == len(rest) - 1
            status = self.state.status
            tests = _plainly if last else self.asking

            def run(command: Command = command, tests: Callable[[Callable[[], None]], object] = tests) -> None:
                tests(lambda: self.command(command))

            if operator == "&&":
                self.both(status, run, self._nothing, node.span, lenient=True)
            else:
                self.both(status, self._nothing, run, node.span)

    def _nothing(self) -> None:
        """The way that does nothing keeps the status that it was chosen for."""

    def _pipeline(self, node: Pipeline) -> None:
        if node.negated:
            self.asking(lambda: self._stages(node))
            self.state.status = _negated(self.state.status)
            return
        self._stages(node)
        if len(node.commands) > 1:
            self.errexit(node.span)

    def _stages(self, node: Pipeline) -> None:
        if len(node.commands) == 1:
            self.command(node.commands[0])
            return
        state = self.state
        stdin, incoming = state.stdin, state.stdin
        statuses = []
        for index, command in enumerate(node.commands):
            state.stdin = incoming
            last = index == len(node.commands) - 1

            def run(command: Command = command) -> None:
                self.state.tested += 1
                self.command(command)

            printed = self.subshell(run, command.span, captured=not last)
            incoming = printed
            statuses.append(state.status)
        state.stdin = stdin
        if "pipefail" in state.options:
            state.status = _pipefail(statuses, node.span)
        else:
            state.status = replace(statuses[-1], span=node.span)

    def _if(self, node: If, index: int) -> None:
        if index == len(node.branches):
            if node.otherwise is not None:
                self.statements(node.otherwise)
            else:
                self.state.status = SUCCESS
            return
        branch = node.branches[index]
        self.asking(lambda: self.statements(branch.condition))
        if not self.state.dead:
            status = replace(self.state.status, span=_condition_span(branch.condition))
            self.both(status, lambda: self.statements(branch.body), lambda: self._if(node, index + 1), node.span)

    def _case(self, node: Case) -> None:
        subject = self.expander().text(node.subject)
        self.state.status = SUCCESS
        self._item(node, subject, 0)

    def _item(self, node: Case, subject: Value, index: int) -> None:
        if index == len(node.items) or self.state.dead:
            return
        item = node.items[index]
        matches = self._matches(item, subject)
        status = Status(code=None if matches is None else int(not matches), span=item.patterns[0].span)
        self.both(
            status,
            lambda: self._item_body(node, subject, index),
            lambda: self._other_items(node, subject, index),
            node.span,
        )

    def _other_items(self, node: Case, subject: Value, index: int) -> None:
        self.state.status = SUCCESS
        self._item(node, subject, index + 1)

    def _item_body(self, node: Case, subject: Value, index: int) -> None:
        item = node.items[index]
        self.state.status = SUCCESS
        self.statements(item.body)
        if self.state.dead or index + 1 == len(node.items):
            return
        if item.terminator == ";&":
            self._item_body(node, subject, index + 1)
        elif item.terminator == ";;&":
            self._item(node, subject, index + 1)

    def _matches(self, item: CaseItem, subject: Value) -> bool | None:
        """Whether one of an item's patterns matches; None where that isn't known."""
        known: bool | None = False
        for word in item.patterns:
            pieces = self.expander().pattern(word)
            if pieces == [("*", False)]:
                return True
            if pieces is None or "extglob" in self.state.options:
                known = None
            elif subject.text is None:
                known = known if _cannot_match(pieces, subject) else None
            elif to_regex(pieces).fullmatch(subject.text):
                return True if known is False else None
        return known

    # words

    def expander(self) -> Expander:
        return Expander(self.state, self.substitute)

    def file_names(self, pattern: str, state: State) -> list[str] | None:
        """The names that a pattern matches where `state` stands; None where that isn't known."""
        return Expander(state, self.substitute).file_names(pattern)

    def fields(self, words: Iterable[Word]) -> list[tuple[Field, Span]]:
        """The fields of several words, each with the span of the word it came from."""
        return [(field, word.span) for word in words for field in self.expander().fields(word)]

    def substitute(self, part: CommandSubstitution) -> Value:
        """What `$( … )` comes to: what its commands print, without the line ends behind it."""
        from_file = self._read_whole(part)
        if from_file is not None:
            return from_file
        body = self._escaped(part) or part.body

        def run() -> None:
            if self.state.shell != "sh":
                self.state.set_option("errexit", on=False)
            self.statements(body)

        printed = self.subshell(run, part.span, captured=True)
        if not isinstance(printed, Value):
            return self.state.unknown(f"`{part.span.text}`", part.span)
        return stripped(printed)

    def _escaped(self, part: CommandSubstitution) -> tuple[Statement, ...] | None:
        """Backticks with backslashes in them (nested ones): one level of escapes goes before they are read."""
        only = part.body[0].command if len(part.body) == 1 else None
        if not isinstance(only, Unreadable) or not part.span.text.startswith("`"):
            return None
        escapes = r"\\([\\`$\"])" if part.quoting is Quoting.DOUBLE else r"\\([\\`$])"
        script = self._simple.parsed(re.sub(escapes, r"\1", part.span.text[1:-1]), part.span, inside=None)
        return script.statements if script is not None else None

    def _read_whole(self, part: CommandSubstitution) -> Value | None:
        """`$(< file)`."""
        command = part.body[0].command if len(part.body) == 1 else None
        if (
            not isinstance(command, SimpleCommand)
            or command.words
            or command.assignments
            or len(command.redirections) != 1
        ):
            return None
        redirection: Redirection = command.redirections[0]
        if redirection.operator != "<" or redirection.target is None or self.state.shell == "sh":
            return None
        name = self.expander().text(redirection.target).text
        path = self.state.path(name) if name is not None else None
        text = self.state.workspace.text(path) if path is not None else None
        self.state.status = SUCCESS
        return stripped(text) if text is not None else self.state.unknown(f"`{part.span.text}`", part.span)

    def opaque(self, command: SimpleCommand, name: str) -> None:
        """A command of which it isn't known what it does."""
        state = self.state
        state.emit(Opaque(span=command.span, command=name, artifacts=state.workspace.carried), command)
        state.workspace = state.workspace.after_unknown(command.span)
        state.stdin = None

    def diagnostics(self, found: Iterable[Diagnostic]) -> None:
        for diagnostic in found:
            if diagnostic not in self.state.log.diagnostics:
                self.state.log.diagnostics.append(diagnostic)


def status_of(verdict: Verdict, span: Span) -> Status:
    if verdict.presumed:
        return Status(code=None, span=span, presumed=verdict.value)
    if verdict.failed:
        return Status(code=2, span=span)
    code = None if verdict.value is None else int(not verdict.value)
    return Status(code=code, span=span, decided=verdict.by_files and code is not None)


def stripped(value: Value) -> Value:
    """Without the line ends behind it, as a substitution comes to."""
    while value.parts and isinstance(value.parts[-1], Text) and value.parts[-1].text.endswith("\n"):
        shorter = value.parts[-1].text.rstrip("\n")
        value = Value(parts=(*value.parts[:-1], *((Text(text=shorter),) if shorter else ())))
    return value


def _plainly(run: Callable[[], None]) -> None:
    run()


def _negated(status: Status) -> Status:
    if status.code is not None:
        return replace(status, code=int(status.code == 0))
    return replace(status, presumed=None if status.presumed is None else not status.presumed)


def _pipefail(statuses: Sequence[Status], span: Span) -> Status:
    failed = [s for s in statuses if s.holds is False]
    if failed:
        return replace(failed[-1], span=span)
    if all(s.code == 0 for s in statuses):
        return Status(code=0, span=span)
    return Status(code=None, span=span, presumed=True if all(s.holds for s in statuses) else None)


def _condition_span(condition: Sequence[Statement]) -> Span:
    first, last = condition[0].span, condition[-1].span
    return first.file.span(first.start, last.end)


def _cannot_match(pieces: Sequence[tuple[str, bool]], subject: Value) -> bool:
    """Whether a subject with unknown parts can't match a pattern without special characters."""
    if any(SPECIAL.search(text) for text, quoted in pieces if not quoted):
        return False
    literal = "".join(text for text, _ in pieces)
    expression = "".join(".*" if c == "\0" else re.escape(c) for c in subject.marked)
    return re.fullmatch(expression, literal, re.DOTALL) is None


def _shebang_options(shebang: str) -> list[str]:
    """Options that `#!/bin/bash -e` sets, and that matter."""
    words = shebang.split()[1:]
    letters = "".join(w[1:] for w in words if w.startswith("-"))
    return [name for letter, name in (("e", "errexit"), ("f", "noglob")) if letter in letters]
