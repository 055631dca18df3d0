"""Reading, third step: the here-documents that an instruction's line announces, found in the lines after it."""

import re
from dataclasses import dataclass

from migrate.dockerfile.expand import here_document_name, here_document_words
from migrate.dockerfile.instructions import HereDocument
from migrate.dockerfile.lines import LogicalLine, line_bounds
from migrate.dockerfile.words import Head, split_head, split_json
from migrate.source import SourceFile

_ANNOUNCEMENT = re.compile(r"\d*<<(-?)([\t\r ]*)([^<]*)")
_TABS = re.compile(r"^\t+", re.MULTILINE)
_INSTRUCTIONS = ("RUN", "COPY", "ADD")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Announcement:
    name: str
    expands: bool
    strips_tabs: bool
    spaced: bool


def here_documents(line: LogicalLine, head: Head, escape: str, after: int) -> tuple[tuple[HereDocument, ...], int]:
    """The here-documents of an instruction whose own lines end before line `after` (from 1), and the line after them.

    Raises UnreadableError where one has no end.
    """
    if not _can_have_any(line, head, escape):
        return (), after
    found: list[HereDocument] = []
    for announcement in _announcements(line):
        last = _terminator(line.file, after, announcement)
        if last is None and announcement.spaced:
            # BuildKit 0.12 takes `<< NAME` for no here-document, later ones do: only one reading builds.
            continue
        if last is None:
            raise line.error(f"the here-document `{announcement.name}` has no end")
        start = line.file.line_bounds(after)[0]
        body = line.file.text[start : line.file.line_bounds(last)[0]]
        found.append(
            HereDocument(
                span=line.file.span(start, line_bounds(line.file, last)[1]),
                name=announcement.name,
                expands=announcement.expands,
                body=_TABS.sub("", body) if announcement.strips_tabs else body,
            )
        )
        after = last + 1
    return tuple(found), after


def _can_have_any(line: LogicalLine, head: Head, escape: str) -> bool:
    if "<<" not in line.text:
        return False
    if head.keyword == "ONBUILD" and head.rest.text:
        head = split_head(line, escape, head.rest.start)
    return head.keyword in _INSTRUCTIONS and split_json(line, head.rest) is None


def _announcements(line: LogicalLine) -> list[_Announcement]:
    found: list[_Announcement] = []
    for word in here_document_words(line.text):
        match = _ANNOUNCEMENT.fullmatch(word)
        if match is None or not match[3]:
            continue
        try:
            name = here_document_name(match[3])
        except ValueError as error:
            raise line.error(f"the delimiter of a here-document: {error}") from None
        if name is not None:
            strips = match[1] == "-"
            found.append(_Announcement(name=name[0], expands=not name[1], strips_tabs=strips, spaced=bool(match[2])))
    return found


def _terminator(file: SourceFile, after: int, announcement: _Announcement) -> int | None:
    for number in range(after, file.line_count + 1):
        start, end = file.line_bounds(number)
        text = file.text[start:end].rstrip("\r\n")
        if announcement.strips_tabs:
            text = text.lstrip("\t")
        if text == announcement.name:
            return number
    return None


def is_announcement(word: str) -> bool:
    """Whether a source of COPY or ADD is a here-document."""
    match = _ANNOUNCEMENT.fullmatch(word)
    if match is None or not match[3]:
        return False
    try:
        return here_document_name(match[3]) is not None
    except ValueError:
        return False
