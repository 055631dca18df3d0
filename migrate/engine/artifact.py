"""What an engine says of an artifact in the builder's image: what it is, whether all of it is root's, whether there is any."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from migrate.engine.client import EngineClient
from migrate.engine.stream import Member, TarStream
from migrate.image import FileType


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFacts:
    """`type` and `mode` (permission bits) are those of the path itself; `root_owned` is whether it and all below it belong to
    0:0, and nothing is setuid or setgid: the classic builder takes that away where the owner is written out, as it did on the
    way over the host, and keeps it where it isn't (docs/landing.md)."""

    type: FileType
    root_owned: bool
    mode: int


def path_facts(client: EngineClient, image_id: str, paths: tuple[str, ...], name: str) -> Mapping[str, PathFacts]:
    """Facts for those of `paths` that the image has; `name` is for the container that is made for it, and removed."""
    found = {}
    with client.container(image_id, name) as container:
        for path in paths:
            chunks = client.archive(container, path)
            if chunks is not None:
                found[path] = _facts(TarStream(chunks))
    return found


def _facts(members: TarStream) -> PathFacts:
    """The first entry is the path itself."""
    first = members.next()
    if first is None:
        return PathFacts(type=FileType.DIRECTORY, root_owned=False, mode=0o755)
    kind = first.type if first.type in (FileType.DIRECTORY, FileType.SYMLINK) else FileType.FILE
    root = _roots(first)
    for member in members:
        root = root and _roots(member)
    return PathFacts(type=kind, root_owned=root, mode=first.mode)


def _roots(member: Member) -> bool:
    return (member.uid, member.gid) == (0, 0) and not (member.type is FileType.FILE and member.mode & 0o6000)


class Held(Enum):
    """What stands at a source of COPY. EMPTY: files without a byte, folders without a file."""

    NOTHING = "nothing"
    EMPTY = "empty"
    CONTENT = "content"


def held(client: EngineClient, image_id: str, sources: tuple[str, ...], name: str) -> Mapping[str, Held]:
    """What an image holds at each of `sources`, absolute and with wildcards as COPY takes them (Go's filepath.Match, component
    by component). No more is read of a folder than up to the first file with a content. `name` is for the container that is
    made for it, and removed."""
    with client.container(image_id, name) as container:
        return {s: _held(client, container, posixpath.normpath(s)) for s in sources}


def _held(client: EngineClient, container: str, source: str) -> Held:
    parts = source.strip("/").split("/")
    plain = next((n for n, part in enumerate(parts) if re.search(r"[*?\[\\]", part)), len(parts))
    top = "/" + "/".join(parts[:plain])
    chunks = client.archive(container, top)
    if chunks is None:
        return Held.NOTHING
    with closing(chunks):
        found = Held.NOTHING
        for member in _matching(TarStream(chunks), parts[plain:], top):
            if member.type is not FileType.DIRECTORY and (member.type is not FileType.FILE or member.size):
                return Held.CONTENT
            found = Held.EMPTY
    return found


def _matching(members: TarStream, pattern: list[str], top: str) -> Iterator[Member]:
    """What matches, and what is below it. An archive's names begin with that of its own top."""
    depth = 0 if top == "/" else 1
    for member in members:
        parts = member.path.strip("/").split("/")[depth:]
        if len(parts) >= len(pattern) and all(map(fnmatchcase, parts, pattern)):
            yield member
