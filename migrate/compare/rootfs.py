"""Two images' files → what differs, path by path. Modification times are not compared (semantics.md, section 1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from migrate.image import FileEntry, FileType


class DeltaKind(Enum):
    ADDED = "only in the migrated image"
    REMOVED = "only in the legacy image"
    TYPE = "type"
    HARDLINK = "hard link"
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
    of_both = [
        (DeltaKind.MODE, f"{one.mode:04o}", f"{other.mode:04o}"),
        (DeltaKind.OWNER, f"{one.uid}:{one.gid}", f"{other.uid}:{other.gid}"),
        (DeltaKind.HARDLINK, _hardlink(one), _hardlink(other)),
    ]
    of_one_type = [
        (DeltaKind.CONTENT, _content(one), _content(other)),
        (DeltaKind.LINK, _symlink(one), _symlink(other)),
        (DeltaKind.DEVICE, _device(one), _device(other)),
        (DeltaKind.XATTRS, _xattrs(one), _xattrs(other)),
    ]
    if one.type is other.type:
        pairs = [*of_one_type, *of_both]
    elif {one.type, other.type} == {FileType.FILE, FileType.HARDLINK}:
        pairs = of_both  # a hard link's content is compared where the file itself is
    else:
        pairs = [(DeltaKind.TYPE, one.type.value, other.type.value)]
    return [Delta(path=path, kind=k, legacy=a, migrated=b) for k, a, b in pairs if a != b]


def _type(entry: FileEntry | None) -> str:
    return entry.type.value if entry else ""


def _content(entry: FileEntry) -> str:
    return f"sha256:{entry.digest} ({entry.size} bytes)" if entry.type is FileType.FILE else ""


def _symlink(entry: FileEntry) -> str:
    return entry.link or "" if entry.type is FileType.SYMLINK else ""


def _hardlink(entry: FileEntry) -> str:
    return f"to {entry.link}" if entry.type is FileType.HARDLINK else "to none"


def _device(entry: FileEntry) -> str:
    return "{}:{}".format(*entry.device) if entry.device else ""


def _xattrs(entry: FileEntry) -> str:
    return ", ".join(f"{name}={value.hex()}" for name, value in entry.xattrs)
