"""gzip: the header's time, system and level. A name counts, scratch folders apart: `gunzip -N` gives it to the file."""

import struct
import zlib
from dataclasses import dataclass

from migrate.compare.normalise.budget import Budget, inflate
from migrate.compare.normalise.inside import Inside, needed_by_all

MAGIC = b"\x1f\x8b\x08"
_HEADER_CRC, _EXTRA, _NAME, _COMMENT, _RESERVED = 2, 4, 8, 16, 0xE0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One member. `counts`: flags, extra field, comment."""

    counts: tuple[int, bytes, bytes]
    name: bytes
    content: bytes


def compare(legacy: bytes, migrated: bytes, budget: Budget, inside: Inside) -> frozenset[str] | None:
    """What the contents and names need. Members stand for themselves; what follows the last counts."""
    one = _streams(legacy, budget)
    other = _streams(migrated, budget) if one else None
    if one is None or other is None:
        return None
    (streams, rest), (others, other_rest) = one, other
    if rest != other_rest or [s.counts for s in streams] != [s.counts for s in others]:
        return None
    pairs = list(zip(streams, others, strict=True))
    return needed_by_all([p for a, b in pairs for p in ((a.name, b.name), (a.content, b.content))], inside)


def _streams(data: bytes, budget: Budget) -> tuple[list[Stream], bytes] | None:
    """Its members and what follows them (RFC 1952). None where the first is not whole and sound."""
    streams: list[Stream] = []
    at = 0
    while data.startswith(MAGIC, at):
        found = _stream(data, at, budget)
        if found is None:
            return None
        stream, at = found
        streams.append(stream)
    return (streams, data[at:]) if streams else None


def _stream(data: bytes, start: int, budget: Budget) -> tuple[Stream, int] | None:
    """The member at `start` and where it ends."""
    if start + 18 > len(data):
        return None
    flags, at = data[start + 3], start + 10
    extra = name = comment = b""
    if flags & _EXTRA:
        extra = data[at : at + 2 + int.from_bytes(data[at : at + 2], "little")]
        at += len(extra)
    if flags & _NAME:
        name = _word(data, at)
        at += len(name)
    if flags & _COMMENT:
        comment = _word(data, at)
        at += len(comment)
    if flags & _HEADER_CRC:
        if data[at : at + 2] != struct.pack("<H", zlib.crc32(data[start:at]) & 0xFFFF):
            return None
        at += 2
    found = None if flags & _RESERVED else inflate(data, at, len(data), budget)
    if found is None:
        return None
    content, at = found
    if data[at : at + 8] != struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF):
        return None
    return Stream(counts=(flags, extra, comment), name=name, content=content), at + 8


def _word(data: bytes, start: int) -> bytes:
    """Up to its NUL, and with it."""
    end = data.find(b"\0", start)
    return data[start:] if end < 0 else data[start : end + 1]
