"""A tar stream from an engine, as a tar file that is read once, from front to back."""

import io
import tarfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_CHUNK = 1 << 20


@contextmanager
def open_tar(chunks: Iterator[bytes]) -> Iterator[tarfile.TarFile]:
    """The stream as a tar. What tarfile leaves unread (the padding at the end) is read, so that the connection is free."""
    with tarfile.open(fileobj=io.BufferedReader(_ChunkStream(chunks), _CHUNK), mode="r|") as tar:
        yield tar
    deque(chunks, maxlen=0)


class _ChunkStream(io.RawIOBase):
    """Chunks as a raw file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
