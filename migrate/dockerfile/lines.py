"""Reading, first step: physical lines of a Dockerfile to logical ones, each character with its place in the source.

Rules as BuildKit's parser has them (frontend/dockerfile/parser/parser.go, directives.go).
"""

import re
from dataclasses import dataclass

from migrate.dockerfile.instructions import Directive
from migrate.source import SourceFile, Span, encode

# What Go's unicode.IsSpace takes for white space; Python's str.isspace knows more.
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
BYTE_ORDER_MARK = "\ufeff"
_LONGEST_LINE = 64 * 1024
_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*$")
_DIRECTIVE_NAMES = ("syntax", "escape", "check")


class UnreadableError(ValueError):
    """What BuildKit would not read, with its place. Never leaves this room: the readers turn it into a diagnostic."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.message = message
        self.span = span


@dataclass(frozen=True, slots=True, kw_only=True)
class LogicalLine:
    """One instruction's text with continuations joined; `offsets[i]` is where `text[i]` stands in `file`."""

    file: SourceFile
    text: str
    offsets: tuple[int, ...]

    def span(self, start: int, end: int) -> Span:
        """The source of `text[start:end]`, continuations and comment lines between its ends included."""
        if start == end:
            place = self.offsets[start] if start < len(self.offsets) else self.offsets[-1] + 1
            return self.file.span(place, place)
        return self.file.span(self.offsets[start], self.offsets[end - 1] + 1)

    def error(self, message: str) -> UnreadableError:
        return UnreadableError(message, self.span(0, len(self.text)))


def line_bounds(file: SourceFile, number: int) -> tuple[int, int]:
    """Offsets of line `number` (from 1) without line end and byte-order mark."""
    start, end = file.line_bounds(number)
    text = file.text[start:end].rstrip("\r\n")
    skipped = number == 1 and text.startswith(BYTE_ORDER_MARK)
    return start + skipped, start + len(text)


def is_comment(line: str) -> bool:
    return line.lstrip(WHITE_SPACE).startswith("#")


def is_blank(line: str) -> bool:
    return not line.strip(WHITE_SPACE)


def continuation(line: str, escape: str) -> int | None:
    """Where the escape character stands that continues `line`; None where the line ends the instruction.

    Two escape characters in a row don't continue it.
    """
    kept = line.rstrip("\t ")
    if not kept.endswith(escape) or kept.endswith(escape * 2):
        return None
    return len(kept) - 1


def logical_line(file: SourceFile, first: int, last: int, escape: str) -> LogicalLine:
    """Lines `first` to `last` (from 1) of one instruction, joined and stripped of white space at both ends.

    Raises UnreadableError where nothing is left.
    """
    text: list[str] = []
    offsets: list[int] = []
    for number in range(first, last + 1):
        start, end = line_bounds(file, number)
        line = file.text[start:end]
        if number > first and (is_comment(line) or is_blank(line)):
            continue
        at = continuation(line, escape)
        kept = line if at is None else line[:at]
        text.append(kept)
        offsets.extend(range(start, start + len(kept)))
    joined = "".join(text)
    begin = len(joined) - len(joined.lstrip(WHITE_SPACE))
    stripped = joined.strip(WHITE_SPACE)
    if not stripped:
        start, end = line_bounds(file, first)
        raise UnreadableError("a continuation without an instruction", file.span(start, end))
    return LogicalLine(file=file, text=stripped, offsets=tuple(offsets[begin : begin + len(stripped)]))


def read_directives(file: SourceFile) -> tuple[Directive, ...]:
    """The parser directives: the first lines of the file, until one that is something else.

    Raises UnreadableError for one given twice and for an escape that is neither a backslash nor a backtick.
    """
    found: list[Directive] = []
    for number in range(1, file.line_count + 1):
        start, end = line_bounds(file, number)
        line = file.text[start:end].lstrip(WHITE_SPACE)
        match = _DIRECTIVE.match(line[1:].lstrip(WHITE_SPACE)) if line.startswith("#") else None
        if match is None or match[1].lower() not in _DIRECTIVE_NAMES:
            break
        span = file.span(end - len(line), end)
        directive = Directive(span=span, name=match[1].lower(), value=match[2])
        if any(d.name == directive.name for d in found):
            raise UnreadableError(f"the parser directive `{directive.name}` is given twice", span)
        if directive.name == "escape" and directive.value not in ("\\", "`"):
            raise UnreadableError(
                f"the escape character is `{directive.value}`, neither a backslash nor a backtick", span
            )
        found.append(directive)
    return tuple(found)


def check_line_lengths(file: SourceFile) -> None:
    """Raises UnreadableError for a line of 64 KiB or more, which docker's readers refuse."""
    for number in range(1, file.line_count + 1):
        start, end = file.line_bounds(number)
        if end - start > _LONGEST_LINE // 4 and len(encode(file.text[start:end])) >= _LONGEST_LINE:
            raise UnreadableError("the line is longer than 64 KiB", file.span(start, start))
