"""Whether a script that only extracts is there for a compose file's images, and for nothing else.

Nothing says that the two belong together but what is missing: the images can't be built of the repository alone, and a Dockerfile
names what the script leaves. What stands in the repository all the same, or in a folder of it that a COPY takes as a whole, may
be there for anyone.
"""

import posixpath
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from migrate.discover import Repository, is_compose_file
from migrate.drivers.compose import ComposeError, Service, read_project
from migrate.drivers.yaml_reader import Mapping, Scalar, YamlNode, items
from migrate.plan.context import context_sources
from migrate.provenance.derive import derive
from migrate.trace.events import Trace


def made_for_compose(repository: Repository, left: tuple[PurePosixPath, ...], together: Trace) -> bool:
    """`left` is what the script leaves on the host, `together` the script and the builds behind it."""
    provenance = derive(together, repository)[0]
    named = {
        PurePosixPath(posixpath.normpath(str(build.context / text.lstrip("/"))))
        for build in (provenance.builds if provenance is not None else ())
        for _, text in context_sources(build)
    }
    named = {n for n in named if not any(fnmatchcase(str(p), str(n)) for p in (PurePosixPath(), *repository.entries))}
    return (
        bool(left)
        and all(repository.kind(p) is None and any(_names(n, p) for n in named) for p in left)
        and not _mounts(repository, left)
    )


def _names(source: PurePosixPath, path: PurePosixPath) -> bool:
    """Whether a COPY of `source` asks for `path`, what is in it, or a folder that is there for it alone."""
    return any(fnmatchcase(str(p), str(source)) for p in (path, *path.parents)) or path in source.parents


def _mounts(repository: Repository, left: tuple[PurePosixPath, ...]) -> bool:
    """Whether a service of any compose file may have one of these paths of the host, or a file can't be read."""
    for path in repository.entries:
        source = repository.source(path) if is_compose_file(path) else None
        if source is None:
            continue
        try:
            services = read_project([source], path.parent).services
        except ComposeError:
            return True
        if any(_covers(path.parent, v, left) for s in services for v in _volumes(s)):
            return True
    return False


def _volumes(service: Service) -> tuple[YamlNode, ...]:
    found = service.get("volumes")
    return items(found) if not isinstance(found, Mapping) else (found,)


def _covers(folder: PurePosixPath, volume: YamlNode, left: tuple[PurePosixPath, ...]) -> bool:
    """By what is written; a variable may be anything."""
    asked = volume.get("source") if isinstance(volume, Mapping) else volume
    text = asked.text if isinstance(asked, Scalar) else ""
    host = text.partition(":")[0]
    if "$" in host:
        return True
    if not host.startswith("."):
        return False
    path = PurePosixPath(posixpath.normpath(str(folder / host)))
    return any(path == p or path in p.parents or p in path.parents for p in left)
