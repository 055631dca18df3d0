"""Files of a repository as text, and places in them.

Bottom of the house: everything that points at a line imports this.
"""

import bisect
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place as a person reads it; line and column count from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One file of the repository, decoded so that writing it back gives the same bytes.

    `path` is relative to the repository's root. Line ends stay as they are; bytes that are not UTF-8 become lone
    surrogates (PEP 383) and are turned back by `encode`.
    """

    path: PurePosixPath
    text: str
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [0]
        starts.extend(i + 1 for i, c in enumerate(self.text) if c == "\n")
        object.__setattr__(self, "_starts", tuple(starts))

    @classmethod
    def read(cls, root: Path, path: PurePosixPath) -> "SourceFile":
        """Read `root`/`path`; raises OSError as the file system gives it."""
        return cls(path=path, text=decode((root / path).read_bytes()))

    def position(self, offset: int) -> Position:
        line = bisect.bisect_right(self._starts, offset)
        return Position(line=line, column=offset - self._starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """Line `number` (from 1) without its line end."""
        start, end = self.line_bounds(number)
        return self.text[start:end].rstrip("\r\n")

    def line_bounds(self, number: int) -> tuple[int, int]:
        """Offsets of line `number` (from 1), its line end included."""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return start, end

    @property
    def line_count(self) -> int:
        """How many lines hold text; a final line end opens no further line."""
        return len(self._starts) - (self._starts[-1] == len(self.text))

    def span(self, start: int, end: int) -> "Span":
        return Span(file=self, start=start, end=end)

    def whole(self) -> "Span":
        return Span(file=self, start=0, end=len(self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of a file, by character offsets; `end` is exclusive."""

    file: SourceFile = field(repr=False)
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.file.text[self.start : self.end]

    @property
    def position(self) -> Position:
        return self.file.position(self.start)

    def __str__(self) -> str:
        place = self.position
        return f"{self.file.path}:{place.line}:{place.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Replace the text of a span; an empty `text` deletes it, an empty span inserts."""

    span: Span
    text: str


def apply_edits(file: SourceFile, edits: list[Edit]) -> str:
    """`file`'s text with all edits made, from the end backwards.

    Raises ValueError where two edits overlap or one is for another file: a bug of the caller's, never of the input's.
    """
    text, bound = file.text, len(file.text)
    for edit in sorted(edits, key=lambda e: (e.span.start, e.span.end), reverse=True):
        if edit.span.file is not file or edit.span.end > bound:
            raise ValueError(f"edit at {edit.span} overlaps another or is for another file")
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
        bound = edit.span.start
    return text


def decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file that a migration writes or removes. `path` is relative to the repository's root.

    `before` is what was read (None: the file was not there), `after` what it becomes (None: it is removed). A file keeps
    its mode; a new one gets 0o644.
    """

    path: PurePosixPath
    before: bytes | None
    after: bytes | None
