"""Files of a repository as text, and places in them.

Bottom of the house: everything that points at a line imports this.
"""

import bisect
import re
from collections.abc import Iterable
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

    A text that no file holds as it is (a recipe after expansion, a block of a YAML file) is derived: `chunks` say, in order
    and without gaps, where each stretch of it stands in a file of the repository.
    """

    path: PurePosixPath
    text: str
    chunks: "tuple[Chunk, ...]" = field(default=(), repr=False)
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [0]
        starts.extend(i + 1 for i, c in enumerate(self.text) if c == "\n")
        object.__setattr__(self, "_starts", tuple(starts))

    @classmethod
    def derived(cls, path: PurePosixPath, pieces: "Iterable[tuple[str, Span, bool]]") -> "SourceFile":
        """A text made of `pieces`: the text, where it stands, and whether it stands there character by character."""
        text: list[str] = []
        chunks: list[Chunk] = []
        at = 0
        for piece, place, exact in pieces:
            text.append(piece)
            chunks.append(Chunk(start=at, end=at + len(piece), place=place, exact=exact))
            at += len(piece)
        return cls(path=path, text="".join(text), chunks=tuple(chunks))

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
        """Where it stands in a file of the repository."""
        origin = self.origin
        return origin.file.position(origin.start)

    @property
    def origin(self) -> "Span":
        """The piece of a file of the repository that this came from: of a stretch that was expanded, all that stands there."""
        chunks = self.file.chunks
        if not chunks:
            return self
        first = _chunk(chunks, self.start)
        last = _chunk(chunks, max(self.start, self.end - 1))
        start = first.place.start + (min(self.start, first.end) - first.start if first.exact else 0)
        end = last.place.start + (self.end - last.start) if last.exact else last.place.end
        if first.place.file is not last.place.file:
            end = first.place.end
        return first.place.file.span(start, max(start, end)).origin

    @property
    def is_exact(self) -> bool:
        """Whether both ends stand in a file of the repository, and so `origin` may be edited in its place."""
        chunks = self.file.chunks
        if not chunks:
            return True
        first, last = _chunk(chunks, self.start), _chunk(chunks, max(self.start, self.end - 1))
        if first.place.file is not last.place.file:
            return False
        return (first.exact or self.start == first.start) and (last.exact or self.end in (last.end, self.start))

    @property
    def is_written(self) -> bool:
        """Whether it begins with a character that stands in a file of the repository."""
        return not self.file.chunks or _chunk(self.file.chunks, self.start).exact

    def __str__(self) -> str:
        place = self.position
        return f"{self.origin.file.path}:{place.line}:{place.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """`start` to `end` of a derived text comes from `place`: character by character where `exact`, else as a whole."""

    start: int
    end: int
    place: Span
    exact: bool


def _chunk(chunks: tuple[Chunk, ...], offset: int) -> Chunk:
    """The chunk that holds `offset`; the last one for the end of the text."""
    at = bisect.bisect_right(chunks, offset, key=lambda c: c.start) - 1
    while at > 0 and chunks[at].start == chunks[at].end:
        at -= 1
    return chunks[at]


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
        if edit.span.file != file or edit.span.end > bound:
            raise ValueError(f"edit at {edit.span} overlaps another or is for another file")
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
        bound = edit.span.start
    return text


HOLES = range(0x100000, 0x10FFFE)
"""Code points (of the last private-use plane) that stand in a derived text for what isn't known of it."""
_HOLE = re.compile(f"[{chr(HOLES.start)}-{chr(HOLES.stop - 1)}]+")


def has_holes(text: str) -> bool:
    return _HOLE.search(text) is not None


def without_holes(text: str) -> str:
    """`text` as a person reads it."""
    return _HOLE.sub("…", text) if not text.isascii() else text


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
