"""Loops: round by round where it is known how it goes on, and as a whole where it isn't."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from migrate.shell.syntax import ArithmeticFor, For, Function, Statement, While
from migrate.source import Span
from migrate.trace import arithmetic
from migrate.trace.commands import assigned_names
from migrate.trace.events import Condition, ConditionKind
from migrate.trace.expand import Field
from migrate.trace.state import SUCCESS, Exits, State, Status, UnendingError, all_ends, join, join_all, joined_status
from migrate.trace.values import Value

if TYPE_CHECKING:
    from migrate.trace.interpreter import Interpreter

MAX_ROUNDS = 1_000
"""Rounds of one loop whose condition is known."""
MAX_PASSES = 4
"""How often a loop that isn't known is gone through until nothing new changes."""


class Loops:
    """Goes through one loop in the interpreter's present state."""

    def __init__(self, interpreter: "Interpreter") -> None:
        self._interpreter = interpreter

    def words(self, node: For) -> None:
        """`for name in words`."""
        fields = self._fields(node)
        self._interpreter.state.status = SUCCESS
        if any(not field.certain for field in fields):
            self.unknown(node.body, node.span, [node.name])
            return
        rounds = iter(fields)

        def next_round() -> Status:
            field = next(rounds, None)
            if field is None:
                return Status(code=1)
            self._interpreter.state.assign(node.name, field.value)
            return SUCCESS

        self._rounds(next_round, node.body, node.span)

    def _fields(self, node: For) -> list[Field]:
        if node.words is not None:
            return [field for word in node.words for field in self._interpreter.expander().fields(word)]
        positional = self._interpreter.state.positional
        if positional.rest is not None:
            return [Field(value=Value.unknown("`$@`", node.span), certain=False)]
        return [Field(value=value) for value in positional.known]

    def condition(self, node: While) -> None:
        """`while` and `until`: rounds as long as the condition is known; from where it isn't, the loop as a whole isn't."""
        interpreter = self._interpreter

        def next_round() -> Status:
            before, mark = interpreter.state.copy(), interpreter.state.log.mark()
            interpreter.asking(lambda: interpreter.statements(node.condition))
            code = interpreter.state.status.code
            if code is None and not interpreter.state.dead:
                interpreter.state.log.back_to(mark)
                interpreter.state = before
                return Status(code=None)
            return Status(code=int((code == 0) is node.until))

        if not self._rounds(next_round, node.body, node.span):
            self.unknown((*node.condition, *node.body), node.span, [])

    def arithmetic(self, node: ArithmeticFor) -> None:
        """`for ((first; condition; step))`."""
        first, _, rest = node.text.partition(";")
        condition, _, step = rest.partition(";")
        interpreter = self._interpreter
        interpreter.state.status = SUCCESS
        names = sorted(assigned_names(node)) + re.findall(r"[A-Za-z_]\w*", node.text)
        if first.strip() and self.calculated(first, node.span).code is None:
            self.unknown(node.body, node.span, names)
            return
        begun = False

        def next_round() -> Status:
            nonlocal begun
            if begun and step.strip():
                self.calculated(step, node.span)
            begun = True
            return self.calculated(condition, node.span) if condition.strip() else SUCCESS

        if not self._rounds(next_round, node.body, node.span):
            self.unknown(node.body, node.span, names)

    def calculated(self, text: str, span: Span) -> Status:
        """`(( text ))`."""
        state = self._interpreter.state
        try:
            return Status(code=int(self._interpreter.expander().number(text, span) == 0), span=span)
        except arithmetic.UnknownError:
            state.forget(re.findall(r"[A-Za-z_]\w*", text), span)
            return Status(code=None, span=span)
        except arithmetic.FailureError:
            return Status(code=1, span=span)

    def _rounds(self, next_round: Callable[[], Status], body: Sequence[Statement], place: Span) -> bool:
        """Go round while `next_round` gives 0; False where it can't say. Raises UnendingError."""
        interpreter = self._interpreter
        left = Exits(interpreter.state)
        outer = interpreter.state.conditions
        ended, known = SUCCESS, True
        for _ in range(MAX_ROUNDS):
            status = next_round()
            known = status.code is not None
            if interpreter.state.dead or status.code != 0:
                interpreter.state.status = ended
                break
            again = Exits(interpreter.state)
            interpreter.state.status = SUCCESS
            self._body(body, left, again)
            joined = join_all([interpreter.state, *again.states], place)
            if joined is None:
                break
            joined.forget_ends(again.scope)
            joined.conditions = _behind(joined.conditions, outer)
            interpreter.state, ended = joined, joined.status
        else:
            raise UnendingError(place, f"the loop does not end within {MAX_ROUNDS} rounds")
        joined = join_all([interpreter.state, *left.states], place)
        if joined is not None:
            joined.forget_ends(left.scope)
            joined.conditions = _behind(joined.conditions, outer)
            interpreter.state = joined
        return known or interpreter.state.dead

    def _body(self, body: Sequence[Statement], left: Exits, again: Exits) -> None:
        self._interpreter.loops.append((left, again))
        self._interpreter.statements(body)
        self._interpreter.loops.pop()

    def unknown(self, body: Sequence[Statement], place: Span, names: Iterable[str]) -> None:
        """A loop of which it isn't known how often it goes round: what a round changes isn't known, then one round stands
        for all of them."""
        interpreter = self._interpreter
        log = interpreter.state.log
        mark, outer = log.mark(), interpreter.state.conditions
        condition = Condition(span=place, kind=ConditionKind.LOOP, number=log.fresh())
        start, end = interpreter.state, None
        for number in range(MAX_PASSES + 1):
            log.back_to(mark)
            interpreter.state = start.copy()
            if number == MAX_PASSES:
                _forget_all(interpreter.state, body, place)
            interpreter.state.forget(names, place)
            interpreter.state.under(condition)
            left, again = Exits(interpreter.state), Exits(interpreter.state)
            self._body(body, left, again)
            end = join_all([interpreter.state, *again.states, *left.states], place)
            if end is not None:
                end.forget_ends(again.scope, left.scope)
            if end is None or not _differs(start, end):
                break
            merged = join(start, end, place)
            merged.conditions = outer
            if not _differs(merged, start, loosely=True):
                break
            start = merged
        if end is None:
            start.ended = all_ends(start.ended, interpreter.state.ended)
        status = joined_status(SUCCESS, end.status) if end is not None else SUCCESS
        interpreter.state = join(start, end or start, place)
        interpreter.state.forget(names, place)
        interpreter.state.conditions = outer
        interpreter.state.status = status


def _behind(conditions: tuple[Condition, ...], outer: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Behind a loop's round: what it was asked inside no longer decides, unless it ended the script."""
    return conditions if conditions[: len(outer)] == outer and len(conditions) > len(outer) else outer


def _forget_all(state: State, body: Sequence[Statement], place: Span) -> None:
    """Where passes don't settle, nothing is known of what the body, or a function that it calls, may set."""
    nodes: list[Statement | Function] = [*body, *(f for f in state.functions.values() if f is not None)]
    state.forget({n for node in nodes for n in assigned_names(node)}, place)
    state.workspace = state.workspace.after_unknown(place)
    state.directory = None


def _differs(one: State, other: State, *, loosely: bool = False) -> bool:
    """Whether going round changed anything; `loosely`, two unknowns of one name are the same."""
    if one.directory != other.directory or set(one.variables) != set(other.variables):
        return True
    if one.positional != other.positional and not (loosely and other.positional.rest and one.positional.rest):
        return True
    for name, value in one.variables.items():
        after = other.variables[name]
        if value == after:
            continue
        both = [v for v in (value, after) if isinstance(v, Value) and v.text is None and len(v.parts) == 1]
        if not loosely or len(both) < 2:
            return True
    before, now = one.workspace.overlay, other.workspace.overlay
    return before is not now and before != now
