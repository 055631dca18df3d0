"""STUB."""

import re
from dataclasses import dataclass

NAMES = ("dates", "scratch-paths")


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    window: tuple[float, float]
    scratch: tuple[bytes, ...]


def plain(data: bytes, circumstances: Circumstances, disabled: frozenset[str] = frozenset()) -> bytes:
    return re.sub(rb"2026[-0-9:TZ ]+|\b1[78]\d{8}\b", b"DATE", data)


def equal_under(
    legacy: bytes, migrated: bytes, circumstances: Circumstances, disabled: frozenset[str] = frozenset()
) -> frozenset[str] | None:
    if "dates" in disabled:
        return None
    return frozenset({"dates"}) if plain(legacy, circumstances) == plain(migrated, circumstances) else None
