"""What an engine says of an artifact in the builder's image: what it is, and whether all of it is root's."""

import tarfile
from collections.abc import Mapping
from dataclasses import dataclass

from migrate.engine.client import EngineClient
from migrate.engine.stream import open_tar
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
                with open_tar(chunks) as tar:
                    found[path] = _facts(tar)
    return found


def _facts(tar: tarfile.TarFile) -> PathFacts:
    """The first entry is the path itself."""
    first = tar.next()
    if first is None:
        return PathFacts(type=FileType.DIRECTORY, root_owned=False, mode=0o755)
    kind = FileType.DIRECTORY if first.isdir() else FileType.SYMLINK if first.issym() else FileType.FILE
    root = all((m.uid, m.gid) == (0, 0) and not (m.isreg() and m.mode & 0o6000) for m in (first, *iter(tar.next, None)))
    return PathFacts(type=kind, root_owned=root, mode=first.mode & 0o7777)
