"""Whether a repository lacks what it needs, which tells a legacy build from others where its driver can't be followed."""

import re

from migrate.discover import EntryKind, Repository
from migrate.dockerfile.reader import read_dockerfile
from migrate.source import SourceFile

MAX_DOCKERFILES = 200


def lacks_sources(repository: Repository) -> bool:
    """Whether a Dockerfile copies a file that is neither beside it nor at the root, by what is written."""
    names = [p for p, k in repository.entries.items() if k is EntryKind.FILE and "dockerfile" in p.name.lower()]
    for path in names[:MAX_DOCKERFILES]:
        source = repository.source(path)
        if source is not None and any(
            repository.kind(path.parent / text) is None and repository.kind(type(path)(text)) is None
            for text in _plain_sources(source)
        ):
            return True
    return False


def _plain_sources(source: SourceFile) -> list[str]:
    dockerfile, _ = read_dockerfile(source)
    if dockerfile is None:
        return []
    found = []
    for instruction in dockerfile.instructions:
        if instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None:
            found += [a.text.strip("/") for a in instruction.arguments[:-1]]
    return [t for t in found if re.fullmatch(r"(?:\./)?[\w@+.-][\w@+./-]*", t) and "://" not in t and ".." not in t]
