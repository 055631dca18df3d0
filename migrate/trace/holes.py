"""What isn't known within a text that is read as shell (a recipe after make has expanded it): one character, a hole, stands
for each unknown while the text is read, and a parameter of that name takes its place in the tree.
"""

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any

from migrate.shell.syntax import Literal, Parameter, Quoting, Word, WordPart
from migrate.source import HOLES, SourceFile, Span, has_holes
from migrate.trace.values import Part, Text, Value

_HOLE = re.compile(f"([{chr(HOLES.start)}-{chr(HOLES.stop - 1)}])")


class Holes:
    """Which character stands for which unknown; the same one always for equal ones."""

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._known: dict[Part, str] = {}

    def text(self, value: Value) -> str:
        """`value` with a hole for each part that is no text. Raises OverflowError where there are more unknowns than
        characters."""
        return "".join(p.text if isinstance(p, Text) else self._hole(p) for p in value.parts)

    def _hole(self, part: Part) -> str:
        if part not in self._known:
            if len(self._parts) == len(HOLES):
                raise OverflowError
            self._known[part] = chr(HOLES.start + len(self._parts))
            self._parts.append(part)
        return self._known[part]

    def value(self, text: str) -> Value:
        """The inverse of `text`."""
        result = Value(parts=())
        for piece in _HOLE.split(text):
            result += self.part(piece) or Value.of(piece)
        return result

    def part(self, name: str) -> Value | None:
        """What the parameter `name` stands for; None for any name that is no hole."""
        if len(name) != 1 or ord(name) not in HOLES or ord(name) - HOLES.start >= len(self._parts):
            return None
        return Value(parts=(self._parts[ord(name) - HOLES.start],))


def with_holes(node: Any, source: SourceFile) -> Any:
    """`node`, read from `source`, with parameters where its literals have holes."""
    return _replaced(node) if has_holes(source.text) else node


def _replaced(node: Any) -> Any:
    if isinstance(node, Word):
        return replace(node, parts=tuple(p for part in node.parts for p in _parts(part)))
    if isinstance(node, tuple):
        return tuple(map(_replaced, node))
    if is_dataclass(node) and not isinstance(node, type | Span | SourceFile):
        return replace(node, **{f.name: _replaced(getattr(node, f.name)) for f in fields(node)})
    return node


def _parts(part: WordPart) -> tuple[WordPart, ...]:
    if not isinstance(part, Literal):
        return (_replaced(part),)
    if not has_holes(part.text):
        return (part,)
    quoted = part.quoting is not Quoting.NONE
    pieces = [(text, part.span) for text in _HOLE.split(part.text)] if quoted else _written(part)
    found: list[WordPart] = []
    for text, span in pieces:
        if has_holes(text):
            found.append(Parameter(span=span, name=text, quoting=part.quoting))
        elif text:
            found.append(Literal(span=span, text=text, quoting=part.quoting))
    return tuple(found)


def _written(part: Literal) -> list[tuple[str, Span]]:
    """An unquoted literal by what was written: its backslashes are gone in the text only."""
    pieces, at = [], part.span.start
    for raw in _HOLE.split(part.span.text):
        text = re.sub(r"\\(.)", lambda m: "" if m[1] == "\n" else m[1], raw, flags=re.DOTALL)
        pieces.append((text, part.span.file.span(at, at + len(raw))))
        at += len(raw)
    return pieces
