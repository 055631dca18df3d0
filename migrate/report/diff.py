"""The file changes of a migration as one unified diff, in git's extended form, that `git apply` takes.

In: `FileChange`s. Out: bytes, since the files' own bytes (CR, NUL, what isn't UTF-8) go through as they are; never
print them to a terminal as text. Modes are not known here: a new file is 100644, and where a removed one was anything
else `git apply` warns and goes on. A symlink that is removed can't be said (git knows its text, a change the contents
behind it).
"""

import os
import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from migrate.source import FileChange

_CONTEXT_LINES = 3
_MODE = b"100644"
_NAMED_ESCAPES = {7: b"a", 8: b"b", 9: b"t", 10: b"n", 11: b"v", 12: b"f", 13: b"r", 34: b'"', 92: b"\\"}


def unified_diff(changes: tuple[FileChange, ...]) -> bytes:
    """The diff, in the order of the changes; empty where none changes anything."""
    return b"".join(part for change in changes if change.before != change.after for part in _file_diff(change))


def _file_diff(change: FileChange) -> Iterator[bytes]:
    path = os.fsencode(change.path)
    yield b"diff --git %s %s\n" % (_quoted(b"a/" + path), _quoted(b"b/" + path))
    if change.before is None:
        yield b"new file mode %s\n" % _MODE
    elif change.after is None:
        yield b"deleted file mode %s\n" % _MODE
    before, after = _lines(change.before), _lines(change.after)
    if not before and not after:
        return  # an empty file comes or goes: the mode line says it all
    yield b"--- %s\n" % (b"/dev/null" if change.before is None else _header_name(b"a/" + path))
    yield b"+++ %s\n" % (b"/dev/null" if change.after is None else _header_name(b"b/" + path))
    yield from _hunks(before, after)


def _hunks(before: list[bytes], after: list[bytes]) -> Iterator[bytes]:
    for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(_CONTEXT_LINES):
        old_range = _range(group[0][1], group[-1][2])
        new_range = _range(group[0][3], group[-1][4])
        yield b"@@ -%s +%s @@\n" % (old_range, new_range)
        for kind, old_start, old_end, new_start, new_end in group:
            if kind == "equal":
                yield from (_marked(b" ", line) for line in before[old_start:old_end])
            else:
                yield from (_marked(b"-", line) for line in before[old_start:old_end])
                yield from (_marked(b"+", line) for line in after[new_start:new_end])


def _lines(data: bytes | None) -> list[bytes]:
    """Lines with their ends; only LF ends one, as for git."""
    return re.findall(rb"[^\n]*\n|[^\n]+", data or b"")


def _range(start: int, end: int) -> bytes:
    """`start,count` counted from 1; an empty range names the line before it, a count of 1 is left out."""
    count = end - start
    if count == 1:
        return b"%d" % (start + 1)
    return b"%d,%d" % (start + (count > 0), count)


def _marked(mark: bytes, line: bytes) -> bytes:
    return mark + line if line.endswith(b"\n") else mark + line + b"\n\\ No newline at end of file\n"


def _quoted(name: bytes) -> bytes:
    """A file's name as git writes it: in C's quotes where it holds a quote, a backslash or a control character."""
    if not re.search(rb'[\x00-\x1f"\\\x7f]', name):
        return name
    return b'"' + b"".join(_escaped(byte) for byte in name) + b'"'


def _escaped(byte: int) -> bytes:
    if byte in _NAMED_ESCAPES:
        return b"\\" + _NAMED_ESCAPES[byte]
    return b"\\%03o" % byte if byte < 0x20 or byte == 0x7F else bytes((byte,))


def _header_name(name: bytes) -> bytes:
    """As `_quoted`; a name with a space ends in a tab, which parts it from a time stamp that others write there."""
    quoted = _quoted(name)
    return quoted + b"\t" if b" " in name and quoted == name else quoted
