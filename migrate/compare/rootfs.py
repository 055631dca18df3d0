"""Two images' files → what differs, path by path. Modification times are not compared (semantics.md, section 1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from migrate.image import FileEntry, FileType


class DeltaKind(Enum):
    ADDED = "only in the migrated image"
    REMOVED = "only in the legacy image"
    TYPE = "type"
    CONTENT = "content"
    MODE = "mode"
    OWNER = "owner"
    LINK = "link target"
    DEVICE = "device"
    XATTRS = "extended attributes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """One difference at `path`; a path may have several. `legacy` and `migrated` are in words, empty where it is not there."""

    path: str
    kind: DeltaKind
    legacy: str
    migrated: str

    def __str__(self) -> str:
        if self.kind in (DeltaKind.ADDED, DeltaKind.REMOVED):
            return f"{self.path}: {self.kind.value}"
        return f"{self.path}: {self.kind.value} {self.legacy} became {self.migrated}"


def compare_files(legacy: Mapping[str, FileEntry], migrated: Mapping[str, FileEntry]) -> tuple[Delta, ...]:
    """Every difference, by path."""
    deltas: list[Delta] = []
    for path in sorted({*legacy, *migrated}):
        one, other = legacy.get(path), migrated.get(path)
        if one is None or other is None:
            kind = DeltaKind.ADDED if one is None else DeltaKind.REMOVED
            deltas.append(Delta(path=path, kind=kind, legacy=_type(one), migrated=_type(other)))
        elif one != other:
            deltas += _entry(path, one, other)
    return tuple(deltas)


def _entry(path: str, one: FileEntry, other: FileEntry) -> list[Delta]:
    if one.type is not other.type:
        return [Delta(path=path, kind=DeltaKind.TYPE, legacy=one.type.value, migrated=other.type.value)]
    pairs = [
        (DeltaKind.CONTENT, _content(one), _content(other)),
        (DeltaKind.MODE, f"{one.mode:04o}", f"{other.mode:04o}"),
        (DeltaKind.OWNER, f"{one.uid}:{one.gid}", f"{other.uid}:{other.gid}"),
        (DeltaKind.LINK, one.link or "", other.link or ""),
        (DeltaKind.DEVICE, _device(one), _device(other)),
        (DeltaKind.XATTRS, _xattrs(one), _xattrs(other)),
    ]
    return [Delta(path=path, kind=k, legacy=a, migrated=b) for k, a, b in pairs if a != b]


def _type(entry: FileEntry | None) -> str:
    return entry.type.value if entry else ""


def _content(entry: FileEntry) -> str:
    return f"sha256:{entry.digest} ({entry.size} bytes)" if entry.type is FileType.FILE else ""


def _device(entry: FileEntry) -> str:
    return "{}:{}".format(*entry.device) if entry.device else ""


def _xattrs(entry: FileEntry) -> str:
    return ", ".join(f"{name}={value.hex()}" for name, value in entry.xattrs)
