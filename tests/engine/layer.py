"""A root filesystem as one tar, written member by member: the same input gives the same bytes."""

import io
import tarfile
from pathlib import PurePosixPath

MTIME = 1577836800  # any fixed moment: files must not differ between two machines that make the same stand-in


class Layer:
    """Adds files to an open tar, each after the directories above it; a second file of one name is left out."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._names: set[str] = {"."}

    def directory(self, name: str, mode: int = 0o755) -> None:
        """Add a directory, owned by root."""
        self._add(name, tarfile.DIRTYPE, mode)

    def file(self, name: str, content: str | bytes, mode: int = 0o644) -> None:
        """Add a regular file, owned by root."""
        self._add(name, tarfile.REGTYPE, mode, content.encode() if isinstance(content, str) else content)

    def link(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        self._add(name, tarfile.SYMTYPE, 0o777, target=target)

    def _add(self, name: str, kind: bytes, mode: int, content: bytes = b"", target: str = "") -> None:
        if name in self._names:
            return
        parent = str(PurePosixPath(name).parent)
        if parent not in self._names:
            self.directory(parent)
        self._names.add(name)
        member = tarfile.TarInfo(name)
        member.type, member.mode, member.mtime = kind, mode, MTIME
        member.size, member.linkname = len(content), target
        self._tar.addfile(member, io.BytesIO(content))
