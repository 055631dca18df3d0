"""What is cut out of a text, widened to whole lines: with the comments that speak of it, without doubled blank lines."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from migrate.source import Edit, SourceFile, Span


class UncertainEditError(Exception):
    """A command that goes stands where taking it out would change what stays; `span` is its place."""

    def __init__(self, reason: str, span: Span) -> None:
        super().__init__(reason)
        self.reason = reason
        self.span = span


_BLANKS = re.compile(r"[ \t]*")
_OPENS = re.compile(r"(?:^|[\s;])(?:then|do|else|\{|\()\s*$")
"""The end of a line behind which a body begins."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A whole statement that goes, from `start` to behind its terminator."""

    start: int
    end: int


def merged(edits: list[Edit]) -> list[Edit]:
    """Deletions that touch or overlap become one."""
    result: list[Edit] = []
    for edit in sorted(edits, key=lambda e: (e.span.start, e.span.end)):
        last = result[-1] if result else None
        if last is not None and not edit.text and not last.text and edit.span.start <= last.span.end:
            end = max(last.span.end, edit.span.end)
            result[-1] = Edit(span=edit.span.file.span(last.span.start, end), text="")
        else:
            result.append(edit)
    return result


def whole_lines(source: SourceFile, cuts: list[Cut], comments: set[int]) -> list[Edit]:
    """Cuts widened to whole lines where nothing else stands on them, with the comments that speak of them."""
    if not cuts:
        return []
    covered = _covered_lines(source, cuts)
    lines = set(covered)
    for first, last in _paragraphs(source, comments):
        statements = [n for n in range(first, last + 1) if _holds_statement(source.line(n))]
        if statements and all(n in covered for n in statements):
            lines |= set(range(first, last + 1))
    edits = [
        Edit(span=source.span(*source.line_bounds(n)), text="") for n in sorted(lines | blank_lines(source, lines))
    ]
    for cut in joined(source.text, cuts, _BLANKS):
        number = source.position(cut.start).line
        if number not in covered:
            edits.append(Edit(span=_within_line(source, cut), text=""))
    return edits


def _covered_lines(source: SourceFile, cuts: list[Cut]) -> set[int]:
    """Lines on which nothing stands but what goes (and a comment behind it)."""
    lines: set[int] = set()
    by_line: dict[int, list[Cut]] = {}
    for cut in cuts:
        first, last = source.position(cut.start).line, source.position(max(cut.start, cut.end - 1)).line
        for number in range(first, last + 1):
            by_line.setdefault(number, []).append(cut)
    for number, here in by_line.items():
        start, end = source.line_bounds(number)
        rest, at = "", start
        for cut in sorted(here, key=lambda c: c.start):
            rest += source.text[at : max(at, cut.start)]
            at = max(at, min(cut.end, end))
        rest += source.text[at:end]
        if not re.sub(r"#.*", "", rest).strip(" \t\r\n;\\"):
            lines.add(number)
    spanning = [c for c in cuts if source.position(c.start).line != source.position(max(c.start, c.end - 1)).line]
    for cut in spanning:
        span = range(source.position(cut.start).line, source.position(cut.end - 1).line + 1)
        if not all(n in lines for n in span):
            lines -= set(span)
    return lines


def _paragraphs(source: SourceFile, commented: set[int]) -> list[tuple[int, int]]:
    """Comment blocks with the statements under them: from a comment line to before the next blank or comment line."""
    comments = {n for n in commented if source.line(n).lstrip().startswith("#")}
    found, number = [], 1
    while number <= source.line_count:
        if number not in comments or source.line(number).startswith("#!"):
            number += 1
            continue
        first = number
        while number <= source.line_count and number in comments:
            number += 1
        last = number - 1
        while last + 1 <= source.line_count and source.line(last + 1).strip() and last + 1 not in comments:
            last += 1
        found.append((first, last))
        number = last + 1
    return found


def _holds_statement(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("#")


def blank_lines(source: SourceFile, lines: set[int]) -> set[int]:
    """Blank lines that would be left doubled, at the beginning of a body, or at the beginning or the end of the file."""
    extra: set[int] = set()
    previous_blank = True
    cut_since_text = False
    for number in range(1, source.line_count + 1):
        if number in lines:
            cut_since_text = True
            continue
        blank = not source.line(number).strip()
        if blank and previous_blank and cut_since_text:
            extra.add(number)
        elif not blank:
            cut_since_text = False
        previous_blank = blank or _OPENS.search(source.line(number)) is not None
    number = source.line_count
    if cut_since_text or number in lines:
        while number > 0 and (number in lines or not source.line(number).strip()):
            if number not in lines:
                extra.add(number)
            number -= 1
    return extra


def joined(text: str, cuts: Iterable[Cut], between: re.Pattern[str]) -> list[Cut]:
    """Cuts with nothing but `between` between them as one."""
    result: list[Cut] = []
    for cut in sorted(cuts, key=lambda c: c.start):
        if result and between.fullmatch(text, result[-1].end, max(result[-1].end, cut.start)):
            result[-1] = Cut(start=result[-1].start, end=cut.end)
        else:
            result.append(cut)
    return result


def _within_line(source: SourceFile, cut: Cut) -> Span:
    """The cut with the blanks behind it; where it ends the line, with the `;` before it instead."""
    text, start, end = source.text, cut.start, cut.end
    while end < len(text) and text[end] in " \t":
        end += 1
    if end < len(text) and text[end] not in "\r\n#":
        return source.span(start, end)
    before = text[:start].rstrip(" \t")
    return source.span(len(before.removesuffix(";")), cut.end)


def within_text(inside: Span, cuts: Iterable[Cut], between: str) -> list[Edit]:
    """Cuts of statements beside others in a text that ends with `inside` (a string): up to the next statement, or from behind the
    one before. `between` is a pattern for what may stand between statements."""
    text, found = inside.file.text, []
    joined: list[Cut] = []
    for cut in sorted((c for c in cuts if inside.start <= c.start and c.end <= inside.end), key=lambda c: c.start):
        if joined and re.fullmatch(between, text[joined[-1].end : cut.start]):
            joined[-1] = Cut(start=joined[-1].start, end=cut.end)
        else:
            joined.append(cut)
    for cut in joined:
        following = re.compile(between).match(text, cut.end, inside.end)
        start, end = cut.start, following.end() if following else cut.end
        if end == inside.end:
            start = inside.start + len(re.sub(between + "$", "", text[inside.start : start]))
        found.append(Edit(span=inside.file.span(start, end), text=""))
    return found
