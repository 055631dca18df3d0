"""Compiled Python: what its header says of the source (PEP 552), its time and size or its hash. The code and the flags count."""

from migrate.compare.normalise.budget import Budget
from migrate.compare.normalise.inside import Inside

_CODE = (0x63, 0xE3)  # marshal's TYPE_CODE, without and with the flag that it may be referred to


def compare(legacy: bytes, migrated: bytes, budget: Budget, inside: Inside) -> frozenset[str] | None:  # noqa: ARG001
    """What else is needed, with both headers the legacy file's."""
    mark = _mark(legacy)
    if mark is None or mark != _mark(migrated):
        return None
    start, end = mark
    if legacy[:start] != migrated[:start] or legacy[start:end] == migrated[start:end]:
        return None
    return inside(legacy, legacy[:end] + migrated[end:])


def _mark(data: bytes) -> tuple[int, int] | None:
    """Where the header tells of the source. None where it is no header that is known."""
    if data[2:4] != b"\r\n":
        return None
    version = int.from_bytes(data[:2], "little")
    if version == 62211:  # 2.7: a time
        mark = (4, 8)
    elif 3200 <= version < 3390:  # 3.3 to 3.6: a time and a size
        mark = (4, 12)
    elif 3390 <= version < 4000:  # since 3.7 flags go ahead: a time and a size, or a hash that is checked or isn't
        if data[4:8] not in (b"\0\0\0\0", b"\1\0\0\0", b"\3\0\0\0"):
            return None
        mark = (8, 16)
    else:
        return None
    return mark if len(data) > mark[1] and data[mark[1]] in _CODE else None
