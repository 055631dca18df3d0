"""BuildKit's shell lexer (frontend/dockerfile/shell/lex.go), with a third state for values that are not known.

Input: text and variables; output: the text expanded, the words that it falls into, and the names met. `expand` is its
interface.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from migrate.dockerfile.lines import WHITE_SPACE

_SPECIAL_PARAMETERS = "@*#?-$!0"
_DEEPEST = 50


class ExpansionError(ValueError):
    """Text that docker would not expand; the message says why."""


@dataclass(slots=True)
class _Names:
    """Names met so far; dictionaries, for their order."""

    used: dict[str, None] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)

    def add(self, other: "_Names") -> None:
        self.used |= other.used
        self.missing |= other.missing
        self.unknown |= other.unknown


@dataclass(slots=True)
class _Words:
    """Splits what is read at blanks that are neither quoted nor escaped."""

    done: list[str] = field(default_factory=list)
    current: str = ""

    def add(self, text: str) -> None:
        for char in text:
            if char not in WHITE_SPACE:
                self.current += char
            elif self.current:
                self.done.append(self.current)
                self.current = ""

    def add_raw(self, text: str) -> None:
        self.current += text

    def finished(self) -> tuple[str, ...]:
        return (*self.done, self.current) if self.current else tuple(self.done)


class Lexer:
    """Reads `text` once. `keep_unset` leaves variables as they are written; `raw_…` leaves quotes and escapes."""

    def __init__(
        self,
        text: str,
        variables: Mapping[str, str | None],
        escape: str,
        *,
        raw_quotes: bool = False,
        raw_escapes: bool = False,
        keep_unset: bool = False,
    ) -> None:
        self.text = text
        self.variables = variables
        self.escape = escape
        self.raw_quotes = raw_quotes
        self.raw_escapes = raw_escapes
        self.keep_unset = keep_unset
        self.position = 0
        self.depth = 0
        self.names = _Names()
        self.newer: dict[str, None] = {}
        self.words = _Words()

    def peek(self) -> str:
        """The next character, "" at the end."""
        return self.text[self.position : self.position + 1]

    def next(self) -> str:
        char = self.peek()
        self.position += 1
        return char

    def process(self, stop: str) -> str | None:
        """Everything up to the character `stop`, which is eaten, or to the end where `stop` is empty."""
        result: list[str | None] = []
        while char := self.peek():
            if char == stop:
                self.position += 1
                return _joined(result)
            if char == "$":
                value = self.dollar()
                result.append(value)
                self.words.add(value or "")
                continue
            if char == "'":
                part: str | None = self.single_quoted()
            elif char == '"':
                part = self.double_quoted()
            elif char == "<":
                part = self.less_than()
            elif char == self.escape:
                part = self.escaped()
            else:
                self.words.add(self.next())
                result.append(char)
                continue
            result.append(part)
            self.words.add_raw(part or "")
        if stop:
            raise ExpansionError(f"`{stop}` is missing")
        return _joined(result)

    def escaped(self) -> str:
        escape = self.next()
        return (escape if self.raw_escapes else "") + self.next()

    def less_than(self) -> str:
        """`<`, or `<<` with the blanks after it, which belong to the word of a here-document."""
        start = self.position
        self.position += 1
        if self.peek() == "<":
            self.position += 1
            while self.peek() and self.peek() in "\t\r ":
                self.position += 1
        return self.text[start : self.position]

    def single_quoted(self) -> str:
        end = self.text.find("'", self.position + 1)
        if end < 0:
            raise ExpansionError("a single quote is open")
        inner = self.text[self.position + 1 : end]
        self.position = end + 1
        return f"'{inner}'" if self.raw_quotes else inner

    def double_quoted(self) -> str | None:
        quote = '"' if self.raw_quotes else ""
        result: list[str | None] = [quote]
        self.position += 1
        while char := self.peek():
            if char == '"':
                self.position += 1
                return _joined([*result, quote])
            if char == "$":
                result.append(self.dollar())
                continue
            self.position += 1
            if char == self.escape:
                if self.raw_escapes:
                    result.append(char)
                if self.peek() in ('"', "$", self.escape):
                    char = self.next()
            result.append(char)
        raise ExpansionError("a double quote is open")

    def dollar(self) -> str | None:
        self.position += 1
        if self.peek() != "{":
            name = self.name()
            if not name:
                return "$"
            return f"${name}" if self.keep_unset else self.value(name)[1]
        self.position += 1
        if self.peek() in ("", "{", "}", ":"):
            raise ExpansionError("bad substitution")
        name = self.name()
        modifier = self.next()
        if modifier == "}":
            return f"${{{name}}}" if self.keep_unset else self.value(name)[1]
        if modifier == ":":
            modifier += self.next()
        if modifier in ("-", ":-", "+", ":+", "?", ":?"):
            return self.conditional(name, modifier)
        if modifier in ("#", "%"):
            return self.trimmed(name, modifier)
        if modifier == "/":
            return self.replaced(name)
        raise ExpansionError(f"the modifier `{modifier}` is not supported")

    def name(self) -> str:
        match = re.compile(r"\d+").match(self.text, self.position)
        if match is not None:
            self.position = match.end()
            return match[0]
        if self.peek() and self.peek() in _SPECIAL_PARAMETERS:
            return self.next()
        start = self.position
        while (char := self.peek()) and (char.isalpha() or char.isdecimal() or char == "_"):
            self.position += 1
        return self.text[start : self.position]

    def value(self, name: str) -> tuple[bool, str | None]:
        """Whether `name` is set, and its value; "" where it is unset."""
        try:
            value = self.variables[name]
        except KeyError:
            self.names.missing[name] = None
            return False, ""
        (self.names.unknown if value is None else self.names.used)[name] = None
        return True, value

    def nested(self, stop: str, *, raw_escapes: bool = False) -> tuple[str | None, _Names]:
        """The text up to `stop`, with the names in it kept apart: it may not count."""
        outer = self.names, self.words, self.raw_escapes
        self.names, self.words, self.raw_escapes = _Names(), _Words(), raw_escapes
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ExpansionError(f"substitutions are nested more than {_DEEPEST} deep")
        word, names = self.process(stop), self.names
        self.depth -= 1
        self.names, self.words, self.raw_escapes = outer
        return word, names

    def conditional(self, name: str, modifier: str) -> str | None:
        if modifier not in (":-", ":+"):
            self.newer[modifier] = None
        word, names = self.nested("}")
        if self.keep_unset:
            return f"${{{name}{modifier}{word}}}"
        is_set, value = self.value(name)
        if value is None:
            return None
        absent = not is_set or (modifier.startswith(":") and not value)
        if modifier.endswith("?"):
            if absent:
                self.names.add(names)
                raise ExpansionError(f"`{name}`: {word or 'must be set'}")
            return value
        if absent != modifier.endswith("-"):
            return "" if absent else value
        self.names.add(names)
        return word

    def trimmed(self, name: str, modifier: str) -> str | None:
        pattern, names = self.nested("}", raw_escapes=True)
        self.names.add(names)
        greedy = pattern is not None and pattern.startswith(modifier)
        self.newer[modifier * (1 + greedy)] = None
        if self.keep_unset:
            return f"${{{name}{modifier}{pattern}}}"
        value = self.value(name)[1]
        if pattern is None or value is None:
            return None
        pattern = pattern[greedy:]
        if modifier == "#":
            return _trim_start(pattern, value, greedy=greedy)
        return _trim_start(_reversed_pattern(pattern), value[::-1], greedy=greedy)[::-1]

    def replaced(self, name: str) -> str | None:
        everywhere = self.peek() == "/"
        self.position += everywhere
        self.newer["//" if everywhere else "/"] = None
        pattern, names = self.nested("/", raw_escapes=True)
        replacement, more = self.nested("}", raw_escapes=True)
        self.names.add(names)
        self.names.add(more)
        if self.keep_unset:
            return f"${{{name}/{pattern}/{replacement}}}"
        value = self.value(name)[1]
        if pattern is None or replacement is None or value is None:
            return None
        if everywhere and "$" in replacement:
            raise ExpansionError("a `$` in what replaces every match is not supported")
        return _replace(pattern, value, replacement, everywhere=everywhere)


def _joined(parts: list[str | None]) -> str | None:
    known = [part for part in parts if part is not None]
    return "".join(known) if len(known) == len(parts) else None


def _regular_expression(pattern: str, *, greedy: bool) -> re.Pattern[str]:
    """`*` and `?` of a shell pattern; no brackets. A backslash escapes `*`, `?`, itself, and the `}` or `/` that would
    have ended the pattern."""
    out: list[str] = []
    characters = iter(pattern)
    for char in characters:
        if char == "*":
            out.append(".*" if greedy else ".*?")
        elif char == "?":
            out.append(".")
        elif char == "\\":
            escaped = next(characters, "")
            if not escaped or escaped not in "*?\\}/":
                raise ExpansionError(f"invalid escape `\\{escaped}` in the pattern `{pattern}`")
            out.append(re.escape(escaped))
        else:
            out.append(re.escape(char))
    return re.compile("".join(out))


def _trim_start(pattern: str, value: str, *, greedy: bool) -> str:
    match = _regular_expression(pattern, greedy=greedy).match(value)
    return value[match.end() :] if match else value


def _reversed_pattern(pattern: str) -> str:
    return "".join(reversed(re.findall(r"\\.|.", pattern, re.DOTALL)))


def _replace(pattern: str, value: str, replacement: str, *, everywhere: bool) -> str:
    out: list[str] = []
    end = 0
    for match in _matches(_regular_expression(pattern, greedy=True), value):
        out += [value[end : match.start()], replacement]
        end = match.end()
        if not everywhere:
            break
    return "".join([*out, value[end:]])


def _matches(expression: re.Pattern[str], value: str) -> Iterator[re.Match[str]]:
    """As Go finds them: an empty match right behind another one doesn't count."""
    end = -1
    for match in expression.finditer(value):
        if match.start() == match.end() == end:
            continue
        end = match.end()
        yield match
