"""An image as data: its config, and every file of it, streamed from the engine and never unpacked.

Left out, since an engine puts them into every container: `/.dockerenv`, and the empty `/etc/hosts`, `/etc/hostname`,
`/etc/resolv.conf`, `/dev`, `/proc`, `/sys` mount points with what lies in them. Such a file with contents is the image's own
and stays. Modification times are not part of a snapshot (semantics.md, sections 1 and 5).
"""

import hashlib
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from migrate.engine.client import EngineClient
from migrate.engine.stream import open_tar
from migrate.image import FileEntry, FileType, ImageConfig, ImageSnapshot

_CHUNK = 1 << 20
_STUB_FILES = frozenset({"/.dockerenv", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/console"})
_STUB_LINKS = frozenset({"/etc/mtab"})
_STUB_FOLDERS = frozenset({"/dev", "/dev/pts", "/dev/shm", "/proc", "/sys"})  # noqa: S108 -- names in an image
_XATTR = "SCHILY.xattr."


def image_config(inspected: Mapping[str, Any]) -> ImageConfig:
    """The part of an inspection that says how an image runs."""
    config = inspected.get("Config") or {}
    return ImageConfig(
        entrypoint=_words(config.get("Entrypoint")),
        cmd=_words(config.get("Cmd")),
        env=tuple(config.get("Env") or ()),
        working_dir=config.get("WorkingDir") or "",
        user=config.get("User") or "",
        labels=dict(config.get("Labels") or {}),
        exposed_ports=frozenset(config.get("ExposedPorts") or ()),
        volumes=frozenset(config.get("Volumes") or ()),
        stop_signal=config.get("StopSignal") or None,
        healthcheck=dict(config["Healthcheck"]) if config.get("Healthcheck") else None,
        shell=_words(config.get("Shell")),
        onbuild=tuple(config.get("OnBuild") or ()),
        architecture=inspected.get("Architecture") or "",
        os=inspected.get("Os") or "",
    )


def read_image(client: EngineClient, image_id: str) -> ImageSnapshot | None:
    """Config, size and layers, without the files; None where there is no such image."""
    inspected = client.image(image_id)
    if inspected is None:
        return None
    return ImageSnapshot(
        image_id=str(inspected["Id"]),
        size=int(inspected.get("Size") or 0),
        diff_ids=tuple((inspected.get("RootFS") or {}).get("Layers") or ()),
        config=image_config(inspected),
    )


def read_files(client: EngineClient, image_id: str, name: str) -> Mapping[str, FileEntry]:
    """Every path of the image; `name` is for the container that is made for it, and removed."""
    with client.container(image_id, name) as container:
        return read_tar(client.export(container))


def read_tar(chunks: Iterator[bytes]) -> Mapping[str, FileEntry]:
    """The entries of a tar stream, by absolute path; hard links get the name that sorts first as their common one."""
    entries: dict[str, FileEntry] = {}
    links: dict[str, str] = {}
    with open_tar(chunks) as tar:
        for member in tar:
            path = str(PurePosixPath("/", member.name))
            if path == "/":
                continue
            if member.islnk():
                links[path] = str(PurePosixPath("/", member.linkname))
                continue
            entries[path] = _entry(tar, member)
    _resolve_links(entries, links)
    return {p: e for p, e in sorted(entries.items()) if not _is_stub(p, e)}


def _entry(tar: tarfile.TarFile, member: tarfile.TarInfo) -> FileEntry:
    kind = _kind(member)
    digest = None
    if kind is FileType.FILE:
        hashed = hashlib.sha256()
        content = tar.extractfile(member)
        while content is not None and (block := content.read(_CHUNK)):
            hashed.update(block)
        digest = hashed.hexdigest()
    xattrs = sorted(
        (name.removeprefix(_XATTR), value.encode("utf-8", "surrogateescape"))
        for name, value in member.pax_headers.items()
        if name.startswith(_XATTR)
    )
    device = (member.devmajor, member.devminor) if kind in (FileType.CHARACTER, FileType.BLOCK) else None
    return FileEntry(
        type=kind,
        mode=member.mode & 0o7777,
        uid=member.uid,
        gid=member.gid,
        size=member.size if kind is FileType.FILE else 0,
        digest=digest,
        link=member.linkname if kind is FileType.SYMLINK else None,
        device=device,
        xattrs=tuple(xattrs),
    )


def _kind(member: tarfile.TarInfo) -> FileType:
    if member.isdir():
        return FileType.DIRECTORY
    if member.issym():
        return FileType.SYMLINK
    if member.ischr():
        return FileType.CHARACTER
    if member.isblk():
        return FileType.BLOCK
    return FileType.FIFO if member.isfifo() else FileType.FILE


def _resolve_links(entries: dict[str, FileEntry], links: Mapping[str, str]) -> None:
    """A group of hard links is the same whichever of them the stream brought first: all but the first name by sort are
    links to that one, and it holds the file."""
    groups: dict[str, list[str]] = {}
    for path, target in links.items():
        groups.setdefault(target, []).append(path)
    for target, paths in groups.items():
        first, *others = sorted([target, *paths])
        original = entries[target]
        entries[first] = original
        for other in others:
            entries[other] = FileEntry(
                type=FileType.HARDLINK, mode=original.mode, uid=original.uid, gid=original.gid, link=first
            )


def _is_stub(path: str, entry: FileEntry) -> bool:
    if path in _STUB_FILES:
        return entry.type is FileType.FILE and entry.size == 0
    if path in _STUB_LINKS:
        return entry.link == "/proc/mounts"
    return path in _STUB_FOLDERS and entry.type is FileType.DIRECTORY


def _words(value: Any) -> tuple[str, ...] | None:
    return tuple(value) if value else None


def read_contents(
    client: EngineClient, image_id: str, paths: tuple[str, ...], name: str, limit: int
) -> Mapping[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    with client.container(image_id, name) as container:
        for path in paths:
            chunks = client.archive(container, path)
            if chunks is None:
                found[path] = None
                continue
            with open_tar(chunks) as tar:
                first = tar.next()
                content = (
                    tar.extractfile(first) if first is not None and first.isreg() and first.size <= limit else None
                )
                found[path] = content.read() if content is not None else None
    return found
