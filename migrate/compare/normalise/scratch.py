"""Scratch folders in a content."""

import re

from migrate.compare.normalise.circumstances import Circumstances

# what can't go on behind a folder's name: `/tmp/run` is not in `/tmp/run2` nor in `/tmp/run.bak`, but in `in /tmp/run.`
_END = re.compile(rb"(?![A-Za-z0-9_-]|\.[A-Za-z0-9_])")


def folders_at(data: bytes, start: int, place: int, circumstances: Circumstances) -> list[tuple[int, int, object]]:
    """Every scratch folder that is named from `start` on, at or ahead of `place`, and not over ahead of it. The longest one
    counts where several stand at one place."""
    longest: dict[int, int] = {}
    for folder in circumstances.scratch:
        name = folder.rstrip(b"/")
        if len(name) < 2:
            continue  # a single character is no folder of ours
        at = data.find(name, max(start, place - len(name)), place + len(name))
        while at >= 0:
            if _END.match(data, at + len(name)):
                longest[at] = max(longest.get(at, 0), at + len(name))
            at = data.find(name, at + 1, place + len(name))
    return [(at, end, "scratch") for at, end in longest.items() if at <= place <= end]
