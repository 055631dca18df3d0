"""An image as data: its config, and its files, streamed from the engine and never unpacked.

What an engine shows of an image's files is what a container of it has before it is started (docs/comparing.md, "Measured").
Left out, since an engine puts them into every container: `/.dockerenv`, and the empty `/etc/hosts`, `/etc/hostname`,
`/etc/resolv.conf`, `/dev`, `/proc`, `/sys` mount points with what lies in them. Such a file with contents is the image's own
and stays. Modification times are not part of a snapshot (semantics.md, sections 1 and 5), nor is the root folder itself: its
owner and mode are in no layer.
"""

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from migrate.engine.client import EngineClient
from migrate.engine.stream import Member, StreamError, TarStream, absolute
from migrate.image import FileEntry, FileType, ImageConfig, ImageSnapshot

_STUB_FILES = frozenset({"/.dockerenv", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/console"})
_STUB_LINKS = frozenset({"/etc/mtab"})
_STUB_FOLDERS = frozenset({"/dev", "/dev/pts", "/dev/shm", "/proc", "/sys"})  # noqa: S108 -- names in an image


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
        variant=inspected.get("Variant") or "",
        os_version=inspected.get("OsVersion") or "",
        author=inspected.get("Author") or "",
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


def read_pair(
    client: EngineClient, legacy_id: str, migrated_id: str, names: tuple[str, str]
) -> tuple[Mapping[str, FileEntry], Mapping[str, FileEntry]]:
    """The paths that are not the same in both images, of each side: all but what is equal.
    `names` are for the containers that are made for it, and removed.

    Both are read by turns, an entry of one against an entry of the other, so that nothing equal is kept. Two threads were no
    faster: the engine is what takes its time (docs/comparing.md, "Measured").
    """
    with client.container(legacy_id, names[0]) as one, client.container(migrated_id, names[1]) as other:
        try:
            with closing(client.export(one)) as legacy, closing(client.export(other)) as migrated:
                return unlike(legacy, migrated)
        except OutOfOrderError:
            return without_equal(read_tar(client.export(one)), read_tar(client.export(other)))


@contextmanager
def contents(client: EngineClient, image_id: str, name: str, limit: int) -> Iterator[Callable[[str], bytes | None]]:
    """What gives the content of the regular file at a path, as `read_pair` has it (a hard link is one too), as long as the
    block lasts. It is None where there is none, for one of more than `limit` bytes, of which nothing is kept, and for a name that
    is not UTF-8, of which an engine doesn't hand out the file by itself. `name` is for the container that is made for it, and
    removed."""
    with client.container(image_id, name) as container:

        def content(path: str) -> bytes | None:
            chunks = client.archive(container, path)
            return None if chunks is None else _content(chunks, limit)

        yield content


def _content(chunks: Generator[bytes, None, None], limit: int) -> bytes | None:
    with closing(chunks):
        stream = TarStream(chunks)
        member = stream.next()
        if member is None or member.type is not FileType.FILE or member.size > limit:
            return None
        content = b"".join(stream.content())
        if stream.next() is not None:
            raise StreamError("a file's archive holds two")
        return content


class OutOfOrderError(Exception):
    """A stream is not in the order of a walk, so that what is equal can't be told as it comes."""


def unlike(
    legacy: Iterator[bytes], migrated: Iterator[bytes]
) -> tuple[Mapping[str, FileEntry], Mapping[str, FileEntry]]:
    """What two tar streams don't have in common, of each side. Raises OutOfOrderError unless both are in the order in which a
    folder tree is walked, names by their bytes, as engines write them (Go's filepath.Walk): then the first name of a group of
    hard links is the one that comes first, and no name comes twice."""
    kept: tuple[dict[str, FileEntry], dict[str, FileEntry]] = ({}, {})
    walks = (_walked(legacy), _walked(migrated))
    one, other = next(walks[0], _WALKED), next(walks[1], _WALKED)
    while (one.place, other.place) != (_WALKED.place, _WALKED.place):
        if one.place < other.place:
            kept[0][one.path] = one.entry
            one = next(walks[0], _WALKED)
        elif other.place < one.place:
            kept[1][other.path] = other.entry
            other = next(walks[1], _WALKED)
        else:
            if one.entry != other.entry:
                kept[0][one.path], kept[1][one.path] = one.entry, other.entry
            one, other = next(walks[0], _WALKED), next(walks[1], _WALKED)
    for side in kept:
        for path in [p for p, e in side.items() if _is_stub(p, e)]:
            del side[path]
    return kept


def without_equal(
    legacy: Mapping[str, FileEntry], migrated: Mapping[str, FileEntry]
) -> tuple[Mapping[str, FileEntry], Mapping[str, FileEntry]]:
    """What is the same in both, left out."""
    return (
        {p: e for p, e in legacy.items() if migrated.get(p) != e},
        {p: e for p, e in migrated.items() if legacy.get(p) != e},
    )


def read_tar(chunks: Iterator[bytes]) -> Mapping[str, FileEntry]:
    """The entries of a tar stream, by absolute path; hard links get the name that a walk meets first as their common one."""
    entries: dict[str, FileEntry] = {}
    links: dict[str, str] = {}
    for path, entry in _entries(chunks):
        links.pop(path, None)
        if entry.type is FileType.HARDLINK:
            target = entry.link or ""
            links[path] = links.get(target, target)
        entries[path] = entry
    _resolve_links(entries, links)
    return _own(entries)


def _entries(chunks: Iterator[bytes]) -> Iterator[tuple[str, FileEntry]]:
    stream = TarStream(chunks)
    for member in stream:
        if member.path != "/":
            yield member.path, _entry(stream, member)


class _Step(NamedTuple):
    """An entry, and what its place in a walk sorts by."""

    place: bytes
    path: str
    entry: FileEntry


_WALKED = _Step(b"\1", "", FileEntry(type=FileType.FILE, mode=0, uid=0, gid=0))
"""The end of a walk: behind every place, since those begin with a zero."""


def _walked(chunks: Iterator[bytes]) -> Iterator[_Step]:
    before = b""
    for path, entry in _entries(chunks):
        place = _place(path)
        if place <= before or (entry.type is FileType.HARDLINK and place <= _place(entry.link or "")):
            raise OutOfOrderError
        before = place
        yield _Step(place, path, entry)


def _place(path: str) -> bytes:
    """Sorts as a walk does: a folder's contents right behind it, ahead of a name that goes on with a character below `/`."""
    return path.encode("utf-8", "surrogateescape").replace(b"/", b"\0")


def _entry(stream: TarStream, member: Member) -> FileEntry:
    kind = member.type
    digest = None
    if kind is FileType.FILE:
        hashed = hashlib.sha256()
        for piece in stream.content():
            hashed.update(piece)
        digest = hashed.hexdigest()
    link = absolute(member.link) if kind is FileType.HARDLINK else member.link if kind is FileType.SYMLINK else None
    return FileEntry(
        type=kind,
        mode=member.mode,
        uid=member.uid,
        gid=member.gid,
        size=member.size,
        digest=digest,
        link=link,
        device=member.device if kind in (FileType.CHARACTER, FileType.BLOCK) else None,
        xattrs=() if kind is FileType.HARDLINK else member.xattrs,
    )


def _resolve_links(entries: dict[str, FileEntry], links: Mapping[str, str]) -> None:
    """A group of hard links is the same whichever of them the stream brought first: all but the first name of a walk are
    links to that one, and it holds the file."""
    groups: dict[str, list[str]] = {}
    for path, target in links.items():
        groups.setdefault(target, []).append(path)
    for target, paths in groups.items():
        if target not in entries:
            raise StreamError(f"a hard link to `{target}`, which is not there")
        first, *others = sorted([target, *paths], key=_place)
        original = entries[target]
        entries[first] = original
        for other in others:
            entries[other] = FileEntry(
                type=FileType.HARDLINK, mode=original.mode, uid=original.uid, gid=original.gid, link=first
            )


def _own(entries: Mapping[str, FileEntry]) -> Mapping[str, FileEntry]:
    """By path, without what the engine put there."""
    return {p: e for p, e in sorted(entries.items()) if not _is_stub(p, e)}


def _is_stub(path: str, entry: FileEntry) -> bool:
    if path in _STUB_FILES:
        return entry.type is FileType.FILE and entry.size == 0
    if path in _STUB_LINKS:
        return entry.link == "/proc/mounts"
    return path in _STUB_FOLDERS and entry.type is FileType.DIRECTORY


def _words(value: Any) -> tuple[str, ...] | None:
    return tuple(value) if value else None
