"""What `${name<operator>…}` makes of a value: cutting, replacing, slicing, case (Bash manual, 3.5.3)."""

from collections.abc import Sequence
from typing import Protocol

from migrate.shell.syntax import Parameter, Word
from migrate.source import Span
from migrate.trace import arithmetic
from migrate.trace.patterns import changed_case, replaced, to_regex, without_prefix, without_suffix
from migrate.trace.state import State
from migrate.trace.values import Unknown, Value


class Words(Protocol):
    """What an operator needs of the expander."""

    def text(self, word: Word | None) -> Value: ...
    def pattern(self, word: Word) -> list[tuple[str, bool]] | None: ...
    def number(self, text: str, span: Span) -> int: ...


def applied(words: Words, part: Parameter, value: Value, state: State) -> Value:
    """`value` after the operator of `part`; unknown where it, or what the operator needs, is."""
    if part.operator is None or (part.indirect and part.operator in ("@", "*")):
        return value
    number = next((p.number for p in value.parts if isinstance(p, Unknown)), 0)
    unknown = Value.unknown(f"`{part.span.text}`", part.span, number)
    text = value.text
    if text is None or ("extglob" in state.options and part.operator != ":"):
        return unknown
    match part.operator:
        case "#" | "##" | "%" | "%%":
            pattern = words.pattern(part.argument) if part.argument else []
            if pattern is None:
                return unknown
            cut = without_prefix if part.operator[0] == "#" else without_suffix
            return Value.of(cut(text, to_regex(pattern), longest=len(part.operator) == 2))
        case "/" | "//" | "/#" | "/%":
            return _replaced(words, part, text) or unknown
        case ":":
            return _substring(words, part, text) or unknown
        case "^" | "^^" | "," | ",,":
            pattern = words.pattern(part.argument) if part.argument else None
            if part.argument is not None and pattern is None:
                return unknown
            return Value.of(changed_case(text, part.operator, to_regex(pattern) if pattern else None))
        case _:
            return unknown


def _replaced(words: Words, part: Parameter, text: str) -> Value | None:
    pattern = words.pattern(part.argument) if part.argument else []
    replacement = words.text(part.replacement)
    if pattern is None or replacement.text is None or "&" in replacement.text:
        return None
    if not pattern and "///" in part.span.text:
        return None  # a pattern that begins with a slash: shfmt ends it there, bash doesn't
    if not pattern:
        where = (part.operator or "")[1:]
        return Value.of({"#": replacement.text + text, "%": text + replacement.text}.get(where, text))
    return Value.of(replaced(text, to_regex(pattern), replacement.text, where=(part.operator or "")[1:]))


def _bounds(words: Words, part: Parameter) -> tuple[int, int | None] | None:
    """Offset and length as written; None where they aren't known."""
    try:
        numbers = [
            words.number(word.span.text, word.span) if word is not None else None
            for word in (part.argument, part.replacement)
        ]
    except (arithmetic.UnknownError, arithmetic.FailureError):
        return None
    return numbers[0] or 0, numbers[1]


def _substring(words: Words, part: Parameter, text: str) -> Value | None:
    bounds = _bounds(words, part)
    if bounds is None:
        return None
    offset, length = bounds
    start = offset if offset >= 0 else len(text) + offset
    if start < 0 or start > len(text):
        return Value.of("")
    end = len(text) if length is None else start + length if length >= 0 else len(text) + length
    return Value.of(text[start:end]) if end >= start else None


def sliced(words: Words, part: Parameter, values: Sequence[Value], *, first: int | None) -> tuple[Value, ...] | None:
    """`${@:offset:length}` (`first` 0: `$0` is element 0) or of an array without gaps."""
    bounds = _bounds(words, part)
    if bounds is None:
        return None
    offset, length = bounds
    start = offset if offset >= 0 else len(values) + offset
    if length is not None and length < 0:
        return None
    if start < 0 or (first == 0 and start == 0 and offset < 0):
        return ()
    return tuple(values[start:] if length is None else values[start : start + length])
