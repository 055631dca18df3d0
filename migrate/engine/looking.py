"""What stands at single paths of an image, asked one by one: no more is read than is needed."""

import posixpath
from contextlib import closing

from migrate.engine.client import EngineClient
from migrate.engine.stream import Member, TarStream
from migrate.image import FileType

_MOST_LINKS = 40  # as Linux has it (path_resolution(7))


class ImageFiles:
    """The files of an image through a container of it that is never started (`EngineClient.container`)."""

    def __init__(self, client: EngineClient, container: str) -> None:
        self._client = client
        self._container = container

    def entry(self, path: str) -> Member | None:
        """The path itself, a link as a link; None where nothing is."""
        chunks = self._client.archive(self._container, path)
        if chunks is None:
            return None
        with closing(chunks):
            return TarStream(chunks).next()

    def real(self, path: str) -> str | None:
        """Where links lead from `path`; None where that is nowhere."""
        found = posixpath.normpath("/" + path.lstrip("/"))
        for _ in range(_MOST_LINKS):
            entry = self.entry(found)
            if entry is None or entry.type is not FileType.SYMLINK:
                return found if entry is not None else None
            found = posixpath.normpath(posixpath.join(posixpath.dirname(found), entry.link))
        return None

    def owners(self, path: str) -> frozenset[tuple[int, int]]:
        """User and group ids of a folder and all that is below it."""
        chunks = self._client.archive(self._container, path)
        if chunks is None:
            return frozenset()
        with closing(chunks):
            return frozenset((m.uid, m.gid) for m in TarStream(chunks))

    def read(self, path: str, limit: int) -> bytes | None:
        """The content of a regular file of at most `limit` bytes."""
        chunks = self._client.archive(self._container, path)
        if chunks is None:
            return None
        with closing(chunks):
            stream = TarStream(chunks)
            member = stream.next()
            if member is None or member.type is not FileType.FILE or member.size > limit:
                return None
            return b"".join(stream.content())
