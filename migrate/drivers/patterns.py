"""What a service is told to keep, as a pattern of its own: whether that means a file of the repository."""

import posixpath
import re
from pathlib import PurePosixPath


def means(pattern: str, path: PurePosixPath) -> bool:
    """Whether a pattern may mean `path`, a folder that it is in, or what is in it. `**/` may be no folder at all, as Ant has it;
    a star is taken to go through folders, too,
    and a set in brackets for any character."""
    plain = posixpath.normpath(pattern) if pattern else "."
    if plain == ".":
        return False
    wild = re.search(r"[*?\[]", plain)
    certain = plain if wild is None else posixpath.join(plain[: wild.start()].rpartition("/")[0], "x")
    if path in PurePosixPath(certain).parents and path != PurePosixPath():
        return True
    expression = re.compile(_expression(plain))
    return any(expression.fullmatch(str(p)) for p in (path, *path.parents) if p != PurePosixPath())


def _expression(pattern: str) -> str:
    found = []
    for part in re.findall(r"\*\*/|\*+|\?|\[[^\]]+\]|.", pattern, re.DOTALL):
        if part == "**/":
            found.append("(?:.*/)?")
        elif part[0] == "*":
            found.append(".*")
        elif part == "?" or len(part) > 1:
            found.append(".")
        else:
            found.append(re.escape(part))
    return "".join(found)
