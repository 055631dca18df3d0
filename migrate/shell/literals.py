"""Quote removal as bash does it (Bash manual, 3.1.2 Quoting), and the joining of literals. Both readers use it, so that
they differ only in what they parse. Input: pieces of a script as written; output: their text. Raises nothing.
"""

import re
from collections.abc import Iterable

from migrate.shell.syntax import Literal, WordPart
from migrate.source import Span, decode, encode

_ANY = re.compile(r"\\(.)", re.DOTALL)
_IN_DOUBLE = re.compile(r'\\([$`"\\\n])')
_IN_DOUBLE_ARGUMENT = re.compile(r'\\([$`"\\\n}])')
_IN_HERE_DOCUMENT = re.compile(r"\\([$`\\\n])")
_INDENT = re.compile(r"(\\.)|\n\t+", re.DOTALL)
_PLAIN_INDENT = re.compile(r"\n\t+")
_ANSI_C = re.compile(
    r"\\(?:([abeEfnrtv\\'\"?])|([0-7]{1,3})|(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8}))|c(.))",
    re.DOTALL,
)
_ANSI_C_LETTERS = dict(zip("abeEfnrtv\\'\"?", "\a\b\x1b\x1b\f\n\r\t\v\\'\"?", strict=True))


def unquoted(raw: str) -> str:
    """Text outside quotes: each backslash goes, a line continuation goes whole."""
    return _ANY.sub(_kept, raw)


def double_quoted(raw: str, *, argument: bool = False) -> str:
    """Text between double quotes. In the argument of a `${…}` there (`argument`), `\\}` is an escape too (seen in bash 5.2)."""
    return (_IN_DOUBLE_ARGUMENT if argument else _IN_DOUBLE).sub(_kept, raw)


def here_document(raw: str) -> str:
    """Text of a here-document that expands: a double quote is not special, so its backslash stays."""
    return _IN_HERE_DOCUMENT.sub(_kept, raw)


def without_indent(raw: str, *, expands: bool, at_line_start: bool) -> str:
    """Text of `<<-`: tabs at a line's start go; not those behind a line continuation, which are inside one line (bash 5.2)."""
    if at_line_start:
        raw = raw.lstrip("\t")
    if not expands:
        return _PLAIN_INDENT.sub("\n", raw)
    return _INDENT.sub(lambda match: match[1] or "\n", raw)


def ansi_c(raw: str) -> str:
    """Text between `$'` and `'`. A NUL ends it, an escape that means nothing stays as written (both seen in bash 5.2)."""
    data = bytearray()
    last = 0
    for match in _ANSI_C.finditer(raw):
        data += encode(raw[last : match.start()])
        last = match.end()
        value = _ansi_c_value(match)
        if value == b"\0":
            return decode(bytes(data))
        data += value
    data += encode(raw[last:])
    return decode(bytes(data))


def _ansi_c_value(match: re.Match[str]) -> bytes:
    letter, octal, two, four, eight, control = match.groups()
    if letter is not None:
        return _ANSI_C_LETTERS[letter].encode()
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    if two is not None:
        return bytes([int(two, 16)])
    if control is not None:
        return b"\x7f" if control == "?" else bytes([ord(control.upper()) & 0x1F])
    number = int(four or eight, 16)
    return chr(number).encode("utf-8", "surrogatepass") if number <= 0x10FFFF else encode(match[0])


def joined(parts: Iterable[WordPart]) -> tuple[WordPart, ...]:
    """`parts` with neighbouring literals of the same quoting made one; its span runs from the first to the last."""
    result: list[WordPart] = []
    for part in parts:
        last = result[-1] if result else None
        if isinstance(part, Literal) and isinstance(last, Literal) and part.quoting is last.quoting:
            span = Span(file=last.span.file, start=last.span.start, end=part.span.end)
            part = Literal(span=span, text=last.text + part.text, quoting=part.quoting)  # noqa: PLW2901 — the joined one
            result.pop()
        result.append(part)
    return tuple(result)


def without_continuation(text: str, start: int, end: int) -> int:
    """`end`, before the line continuations that `text[start:end]` ends with: they belong to no word."""
    while text.endswith("\\\n", start, end):
        backslashes = len(text[start : end - 1]) - len(text[start : end - 1].rstrip("\\"))
        if backslashes % 2 == 0:
            break
        end -= 2
    return end


def _kept(match: re.Match[str]) -> str:
    return "" if match[1] == "\n" else match[1]
