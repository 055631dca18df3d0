"""References and functions of make → values (GNU make manual, 6 and 8), or Unknown.

What only the outside can tell (the shell, files, the environment) is asked of a Host. A word of which a part isn't known is
taken to be one word; what a function makes of it is unknown, and the same for the same arguments.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from migrate.drivers.makefile import reference_end
from migrate.source import Span
from migrate.trace.make import functions
from migrate.trace.make.variables import DEFAULTS, OF_MAKE, Scope, simple
from migrate.trace.values import EMPTY, Text, Unknown, Value

MAX_DEPTH = 100
"""References within references."""

_OTHERS = frozenset(
    "shell wildcard foreach if or and call info warning error eval value origin flavor abspath realpath let intcmp file guile"
    .split()
)  # fmt: skip
_AUTOMATIC = re.compile(r"[@<^+?*|%]|[@<^+?*%][DF]")


class Host(Protocol):
    """What an expansion asks of what surrounds it."""

    def shell(self, command: Value, span: Span) -> Value: ...
    def wildcard(self, patterns: str, span: Span) -> Value: ...
    def environment(self, name: str, span: Span) -> Value | None: ...
    def evaluate(self, text: Value, span: Span) -> None: ...
    def absolute(self, word: str) -> str | None: ...
    def number(self) -> int: ...
    def unsupported(self, what: str, span: Span) -> None: ...


class MakeError(Exception):
    """make ends here, with this message."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.message = message
        self.span = span


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an expanded text: what it comes to, and where in the text it was written; `exact` where it is that text."""

    value: Value
    start: int
    end: int
    exact: bool


class Expansion:
    """Expands in one scope. Raises MakeError where make would end."""

    def __init__(self, scope: Scope, host: Host, depth: int = 0) -> None:
        self.scope = scope
        self._host = host
        self._depth = depth

    def value(self, text: str, span: Span) -> Value:
        result = EMPTY
        for piece in self.pieces(text, span):
            result += piece.value
        return result

    def pieces(self, text: str, span: Span) -> Iterator[Piece]:
        """`text` in order, its references expanded."""
        at = 0
        while at < len(text):
            dollar = text.find("$", at)
            if dollar < 0:
                dollar = len(text)
            if dollar > at:
                yield Piece(Value.of(text[at:dollar]), at, dollar, exact=True)
            if dollar == len(text):
                return
            end = reference_end(text, dollar)
            yield Piece(self._reference(text[dollar:end], span), dollar, end, exact=False)
            at = end

    def _reference(self, text: str, span: Span) -> Value:
        if text == "$$":
            return Value.of("$")
        if text == "$":
            return EMPTY
        if len(text) == 2:
            return self.variable(text[1], span)
        if text[-1] != {"(": ")", "{": "}"}[text[1]]:
            raise MakeError("unterminated variable reference", span)
        inside = text[2:-1]
        name, blank, rest = re.match(r"([^\s$,:=#]*)(\s*)(.*)", inside, re.DOTALL).groups()  # type: ignore[union-attr]
        if blank and (name in functions.ARGUMENTS or name in _OTHERS):
            try:
                return self._function(name, rest, span)
            except functions.FunctionError as error:
                raise MakeError(str(error), span) from error
        return self._substituted(inside, span)

    def _substituted(self, inside: str, span: Span) -> Value:
        """`$(name)` and `$(name:a=b)`; the name may hold references."""
        colon = next((i for i, c in _outside(inside) if c == ":"), None)
        equals = next((i for i, c in _outside(inside) if c == "=" and colon is not None and i > colon), None)
        if colon is None or equals is None:
            name = self.value(inside, span)
            return self.variable(name.text, span) if name.text is not None else self.derived("a variable", [name], span)
        name = self.value(inside[:colon], span)
        old, new = self.value(inside[colon + 1 : equals], span), self.value(inside[equals + 1 :], span)
        subject = self.variable(name.text, span) if name.text is not None else name
        if old.text is not None and "%" not in old.text:
            old, new = Value.of("%") + old, Value.of("%") + new
        return self._plain("patsubst", [old, new, subject], span)

    # variables

    def variable(self, name: str, span: Span) -> Value:
        """What `$(name)` comes to."""
        found = self.scope.get(name)
        if found is None:
            return self._undefined(name, span)
        if found.text is None:
            return found.value
        if self._depth > MAX_DEPTH:
            raise MakeError(f"recursive variable `{name}` references itself (eventually)", span)
        return Expansion(self.scope, self._host, self._depth + 1).value(found.text, span)

    def _undefined(self, name: str, span: Span) -> Value:
        if _AUTOMATIC.fullmatch(name):
            return EMPTY
        if name in DEFAULTS:
            return Value.of(DEFAULTS[name])
        if name in OF_MAKE:
            return Value.unknown(f"make's own `{name}`", span)
        value = self._host.environment(name, span) if name not in self.scope.names else None
        if value is None:
            return EMPTY
        return self.value(value.text, span) if value.text is not None and "$" in value.text else value

    def is_set(self, name: str, span: Span) -> bool | None:
        """Whether `ifdef name` holds: the variable has a value, expanded or not. None where that isn't known."""
        found = self.scope.get(name)
        if found is not None:
            if found.text is not None:
                return found.text != ""
            return None if found.value.text is None and len(found.value.parts) == 1 else found.value != EMPTY
        if name in DEFAULTS or name in OF_MAKE:
            return True
        value = self._host.environment(name, span) if name not in self.scope.names else None
        return False if value is None else None if value.text is None else value.text != ""

    # functions

    def _function(self, name: str, rest: str, span: Span) -> Value:
        if name in functions.ARGUMENTS:
            arguments = [self.value(a, span) for a in self._arguments(name, rest, functions.ARGUMENTS[name])]
            return self._plain(name, arguments, span)
        special: Callable[[str, Span], Value] | None = {
            "shell": self._shell,
            "wildcard": self._wildcard,
            "foreach": self._foreach,
            "if": self._if,
            "or": self._or,
            "and": self._and,
            "call": self._call,
            "info": self._told,
            "warning": self._told,
            "error": self._error,
            "eval": self._eval,
            "value": self._value,
            "origin": self._origin,
            "flavor": self._flavor,
            "abspath": self._abspath,
        }.get(name)
        if special is None:
            self._host.unsupported(f"`$({name} …)` is not followed", span)
            return Value.unknown(f"`$({name} {rest})`", span, self._host.number())
        return special(rest, span)

    def _arguments(self, name: str, text: str, limit: int, least: int | None = None) -> list[str]:
        """Split at the commas that stand in no reference; raises MakeError where there are too few arguments."""
        found: list[str] = []
        start = 0
        for at, character in _outside(text):
            if character == "," and len(found) < limit - 1:
                found.append(text[start:at])
                start = at + 1
        found.append(text[start:])
        if len(found) < (limit if least is None else least):
            raise functions.FunctionError(f"too few arguments for `$({name} …)`")
        return found

    def _plain(self, name: str, arguments: Sequence[Value], span: Span) -> Value:
        """A function of texts; of what is unknown it is unknown, but for what is put before or behind known words."""
        texts = [a.text for a in arguments]
        known = [t for t in texts if t is not None]
        if len(known) == len(texts):
            return Value.of(functions.call(name, known))
        if name in ("addprefix", "addsuffix") and texts[1] is not None:
            words = [
                arguments[0] + Value.of(w) if name == "addprefix" else Value.of(w) + arguments[0]
                for w in texts[1].split()
            ]
            return joined(words)
        if name == "strip" and len(words_of(arguments[0])) == 1:
            return words_of(arguments[0])[0]
        return self.derived(f"$({name} …)", arguments, span)

    def derived(self, what: str, arguments: Sequence[Value], span: Span) -> Value:
        """What `what` makes of arguments that aren't all known: the same for the same ones."""
        numbers = {p.number for a in arguments for p in a.parts if isinstance(p, Unknown) and p.number}
        texts_only = all(isinstance(p, Text | Unknown) for a in arguments for p in a.parts)
        number = numbers.pop() if len(numbers) == 1 else 0
        if numbers or not texts_only:
            number = self._host.number()
        return Value.unknown(f"`{what}` of {', '.join(str(a) or 'nothing' for a in arguments)}", span, number)

    def _shell(self, rest: str, span: Span) -> Value:
        return self._host.shell(self.value(rest, span), span)

    def _wildcard(self, rest: str, span: Span) -> Value:
        patterns = self.value(rest, span)
        if patterns.text is None:
            return self.derived("$(wildcard …)", [patterns], span)
        return self._host.wildcard(patterns.text, span)

    def _foreach(self, rest: str, span: Span) -> Value:
        name, words, body = self._arguments("foreach", rest, 3)
        variable, listed = self.value(name, span).text, self.value(words, span)
        if variable is None or any(_lone(w) for w in words_of(listed)):
            return self.derived("$(foreach …)", [listed, Value.of(body)], span)
        found: list[Value] = []
        for word in words_of(listed):
            inner = self.scope.within({variable.strip(): simple(word, "automatic", span)})
            found.append(Expansion(inner, self._host, self._depth + 1).value(body, span))
        return joined(found)

    def _if(self, rest: str, span: Span) -> Value:
        condition, *ways = self._arguments("if", rest, 3, 2)
        asked = truth(self.value(condition.strip(), span))
        if asked is not None:
            way = ways[0] if asked else ways[1] if len(ways) > 1 else ""
            return self.value(way, span)
        yes, no = self.value(ways[0], span), self.value(ways[1] if len(ways) > 1 else "", span)
        return yes if yes == no else self.derived("$(if …)", [self.value(condition.strip(), span), yes, no], span)

    def _or(self, rest: str, span: Span) -> Value:
        for argument in self._arguments("or", rest, len(rest) + 1, 1):
            value = self.value(argument.strip(), span)
            asked = truth(value)
            if asked is None:
                return self.derived("$(or …)", [value, Value.of(rest)], span)
            if asked:
                return value
        return EMPTY

    def _and(self, rest: str, span: Span) -> Value:
        value = EMPTY
        for argument in self._arguments("and", rest, len(rest) + 1, 1):
            value = self.value(argument.strip(), span)
            asked = truth(value)
            if asked is None:
                return self.derived("$(and …)", [value, Value.of(rest)], span)
            if not asked:
                return EMPTY
        return value

    def _call(self, rest: str, span: Span) -> Value:
        arguments = self._arguments("call", rest, len(rest) + 1, 1)
        values = [self.value(a.strip() if i == 0 else a, span) for i, a in enumerate(arguments)]
        name = values[0].text
        if name is None:
            return self.derived("$(call …)", values, span)
        if name in functions.ARGUMENTS or name in _OTHERS:
            return self._function(name, ",".join(arguments[1:]), span)
        frame = {str(i): simple(v, "automatic", span) for i, v in enumerate(values)}
        last = {str(i): simple(EMPTY, "automatic", span) for i in range(len(values), 10)}
        inner = Expansion(self.scope.within({**last, **frame}), self._host, self._depth + 1)
        return inner.variable(name, span)

    def _told(self, rest: str, span: Span) -> Value:
        self.value(rest, span)
        return EMPTY

    def _error(self, rest: str, span: Span) -> Value:
        raise MakeError(str(self.value(rest, span)), span)

    def _eval(self, rest: str, span: Span) -> Value:
        self._host.evaluate(self.value(rest, span), span)
        return EMPTY

    def _value(self, rest: str, span: Span) -> Value:
        found = self.scope.get(self.value(rest, span).text or "")
        if found is None:
            return self._undefined(self.value(rest, span).text or "", span)
        return Value.of(found.text) if found.text is not None else found.value

    def _origin(self, rest: str, span: Span) -> Value:
        name = self.value(rest, span).text or ""
        found = self.scope.get(name)
        if found is not None:
            return Value.of(found.origin)
        if name in DEFAULTS or name in OF_MAKE:
            return Value.of("default")
        value = self._host.environment(name, span)
        if value is None:
            return Value.of("undefined")
        return (
            Value.of("environment") if value.text is not None else self.derived("$(origin …)", [Value.of(name)], span)
        )

    def _flavor(self, rest: str, span: Span) -> Value:
        name = self.value(rest, span).text or ""
        found = self.scope.get(name)
        if found is not None:
            return Value.of("recursive" if found.text is not None else "simple")
        return self.derived("$(flavor …)", [Value.of(name)], span)

    def _abspath(self, rest: str, span: Span) -> Value:
        words = self.value(rest, span)
        found = [self._host.absolute(w) for w in words.text.split()] if words.text is not None else [None]
        if any(f is None for f in found):
            return self.derived("$(abspath …)", [words], span)
        return Value.of(" ".join(f for f in found if f is not None))


def truth(value: Value) -> bool | None:
    """Whether a condition's text is not empty; None where that isn't known."""
    if value.text is not None:
        return value.text != ""
    return True if value.marked.strip("\0") else None


def words_of(value: Value) -> list[Value]:
    """Split at blanks; what isn't known holds none."""
    return [value.slice(m.start(), m.end()) for m in re.finditer(r"\S+", value.marked)]


def joined(words: Sequence[Value]) -> Value:
    result = EMPTY
    for index, word in enumerate(words):
        result = result + (Value.of(" ") if index else EMPTY) + word
    return result


def _lone(word: Value) -> bool:
    """Whether a word is nothing but an unknown, which may be any number of words."""
    return len(word.parts) == 1 and isinstance(word.parts[0], Unknown)


def _outside(text: str) -> Iterator[tuple[int, str]]:
    """The characters that stand in no reference and in no parentheses of their own (make counts both kinds the same)."""
    depth, at = 0, 0
    while at < len(text):
        character = text[at]
        if character == "$" and text[at + 1 : at + 2] in ("(", "{"):
            at = reference_end(text, at)
            continue
        if character == "$":
            at += 2
            continue
        if character in "({":
            depth += 1
        elif character in ")}":
            depth -= 1
        if depth <= 0:
            yield at, character
        at += 1
