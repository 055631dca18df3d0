"""Scratch folders in a content."""

import re

from migrate.compare.normalise.circumstances import Circumstances

# what can't go on behind a folder's name: `/tmp/run` is not in `/tmp/run2` nor in `/tmp/run.bak`, but in `in /tmp/run.`
_END = re.compile(rb"(?![A-Za-z0-9_-]|\.[A-Za-z0-9_])")


def folders_at(data: bytes, start: int, place: int, circumstances: Circumstances) -> list[tuple[int, int, object]]:
    """Every scratch folder that is named from `start` on, at or ahead of `place`. The longest one counts where several stand at
    one place."""
    names = _names(circumstances)
    reach = max(map(len, names), default=0)
    longest: dict[int, int] = {}
    for name in names:
        end = place + len(name)
        at = data.find(name, max(start, place - reach), end)
        while at >= 0:
            if _END.match(data, at + len(name)):
                longest[at] = max(longest.get(at, 0), at + len(name))
            at = data.find(name, at + 1, end)
    return [(at, end, "scratch") for at, end in longest.items()]


def folders_in(data: bytes, circumstances: Circumstances) -> list[tuple[int, int, object]]:
    """Every scratch folder that is named, in order; the longest one where several stand at one place."""
    names = sorted(_names(circumstances), key=len, reverse=True)
    if not names:
        return []
    named = re.compile(b"(?:" + b"|".join(map(re.escape, names)) + b")" + _END.pattern)
    return [(match.start(), match.end(), "scratch") for match in named.finditer(data)]


def _names(circumstances: Circumstances) -> list[bytes]:
    folders = (folder.rstrip(b"/") for folder in circumstances.scratch)
    return [name for name in folders if len(name) > 1]  # not the root
