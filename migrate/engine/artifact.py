"""What an engine says of an artifact in the builder's image: what it is, and whether all of it is root's."""

from collections.abc import Mapping
from dataclasses import dataclass

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
