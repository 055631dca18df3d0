"""ar: the date and owner in a member's header. The linker reads neither (`ar D` writes zeros); mode and order count."""

import re
from dataclasses import dataclass

from migrate.compare.normalise.budget import Budget
from migrate.compare.normalise.inside import Inside, needed_by_all

MAGIC = b"!<arch>\n"
_HEADER = re.compile(rb"(.{16})(.{12})(.{6})(.{6})(.{8})(0|[1-9]\d*) *`\n", re.DOTALL)
_LEFT = re.compile(rb"\d* *")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """`counts` is what of its header counts, and what is behind its content."""

    counts: tuple[bytes, ...]
    content: bytes


def compare(legacy: bytes, migrated: bytes, budget: Budget, inside: Inside) -> frozenset[str] | None:  # noqa: ARG001
    """What the members' contents need."""
    one = _members(legacy)
    other = _members(migrated) if one else None
    if one is None or other is None or [m.counts for m in one] != [m.counts for m in other]:
        return None
    return needed_by_all([(a.content, b.content) for a, b in zip(one, other, strict=True)], inside)


def _members(data: bytes) -> list[Member] | None:
    """In their order. None where any byte has no place in the format."""
    if not data.startswith(MAGIC):
        return None
    members = []
    at = len(MAGIC)
    while at < len(data):
        header = _HEADER.fullmatch(data, at, at + 60)
        if header is None or not all(_LEFT.fullmatch(field) for field in header.group(2, 3, 4)):
            return None
        name, *_, mode, size = header.groups()
        start, end = at + 60, at + 60 + int(size)
        if end > len(data):
            return None
        # a content of odd length is followed by one byte, which some leave out at the very end
        at = end + (end - start) % 2
        members.append(Member(counts=(name, mode, data[end:at]), content=data[start:end]))
    return members
