"""tar: modification times, what pax headers say of times, and the order of entries where it makes no difference.

The blocks are walked here: tarfile hides the bytes that nothing reads, which count, and can be led around in circles by a
negative size (CVE-2025-8194, in versions of Python that this runs on).
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from migrate.compare.normalise.budget import Budget
from migrate.compare.normalise.inside import Inside, NotPlainError, needed_by_all

BLOCK = 512
_RECORD = 20 * BLOCK  # what archives are filled up to
_FILES, _LINK, _SYMLINK, _EMPTY = b"0\x007", b"1", b"2", b"123456"
_TIMES = (b"mtime", b"atime", b"ctime", b"LIBARCHIVE.creationtime")
_MTIME, _SIZE, _CHECKSUM = slice(136, 148), slice(124, 136), slice(148, 156)
_PROCESS = re.compile(rb"(?<=/PaxHeaders\.)\d+(?=/)")  # GNU tar puts its own process id there
_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`counts`: its header, and what was said ahead of it (pax, GNU's long names), without times and sizes."""

    path: bytes
    type: bytes
    target: bytes
    counts: tuple[bytes, ...]
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """`ordered`: its entries mean something else in another order. `end`: what is behind them."""

    entries: list[Entry]
    ordered: bool
    end: bytes | None


def compare(legacy: bytes, migrated: bytes, budget: Budget, inside: Inside) -> frozenset[str] | None:  # noqa: ARG001
    """What the entries' contents need."""
    try:
        one, other = _read(legacy), _read(migrated)
    except NotPlainError:
        return None
    if one.end != other.end or len(one.entries) != len(other.entries):
        return None
    mine, others = one.entries, other.entries
    if not one.ordered and not other.ordered:
        mine, others = sorted(mine, key=_path), sorted(others, key=_path)
    if [e.counts for e in mine] != [e.counts for e in others]:
        return None
    return needed_by_all([(a.content, b.content) for a, b in zip(mine, others, strict=True)], inside)


def _path(entry: Entry) -> bytes:
    return entry.path


def _read(data: bytes) -> Archive:
    """All of it. NotPlainError where a byte has no place in the format."""
    entries: list[Entry] = []
    ahead: list[bytes] = []
    path = target = None
    whole = False
    at = 0
    for header, content, end in _blocks(data):
        at = end
        kind = header[156:157]
        if kind in b"xg":
            records = _records(content)
            path = records.get(b"path", path)
            target = records.get(b"linkpath", target)
            rest = b"".join(b"%s=%s\n" % item for item in records.items() if not _is_time(*item))
            if rest:
                ahead += [_PROCESS.sub(b"", _plain(header)), rest]
            whole = whole or (kind == b"g" and bool(rest))
        elif kind in b"LK":
            path, target = (content.rstrip(b"\0"), target) if kind == b"L" else (path, content.rstrip(b"\0"))
            ahead += [_plain(header), content]
        else:
            said = _name(header) if path is None else path
            link = header[157:257].split(b"\0")[0] if target is None else target
            counts = (said, *ahead, _plain(header))
            entries.append(Entry(path=said, type=kind, target=link, counts=counts, content=content))
            ahead, path, target = [], None, None
    if ahead or not entries:
        raise NotPlainError
    return Archive(entries=entries, ordered=whole or _ordered(entries), end=_end(data, at))


def _blocks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Each header with its content, and where the next one would start."""
    at = 0
    while at + BLOCK <= len(data) and data[at] != 0:
        header = data[at : at + BLOCK]
        size = _sound(header)
        start = at + BLOCK
        at = start + (size + BLOCK - 1) // BLOCK * BLOCK
        if at > len(data) or data[start + size : at].strip(b"\0"):
            raise NotPlainError
        yield header, data[start : start + size], at


def _sound(header: bytes) -> int:
    """The size of its content, if it is a header of a type that is known and its sum is right."""
    blank = header[:148] + b" " * 8 + header[156:]
    kind = header[156:157]
    if header[257:262] != b"ustar" or _number(header[_CHECKSUM]) != sum(blank):
        raise NotPlainError
    _number(header[_MTIME])
    size = _number(header[_SIZE])
    if kind not in _FILES + _EMPTY + b"xgLK" or (size and kind in _EMPTY):
        raise NotPlainError
    return size


def _number(field: bytes) -> int:
    """Octal; or GNU's base-256 of what is not negative."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    octal = _OCTAL.fullmatch(field)
    if octal is None:
        raise NotPlainError
    return int(octal[1] or b"0", 8)


def _plain(header: bytes) -> bytes:
    """Without time, size and sum. The size is that of the content, which is compared."""
    return header[:124] + header[156:]


def _name(header: bytes) -> bytes:
    prefix = header[345:500].split(b"\0")[0] if header[262:263] == b"\0" else b""
    name = header[:100].split(b"\0")[0]
    return prefix + b"/" + name if prefix else name


def _records(content: bytes) -> dict[bytes, bytes]:
    """The records of a pax header. A size or a sparse map would change how the file is read: not plain."""
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(content):
        length = re.compile(rb"([1-9]\d{0,8}) ([^=]+)=").match(content, at)
        end = at + int(length[1]) if length else 0
        if length is None or not length.end() < end <= len(content) or content[end - 1 : end] != b"\n":
            raise NotPlainError
        key = length[2]
        if key in records or key == b"size" or key.startswith(b"GNU.sparse"):
            raise NotPlainError
        records[key] = content[length.end() : end - 1]
        at = end
    return records


def _is_time(key: bytes, value: bytes) -> bool:
    return key in _TIMES and re.fullmatch(rb"-?\d+(\.\d+)?", value) is not None


def _ordered(entries: list[Entry]) -> bool:
    """Whether another order could unpack to something else: a path twice, one through a symbolic link of the archive, a path
    that leads out, a hard link ahead of what it links to."""
    seen: set[bytes] = set()
    links = {_normal(e.path) for e in entries if e.type == _SYMLINK}
    for entry in entries:
        path = _normal(entry.path)
        parents = path.split(b"/")
        if path in seen or path.startswith(b"../") or b".." in parents:
            return True
        if links and any(b"/".join(parents[:n]) in links for n in range(1, len(parents))):
            return True
        if entry.type == _LINK and _normal(entry.target) not in seen:
            return True
        seen.add(path)
    return False


def _normal(path: bytes) -> bytes:
    return posixpath.normpath(path.lstrip(b"/"))


def _end(data: bytes, at: int) -> bytes | None:
    """What is behind the entries. None for zeros up to a whole record: how many they are follows from the contents' sizes."""
    rest = data[at:]
    blank = not rest.strip(b"\0") and 2 * BLOCK <= len(rest) < _RECORD + 2 * BLOCK and len(data) % _RECORD == 0
    return None if blank else rest
