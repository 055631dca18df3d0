"""Shell words → values: parameters, quotes, field splitting, as bash does it, or Unknown.

Pure: what a command substitution comes to is asked of the caller.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from migrate.shell.syntax import (
    Arithmetic,
    CommandSubstitution,
    ExtendedGlob,
    Literal,
    Parameter,
    ProcessSubstitution,
    Quoting,
    Word,
    WordPart,
)
from migrate.source import Span
from migrate.trace.values import Text, Value

Substitute = Callable[[CommandSubstitution], Value]

_GLOB = re.compile(r"[*?]|\[.*\]")
_BRACES = re.compile(r"\{[^{}]*(?:,|\.\.)[^{}]*\}")
_BLANKS = " \t\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """What names mean: `known` holds what the script or the caller set, `unset` what is known not to be set; any other
    name is the environment's and unknown. Positional parameters are `1`, `2` … in the same mapping."""

    known: Mapping[str, Value]
    unset: frozenset[str] = frozenset()

    def get(self, name: str, span: Span) -> Value | None:
        """None: unset."""
        if name in self.known:
            return self.known[name]
        if name in self.unset:
            return None
        return Value.unknown(f"`${name}`" if len(name) == 1 and not name.isalnum() else f"variable `{name}`", span)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    value: Value
    splits: bool
    pattern: bool = False


def expand_text(word: Word, variables: Variables, substitute: Substitute) -> Value:
    """The word as one value, without splitting: an assignment's right side, a redirection's target."""
    result = Value(parts=())
    for piece in _pieces(word, variables, substitute):
        result += piece.value
    return result


def expand_fields(word: Word, variables: Variables, substitute: Substitute) -> tuple[Value, ...]:
    """The fields that the word becomes. An unquoted part that isn't known counts as one field without blanks in it; what
    would be a file-name pattern or a brace list is unknown as a whole."""
    pieces = _pieces(word, variables, substitute)
    if any(p.pattern for p in pieces):
        return (Value.unknown(f"pattern `{word.span.text}`", word.span),)
    fields: list[Value] = []
    current: Value | None = None
    for piece in pieces:
        if not piece.splits:
            current = (current or Value(parts=())) + piece.value
            continue
        for index, chunk in enumerate(_split(piece.value)):
            if index and current is not None:
                fields.append(current)
                current = None
            if chunk is not None:
                current = (current or Value(parts=())) + chunk
    if current is not None:
        fields.append(current)
    return tuple(fields)


def _split(value: Value) -> list[Value | None]:
    """`value` cut at blanks. None stands for nothing before, between or after them."""
    chunks: list[Value | None] = [None]
    for part in value.parts:
        if not isinstance(part, Text):
            chunks[-1] = (chunks[-1] or Value(parts=())) + Value(parts=(part,))
            continue
        for index, text in enumerate(re.split(f"[{_BLANKS}]+", part.text)):
            if index:
                chunks.append(None)
            if text:
                chunks[-1] = (chunks[-1] or Value(parts=())) + Value.of(text)
    return chunks


def _pieces(word: Word, variables: Variables, substitute: Substitute) -> list[_Piece]:
    pieces = [_piece(part, variables, substitute) for part in word.parts]
    first = word.parts[0] if word.parts else None
    if isinstance(first, Literal) and first.quoting is Quoting.NONE and first.span.text.startswith("~"):
        pieces[0] = _Piece(value=Value.unknown("home directory", first.span), splits=False)
    return pieces


def _piece(part: WordPart, variables: Variables, substitute: Substitute) -> _Piece:
    match part:
        case Literal(text=text, quoting=quoting, span=span):
            # an escaped blank or star is no pattern: look at what was written
            pattern = quoting is Quoting.NONE and bool(
                _GLOB.search(_unescaped(span.text)) or _BRACES.search(_unescaped(span.text))
            )
            return _Piece(value=Value.of(text), splits=False, pattern=pattern)
        case Parameter(quoting=quoting):
            return _unquoted_pattern(_parameter(part, variables, substitute), quoting, variables)
        case CommandSubstitution(quoting=quoting):
            return _unquoted_pattern(substitute(part), quoting, variables)
        case Arithmetic(span=span):
            return _Piece(value=Value.unknown(f"`{span.text}`", span), splits=False)
        case ProcessSubstitution(span=span) | ExtendedGlob(span=span):
            return _Piece(value=Value.unknown(f"`{span.text}`", span), splits=False)
        case _:
            assert_never(part)


def _unquoted_pattern(value: Value, quoting: Quoting, variables: Variables) -> _Piece:
    unquoted = quoting is Quoting.NONE
    if unquoted and "IFS" in variables.known and _splits_otherwise(value, variables.known["IFS"]):
        return _Piece(value=value, splits=False, pattern=True)
    pattern = unquoted and any(isinstance(p, Text) and _GLOB.search(p.text) for p in value.parts)
    return _Piece(value=value, splits=unquoted, pattern=pattern)


def _splits_otherwise(value: Value, separators: Value) -> bool:
    """Whether a script's own IFS may split `value` in another way than at blanks."""
    cut = None if separators.text is None else set(separators.text) | set(_BLANKS)
    return any(isinstance(p, Text) and (cut is None or cut & set(p.text)) for p in value.parts)


def _unescaped(text: str) -> str:
    return re.sub(r"\\.", "", text, flags=re.DOTALL)


def _parameter(part: Parameter, variables: Variables, substitute: Substitute) -> Value:
    unknown = Value.unknown(f"`{part.span.text}`", part.span)
    if part.length or part.indirect or part.index is not None:
        return unknown
    value = variables.get(part.name, part.span)
    if part.operator is None:
        return Value(parts=()) if value is None else value
    if part.operator not in (":-", "-", ":=", "=", ":+", "+", ":?", "?"):
        return unknown
    empty = part.operator.startswith(":")
    missing = value is None or (empty and value.text == "")
    if value is not None and value.text is None and value.first_unknown is not None:
        # set or not, empty or not: unknown, but the same wherever the same is written
        return unknown
    argument = expand_text(part.argument, variables, substitute) if part.argument else Value(parts=())
    match part.operator.removeprefix(":"):
        case "-" | "=":
            return argument if missing or value is None else value
        case "+":
            return Value(parts=()) if missing else argument
        case _:
            return unknown if missing or value is None else value
