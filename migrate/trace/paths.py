"""Host paths as a script gives them → paths relative to the repository's root."""

import posixpath
import re
from pathlib import PurePosixPath

CACHE = re.compile(
    r"(?:^|/)(?:\.m2|\.gradle|\.ivy2|\.sbt|\.npm|\.cache|\.cargo|\.pub-cache|\.composer|\.stack|\.cabal|\.yarn|\.nuget)(?:/|$)"
    r"|/go/pkg(?:/|$)|(?:^|[-_./])cache(?:[-_./]|$)"
)
"""Folders and volumes that hold what a build would otherwise fetch again, and nothing of its own."""


def resolve(root: PurePosixPath, directory: PurePosixPath, text: str) -> PurePosixPath | None:
    """`text` as the script means it in `directory`, relative to the repository's absolute `root`; None where it leads out
    of it."""
    if not text.startswith("/"):
        below = posixpath.normpath(posixpath.join(directory, text))
        if below != ".." and not below.startswith(("../", "/")):
            return PurePosixPath(below)
    joined = posixpath.normpath(posixpath.join(root, directory, text))
    path = PurePosixPath(joined)
    return path.relative_to(root) if path.is_relative_to(root) else None


def in_container(text: str) -> PurePosixPath:
    """A path as `docker cp` takes it from a container: from the root, whatever the working directory is (semantics.md 2)."""
    return PurePosixPath("/" + posixpath.normpath("/" + text).lstrip("/"))
