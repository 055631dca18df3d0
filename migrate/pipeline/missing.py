"""Whether a repository lacks what it needs, and a service may make it: this tells a legacy build from others where compose
can't be followed."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from migrate.discover import EntryKind, Repository, is_compose_file
from migrate.dockerfile.instructions import Dockerfile
from migrate.dockerfile.reader import read_dockerfile
from migrate.source import SourceFile

MAX_DOCKERFILES = 200
_MOUNT = re.compile(
    r"(?<![\w./$])((?:\.\.?|\$\{?PWD\}?|\$\(pwd\))(?:/[\w.@-]+)*)/?[\"']?(?::/|[ \t]*(?:$|[},]))", re.MULTILINE
)
_MAKES = re.compile(
    r"(?:\b(?:command|entrypoint)\b|\b(?:run|exec)\b)(?:[^\n]|\n\s+-)*?[^\w.-]"
    r"(?:build|make|package|compile|assemble|install|dist|cp|mvn|gradle|cargo|go|tsc|webpack|gulp|grunt)\b"
)

_PRINTS_INTO = re.compile(r"\b(?:run|exec)\b[^\n]*(?:(?<![2&])>\s*[^&\s]|\|\s*tar\b)")


def services_make_sources(repository: Repository, driver: SourceFile | None) -> bool:
    """Whether a Dockerfile copies what isn't there, and `driver` puts a service's output somewhere, or a service sees the folder
    where it would be. Where that is all of the repository, as for most while one develops, something must speak of building
    there, or in `driver`."""
    missing = set(_missing(repository))
    if not missing:
        return False
    if driver is not None and _PRINTS_INTO.search(driver.text):
        return True
    for path, kind in repository.entries.items():
        own = driver is not None and path == driver.path
        source = repository.source(path) if kind is EntryKind.FILE and (own or is_compose_file(path)) else None
        if source is None:
            continue
        makes = any(_MAKES.search(s.text) for s in (source, driver) if s is not None)
        for host in _MOUNT.findall(source.text):
            below = re.sub(r"^\$(?:\{?PWD\}?|\(pwd\))", ".", host)
            folder = PurePosixPath(posixpath.normpath(path.parent / below))
            if any(folder in (m, *m.parents) for m in missing) and (folder != path.parent or makes):
                return True
    return False


def lacks_sources(repository: Repository) -> bool:
    """Whether a Dockerfile copies a file that is neither beside it nor at the root."""
    return next(_missing(repository), None) is not None


def _missing(repository: Repository) -> Iterator[PurePosixPath]:
    """What Dockerfiles copy and is neither beside them nor at the root, by what is written; at both places."""
    names = [p for p, k in repository.entries.items() if k is EntryKind.FILE and "dockerfile" in p.name.lower()]
    for path in names[:MAX_DOCKERFILES]:
        source = repository.source(path)
        dockerfile, _ = read_dockerfile(source) if source is not None else (None, ())
        for text in plain_sources(dockerfile) if dockerfile is not None else ():
            beside, above = path.parent / text, PurePosixPath(text)
            if repository.kind(beside) is None and repository.kind(above) is None:
                yield from (beside, above)


def plain_sources(dockerfile: Dockerfile) -> list[str]:
    """What a Dockerfile copies from its context, by name: no patterns, variables or URLs."""
    found = []
    for instruction in dockerfile.instructions:
        if instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None:
            found += [a.text.strip("/") for a in instruction.arguments[:-1]]
    return [t for t in found if re.fullmatch(r"(?:\./)?[\w@+.-][\w@+./-]*", t) and "://" not in t and ".." not in t]
