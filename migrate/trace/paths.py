"""Host paths as a script gives them → paths relative to the repository's root."""

import posixpath
from pathlib import PurePosixPath


def resolve(directory: PurePosixPath, text: str) -> PurePosixPath | None:
    """`text` seen from `directory`, both relative to the root; None where it leads out of it (an absolute path does)."""
    if text.startswith("/"):
        return None
    joined = posixpath.normpath(posixpath.join(directory.as_posix(), text))
    if joined == ".." or joined.startswith("../"):
        return None
    return PurePosixPath(joined)


def in_container(text: str) -> PurePosixPath:
    """A path as `docker cp` takes it from a container: from the root, whatever the working directory is (semantics.md 2)."""
    return PurePosixPath("/" + posixpath.normpath("/" + text).lstrip("/"))
