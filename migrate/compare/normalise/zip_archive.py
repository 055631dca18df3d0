"""zip, and what is one (jar, whl, apk …): times, the order of entries, the versions of who wrote it, how well it was packed.

zipfile reads the directory at the end; the headers ahead of the contents are read here, since zipfile skips over them, and over
what may be hidden between two. An archive with a byte that has no place is not normalised.
"""

import struct
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO

from migrate.compare.normalise.budget import Budget, inflate
from migrate.compare.normalise.inside import Inside, NotPlainError

_LOCAL = struct.Struct("<4s5H3I2H")
_END = struct.Struct("<4s4H2IH")
_DESCRIPTOR = 0x8
_FLAGS = 0x806 | _DESCRIPTOR  # how well it is packed, and UTF-8; with any other (encryption, patches) it isn't plain
# who reads a jar as a stream finds its manifest only where it comes first
_LEADING = ("META-INF/", "META-INF/MANIFEST.MF", "mimetype")
_UNIX_TIMES, _NTFS, _OLD_UNIX, _ZIP64 = 0x5455, 0x000A, 0x5855, 0x0001


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`counts`: all that both headers say, without times, versions, sizes and sums. `crc` and `size` are the content's."""

    counts: tuple[object, ...]
    packed: bytes
    deflated: bool
    crc: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """`counts`: what is ahead of the entries and the comment behind them, how offsets count, and what comes first."""

    counts: tuple[object, ...]
    entries: dict[str, Entry]


def compare(legacy: bytes, migrated: bytes, budget: Budget, inside: Inside) -> frozenset[str] | None:
    """What the entries' contents need."""
    try:
        one = _read(legacy)
        other = _read(migrated)
        if one.counts != other.counts or one.entries.keys() != other.entries.keys():
            return None
        if any(entry.counts != other.entries[name].counts for name, entry in one.entries.items()):
            return None
        needed: frozenset[str] = frozenset()
        for name, entry in one.entries.items():
            found = _contents(entry, other.entries[name], budget, inside)
            if found is None:
                return None
            needed |= found
    except NotPlainError:
        return None
    return needed


def _contents(one: Entry, other: Entry, budget: Budget, inside: Inside) -> frozenset[str] | None:
    if (one.packed, one.crc, one.size) == (other.packed, other.crc, other.size):
        return frozenset()
    legacy, migrated = _unpacked(one, budget), _unpacked(other, budget)
    return frozenset() if legacy == migrated else inside(legacy, migrated)


def _unpacked(entry: Entry, budget: Budget) -> bytes:
    content = entry.packed
    if entry.deflated:
        found = inflate(entry.packed, 0, len(entry.packed), budget)
        if found is None or found[1] != len(entry.packed):
            raise NotPlainError
        content = found[0]
    if len(content) != entry.size or zlib.crc32(content) != entry.crc:
        raise NotPlainError
    return content


def _read(data: bytes) -> Archive:
    """All of it but the contents. NotPlainError where a byte has no place in the format."""
    if data.rfind(b"PK\5\6", max(0, len(data) - 65557)) < 0:
        raise NotPlainError  # told early: zipfile would look for longer
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            found, start, comment = archive.infolist(), archive.start_dir, archive.comment
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error, OSError) as error:
        raise NotPlainError from error
    infos = sorted(found, key=lambda info: info.header_offset)
    shift = _end(data, start, comment, found)
    stub = infos[0].header_offset if infos else start
    entries: dict[str, Entry] = {}
    at = stub
    for info, following in zip(infos, [*(i.header_offset for i in infos[1:]), start], strict=True):
        if info.header_offset != at or info.orig_filename in entries or info.volume:
            raise NotPlainError
        entries[info.orig_filename] = _entry(data, info, following)
        at = following
    leading = []
    for info in infos:
        if info.orig_filename not in _LEADING:
            break
        leading.append(info.orig_filename)
    return Archive(counts=(data[:stub], comment, shift, tuple(leading)), entries=entries)


def _end(data: bytes, start: int, comment: bytes, infos: list[zipfile.ZipInfo]) -> int:
    """By how much the archive's offsets are off, as behind a stub. The directory's lengths and the record at the end are checked:
    zipfile takes what is left where a length says more, and doesn't count. One with zip64's records isn't plain."""
    at = start
    for info in infos:
        lengths = struct.pack("<3H", len(_encoded(info)), len(info.extra), len(info.comment))
        if data[at + 28 : at + 34] != lengths:
            raise NotPlainError
        at += 46 + sum(struct.unpack("<3H", lengths))
    if at != len(data) - _END.size - len(comment):
        raise NotPlainError
    offset: int = _END.unpack_from(data, at)[6]
    record = (b"PK\5\6", 0, 0, len(infos), len(infos), at - start, offset, len(comment))
    if _END.unpack_from(data, at) != record or start < offset:
        raise NotPlainError
    return start - offset


def _encoded(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")


def _entry(data: bytes, info: zipfile.ZipInfo, following: int) -> Entry:
    """One whose two headers agree."""
    start = info.header_offset
    if start + _LOCAL.size > following or info.flag_bits & ~_FLAGS or info.compress_type not in (0, 8):
        raise NotPlainError
    sign, _, flags, method, _, _, *sums, name_size, extra_size = _LOCAL.unpack_from(data, start)
    begin = start + _LOCAL.size + name_size + extra_size
    end = begin + info.compress_size
    name = data[start + _LOCAL.size : start + _LOCAL.size + name_size]
    if (sign, flags, method, name) != (
        b"PK\3\4",
        info.flag_bits,
        info.compress_type,
        _encoded(info),
    ) or end > following:
        raise NotPlainError
    told = (info.CRC, info.compress_size, info.file_size)
    extra = data[begin - extra_size : begin]
    behind = _descriptor(data[end:following], told) if flags & _DESCRIPTOR else ""
    if end != following and not behind:
        raise NotPlainError
    system = info.create_system if info.external_attr >> 16 else "any"  # it says how the upper half is to be read
    counts = (
        *(info.flag_bits, info.compress_type, info.internal_attr, info.external_attr, system, info.comment),
        *(
            _extra(info.extra, told),
            _extra(extra, told),
            _sums(tuple(sums), told, extra, bool(flags & _DESCRIPTOR)),
            behind,
        ),
    )
    return Entry(counts=counts, packed=data[begin:end], deflated=method == 8, crc=info.CRC, size=info.file_size)


def _sums(local: tuple[int, ...], told: tuple[int, int, int], extra: bytes, follow: bool) -> tuple[str, ...]:
    """How the header ahead of a content tells its sum and sizes: as the directory does, not yet, or in its extra field."""
    ways = []
    for mine, theirs in zip(local, told, strict=True):
        if mine == theirs:
            ways.append("told")
        elif follow and mine == 0:
            ways.append("later")
        elif mine == 0xFFFFFFFF and any(kind == _ZIP64 for kind, _ in _extra(extra, told)):
            ways.append("zip64")
        else:
            raise NotPlainError
    return tuple(ways)


def _descriptor(data: bytes, told: tuple[int, int, int]) -> str:
    """Which of the four forms the record behind a content has that was written as a stream."""
    for form in ("<4sIII", "<4sIQQ", "<III", "<IQQ"):
        sign = (b"PK\7\x08",) if "s" in form else ()
        if data == struct.pack(form, *sign, *told):
            return form
    raise NotPlainError


def _extra(data: bytes, told: tuple[int, int, int]) -> tuple[tuple[int, bytes], ...]:
    """The extra fields, times blank. What isn't a sequence of fields is one (-1), as apk's alignment is."""
    fields: list[tuple[int, bytes]] = []
    at = 0
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        if at + 4 + size > len(data):
            break
        value = data[at + 4 : at + 4 + size]
        if kind == _UNIX_TIMES and size in (1, 5, 9, 13):
            value = value[:1] + b"?" * (size - 1)
        elif kind == _OLD_UNIX and size in (8, 12):
            value = b"?" * 8 + value[8:]
        elif kind == _NTFS and size == 32 and value[:8] == b"\0\0\0\0\1\0\x18\0":
            value = value[:8] + b"?" * 24
        elif kind == _ZIP64 and value == struct.pack("<QQ", told[2], told[1]):
            value = b"told"
        fields.append((kind, value))
        at += 4 + size
    return (*fields, (-1, data[at:]))
