"""What a shell word comes to: text, ids of things the script makes, and what isn't known, in a row.

`Unknown` is a value with a reason and a span; two unknowns of one origin and number are equal, so that `$NAME` from the
environment means the same container in `create` and in `rm`, and two calls of `date` don't.
"""

from dataclasses import dataclass, field, replace

from migrate.source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerId:
    """The id that `docker create` (or `run -d`) printed; `number` counts the script's containers."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageId:
    """The id that `docker build -q` printed; `number` counts the script's builds."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """`origin` names what it is (`environment variable X`), `number` tells apart what one origin gives at different
    moments; `span` is where it came up, and no part of its identity."""

    origin: str
    span: Span = field(compare=False)
    number: int = 0


MAX_TEXT = 2**20
"""Longest text that a value holds, in characters."""


class TooLongError(Exception):
    """A value grows beyond MAX_TEXT."""


Part = Text | ContainerId | ImageId | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A concatenation. Neighbouring texts are joined, so equal values compare equal."""

    parts: tuple[Part, ...]

    @classmethod
    def of(cls, text: str) -> "Value":
        return cls(parts=(Text(text=text),) if text else ())

    @classmethod
    def unknown(cls, origin: str, span: Span, number: int = 0) -> "Value":
        return cls(parts=(Unknown(origin=origin, span=span, number=number),))

    def __add__(self, other: "Value") -> "Value":
        """Raises TooLongError where the whole is longer than any command line."""
        if self.parts and other.parts:
            last, first = self.parts[-1], other.parts[0]
            if isinstance(last, Text) and isinstance(first, Text):
                if len(last.text) + len(first.text) > MAX_TEXT:
                    raise TooLongError
                return Value(parts=(*self.parts[:-1], Text(text=last.text + first.text), *other.parts[1:]))
        return Value(parts=(*self.parts, *other.parts))

    @property
    def text(self) -> str | None:
        """The whole as text; None where any part is not."""
        if not self.parts:
            return ""
        only = self.parts[0]
        return only.text if len(self.parts) == 1 and isinstance(only, Text) else None

    @property
    def first_unknown(self) -> Unknown | None:
        return next((p for p in self.parts if isinstance(p, Unknown)), None)

    @property
    def marked(self) -> str:
        """Text in which every part that is no text stands as one NUL, which no argument can hold."""
        return "".join(p.text if isinstance(p, Text) else "\0" for p in self.parts)

    def slice(self, start: int, end: int | None = None) -> "Value":
        """By positions in `marked`."""
        pieces: list[Value] = []
        at = 0
        stop = len(self.marked) if end is None else end
        for part in self.parts:
            length = len(part.text) if isinstance(part, Text) else 1
            low, high = max(start, at), min(stop, at + length)
            if low < high:
                pieces.append(
                    Value.of(part.text[low - at : high - at]) if isinstance(part, Text) else Value(parts=(part,))
                )
            at += length
        result = Value(parts=())
        for piece in pieces:
            result += piece
        return result

    def __str__(self) -> str:
        shown = []
        for part in self.parts:
            match part:
                case Text(text=text):
                    shown.append(text)
                case ContainerId(number=number):
                    shown.append(f"<container {number}>")
                case ImageId(number=number):
                    shown.append(f"<image {number}>")
                case Unknown(origin=origin):
                    shown.append(
                        origin.removeprefix("variable ")
                        .replace("`", "$" if origin.startswith("variable `") else "", 1)
                        .replace("`", "")
                    )
        return "".join(shown)


EMPTY = Value(parts=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """A shell array: index → value, the indexes of an indexed one in ascending order."""

    items: tuple[tuple[str, Value], ...]
    associative: bool = False

    @property
    def values(self) -> tuple[Value, ...]:
        return tuple(value for _, value in self.items)

    def get(self, index: str) -> Value | None:
        return next((value for key, value in self.items if key == index), None)

    def with_item(self, index: str, value: Value) -> "Array":
        items = {**dict(self.items), index: value}
        ordered = items.items() if self.associative else sorted(items.items(), key=lambda item: int(item[0]))
        return Array(items=tuple(ordered), associative=self.associative)

    def without(self, index: str) -> "Array":
        return Array(items=tuple(i for i in self.items if i[0] != index), associative=self.associative)

    def extended(self, values: "tuple[Value, ...]") -> "Array":
        """`name+=(…)` of an indexed array."""
        start = int(self.items[-1][0]) + 1 if self.items else 0
        return Array(items=(*self.items, *((str(start + i), v) for i, v in enumerate(values))))


Variable = Value | Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A command of the host that a stream goes through (`xz -z9`)."""

    words: tuple[Value, ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What a docker command writes to its standard output: `step` is the index of its event in the trace, `through` are the
    `cat`s that handed it on as it was, `opened` the redirections (`< file`) that did; `filters` are
    the commands that it went through since."""

    step: int
    span: Span
    filters: tuple[Filter, ...] = ()
    through: tuple[Span, ...] = ()

    opened: tuple[Span, ...] = ()

    def handed_on(self, command: Span) -> "Stream":
        return replace(self, through=(*self.through, command))

    def read(self, redirection: Span) -> "Stream":
        return replace(self, opened=(*self.opened, redirection))


Output = Value | Stream
"""What a command prints."""
