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
