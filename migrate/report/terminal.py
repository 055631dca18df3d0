"""Diagnostics on a terminal, in rustc's manner.

In: diagnostics. Out: lines of styled pieces, or the same written to a stream: in colours where it is a terminal,
plain where it is a pipe, in CI, or where NO_COLOR is set (https://no-color.org). Nothing that a repository holds
reaches the terminal as a control: such characters are shown escaped (`visible`). The one module that imports rich.
"""

import os
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import TextIO

from migrate.diagnostics import Diagnostic, Label, Severity
from migrate.source import SourceFile, Span

_TAB = "    "
_WIDEST_LINE = 160  # characters of a source line that are shown; more is cut around the span
_CUT = "..."


class Role(Enum):
    """What a piece of a line is; the value is its style in rich's terms."""

    ERROR = "bold red"
    WARNING = "bold yellow"
    INFO = "bold cyan"
    MESSAGE = "bold"
    FRAME = "bold blue"
    TEXT = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Printable text, without control characters or line ends."""

    text: str
    role: Role = Role.TEXT


Line = tuple[Piece, ...]

_SEVERITY_ROLES = {Severity.ERROR: Role.ERROR, Severity.WARNING: Role.WARNING, Severity.INFO: Role.INFO}


def print_diagnostics(diagnostics: tuple[Diagnostic, ...], stream: TextIO) -> None:
    """Write all, ordered by file and line, a blank line after each; those without a place come last."""
    lines = [line for each in sorted(diagnostics, key=_order) for line in (*diagnostic_lines(each), ())]
    if _wants_colours(stream):
        from rich.console import Console
        from rich.text import Text

        console = Console(file=stream, force_terminal=True, highlight=False, soft_wrap=True)
        for line in lines:
            console.print(Text.assemble(*((encodable(p.text, stream), p.role.value) for p in line)))
    else:
        stream.writelines(encodable(plain(line), stream) + "\n" for line in lines)


class Screen:
    """A line at the bottom of a terminal, drawn again several times a second as `below` gives it, and lines above it that stay.
    To be closed, which takes the line away."""

    def __init__(self, stream: TextIO, below: Callable[[], str]) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        self._stream = stream
        self._text = Text
        self._console = Console(file=stream, highlight=False)

        def drawn() -> Text:
            return Text(encodable(below(), stream), style="dim", no_wrap=True, overflow="ellipsis")

        self._live = Live(
            get_renderable=drawn,
            console=self._console,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def above(self, line: str) -> None:
        """Printable text, as it is: nothing in it is markup."""
        self._console.print(self._text(encodable(line, self._stream)), soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it was found."""
        self._live.stop()


def plain(line: Line) -> str:
    return "".join(piece.text for piece in line).rstrip()


def diagnostic_lines(diagnostic: Diagnostic) -> tuple[Line, ...]:
    """The heading, the places with their source lines, the notes, the help, and where to read more."""
    role = _SEVERITY_ROLES[diagnostic.severity]
    labels = ((diagnostic.primary,) if diagnostic.primary else ()) + diagnostic.secondary
    width = max((len(str(label.span.position.line)) for label in labels), default=1)
    heading = Piece(text=f"{diagnostic.severity.value}[{diagnostic.rule.code}]", role=role)
    lines: list[Line] = [(heading, Piece(text=f": {visible(diagnostic.message)}", role=Role.MESSAGE))]
    # The primary label's file comes first; labels of one file stand together.
    files: dict[SourceFile, list[Label]] = {}
    for label in labels:
        files.setdefault(label.span.file, []).append(label)
    for number, members in enumerate(files.values()):
        lines += _excerpt(members, diagnostic.primary, role, width, arrow=":::" if number else "-->")
    notes = [("note", note) for note in diagnostic.notes]
    if diagnostic.help is not None:
        notes.append(("help", diagnostic.help))
    notes.append(("see", f"docs/rules/{diagnostic.rule.code}.md"))
    if labels:
        lines.append(_frame(width))
    for kind, text in notes:
        lines += _note(kind, text, width)
    return tuple(lines)


def _order(diagnostic: Diagnostic) -> tuple[bool, str, int, str]:
    if diagnostic.primary is None:
        return (True, "", 0, diagnostic.rule.code)
    span = diagnostic.primary.span
    return (False, str(span.file.path), span.start, diagnostic.rule.code)


def _excerpt(labels: list[Label], primary: Label | None, role: Role, width: int, *, arrow: str) -> Iterator[Line]:
    """One file's place and source lines, each with its labels underlined below it."""
    place = labels[0].span.position
    path = visible(str(labels[0].span.file.path))
    if arrow == ":::":
        yield _frame(width)
    yield (
        Piece(text=f"{' ' * width}{arrow} ", role=Role.FRAME),
        Piece(text=f"{path}:{place.line}:{place.column}"),
    )
    yield _frame(width)
    previous = None
    ordered = sorted(labels, key=lambda label: (label.span.position.line, label is not primary, label.span.start))
    for number, members in groupby(ordered, key=lambda label: label.span.position.line):
        if previous is not None and number > previous + 1:
            yield (Piece(text="...", role=Role.FRAME),)
        previous = number
        spans = list(members)
        window = _window(spans[0].span, number)
        source = spans[0].span.file.line(number)
        yield (_gutter(str(number), width), Piece(text=window.show(source)))
        for label in spans:
            mark, style = ("^", role) if label is primary else ("-", Role.FRAME)
            indent, marks = window.underline(source, label.span, mark)
            text = f" {visible(label.text)}" if label.text else ""
            yield (_gutter("", width), Piece(text=" " * indent), Piece(text=marks + text, role=style))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """The columns (from 0, `end` exclusive) of a source line that are shown; `line_start` is the line's offset."""

    line_start: int
    start: int
    end: int

    def show(self, source: str) -> str:
        cut_before = _CUT if self.start else ""
        cut_after = _CUT if self.end < len(source) else ""
        return cut_before + visible(source[self.start : self.end], tab=_TAB) + cut_after

    def underline(self, source: str, span: Span, mark: str) -> tuple[int, str]:
        """How far the marks stand in, and the marks; a span that goes on below is marked to the end of its line."""
        first = min(max(span.start - self.line_start, self.start), self.end)
        last = min(max(span.end - self.line_start, first), self.end)
        indent = (len(_CUT) if self.start else 0) + _width(source[self.start : first])
        return indent, mark * max(_width(source[first:last]), 1)


def _window(span: Span, number: int) -> _Window:
    line_start, _ = span.file.line_bounds(number)
    length = len(span.file.line(number))
    if length <= _WIDEST_LINE:
        return _Window(line_start=line_start, start=0, end=length)
    start = min(max(span.start - line_start - _WIDEST_LINE // 4, 0), length - _WIDEST_LINE)
    return _Window(line_start=line_start, start=start, end=start + _WIDEST_LINE)


def _note(kind: str, text: str, width: int) -> Iterator[Line]:
    """`= kind: text`; further lines of the text are set in below the first."""
    heading = f"{' ' * width} = "
    for number, part in enumerate(text.split("\n")):
        if number == 0:
            pieces = (Piece(text=heading, role=Role.FRAME), Piece(text=kind, role=Role.MESSAGE))
            yield (*pieces, Piece(text=f": {visible(part)}"))
        else:
            yield (Piece(text=" " * (len(heading) + len(kind) + 2) + visible(part)),)


def _frame(width: int) -> Line:
    return (Piece(text=f"{' ' * width} |", role=Role.FRAME),)


def _gutter(number: str, width: int) -> Piece:
    return Piece(text=f"{number:>{width}} | ", role=Role.FRAME)


def visible(text: str, *, tab: str | None = None) -> str:
    """`text` without anything that a terminal obeys or that hides or turns other text.

    Escaped are control, format (bidirectional marks, zero-width), line and paragraph separator characters and lone
    surrogates, of which those that stand for a byte become `\\xNN`. A tab becomes `tab` where that is given.
    """
    return "".join(_shown(character, tab) for character in text)


def _shown(character: str, tab: str | None) -> str:
    if character == "\t" and tab is not None:
        return tab
    if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as migrate.source decodes it
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _width(source: str) -> int:
    """Terminal columns that `source` takes as it is shown."""
    return sum(_character_width(character) for character in visible(source, tab=_TAB))


def _character_width(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def encodable(text: str, stream: TextIO) -> str:
    """What the stream's encoding lacks becomes an escape: a report must not end in a traceback."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _wants_colours(stream: TextIO) -> bool:
    silent = os.environ.get("NO_COLOR") or os.environ.get("CI") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not silent
