"""A recipe's lines as the shell gets them: expanded, without their prefixes, each a text of its own (GNU make manual, 5)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from migrate.source import HOLES, SourceFile, Span
from migrate.trace.holes import Holes
from migrate.trace.make.expansion import Expansion

_HOLE = f"[{chr(HOLES.start)}-{chr(HOLES.stop - 1)}]"
_NAME_IN_HOLE = re.compile(rf"(?<!\\)\$(?:\w*|\{{[^}}\n]*){_HOLE}")

_Stretch = tuple[str, Span, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeLine:
    """`source` is the text that the shell gets, with holes for what isn't known; `opaque` where a shell variable's name hangs on
    that. `ignoring` behind `-`, `silent` behind `@`."""

    source: SourceFile
    ignoring: bool
    silent: bool

    @property
    def opaque(self) -> bool:
        return _NAME_IN_HOLE.search(self.source.text) is not None


def expanded_lines(recipe: Sequence[Span], expansion: Expansion, holes: Holes, *, one_shell: bool) -> list[RecipeLine]:
    """All lines, expanded before the first one runs, as make does. Raises MakeError."""
    stretches = [_stretches(line, expansion, holes) for line in recipe]
    if one_shell:
        whole: list[_Stretch] = []
        for line, place in zip(stretches, recipe, strict=True):
            whole += [*line, ("\n", place.file.span(place.end, place.end), False)]
        return [_line(whole, everywhere=True)] if whole else []
    return [_line(piece) for line in stretches for piece in _split(line)]


def _stretches(line: Span, expansion: Expansion, holes: Holes) -> list[_Stretch]:
    """The line expanded, with where each stretch of it was written. A tab behind a continuation is none of the shell's."""
    found: list[_Stretch] = []
    for piece in expansion.pieces(line.text, line):
        place = line.file.span(line.start + piece.start, line.start + piece.end)
        if not piece.exact:
            found.append((holes.text(piece.value), place, False))
            continue
        at = 0
        text = place.text
        for tab in re.finditer(r"(?<=\\\n)\t", text):
            found.append((text[at : tab.start()], line.file.span(place.start + at, place.start + tab.start()), True))
            at = tab.end()
        found.append((text[at:], line.file.span(place.start + at, place.end), True))
    return [f for f in found if f[0]]


def _split(line: list[_Stretch]) -> list[list[_Stretch]]:
    """At the line ends that an expansion brought in."""
    result: list[list[_Stretch]] = [[]]
    for text, place, exact in line:
        if exact or "\n" not in text:
            result[-1].append((text, place, exact))
            continue
        for index, part in enumerate(re.split(r"(?<!\\)\n", text)):
            if index:
                result.append([])
            result[-1].append((part, place, False))
    return [r for r in result if r]


def _line(stretches: list[_Stretch], *, everywhere: bool = False) -> RecipeLine:
    """Without `@`, `-`, `+` and blanks at its start; `everywhere` at the start of each of its lines."""
    text = "".join(s[0] for s in stretches)
    prefix = re.match(r"[ \t@+-]*", text)
    marks = prefix[0] if prefix else ""
    path = stretches[0][1].file.path if stretches else None
    rest = _without(stretches, len(marks))
    if everywhere:
        kept: list[_Stretch] = []
        fresh = True
        for piece, place, exact in rest:
            cut = len(piece) - len(piece.lstrip(" \t@+-")) if fresh else 0
            kept += _without([(piece, place, exact)], cut)
            fresh = piece.endswith("\n")
        rest = kept
    if path is None or not rest:
        first = stretches[0][1]
        return RecipeLine(source=SourceFile.derived(first.file.path, [("", first, False)]), ignoring=False, silent=True)
    return RecipeLine(source=SourceFile.derived(path, rest), ignoring="-" in marks, silent="@" in marks)


def _without(stretches: list[_Stretch], count: int) -> list[_Stretch]:
    """Without the first `count` characters."""
    result: list[_Stretch] = []
    for text, place, exact in stretches:
        cut = min(count, len(text))
        count -= cut
        if cut < len(text):
            result.append((text[cut:], place.file.span(place.start + cut, place.end) if exact else place, exact))
    return result
