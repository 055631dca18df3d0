"""Which ignore file holds for a build."""

from pathlib import PurePosixPath

from migrate.diagnostics import Diagnostic
from migrate.dockerfile.ignore import IgnoreFile, read_ignore
from migrate.provenance.model import Build
from migrate.source import SourceFile


def ignore_of(build: Build) -> tuple[IgnoreFile | None, tuple[Diagnostic, ...]]:
    """The ignore file that holds for a build, read. A context that came as a tar has none here."""
    source = ignore_source(build)
    return read_ignore(source) if source is not None else (None, ())


def ignore_source(build: Build) -> SourceFile | None:
    """The ignore file that holds for a build: `<Dockerfile>.dockerignore` before the context's own (semantics.md 3, rule 9)."""
    if build.tree is not None:
        return None
    repository = build.workspace.repository
    return next((s for s in map(repository.source, ignore_paths(build)) if s is not None), None)


def ignore_paths(build: Build) -> tuple[PurePosixPath, PurePosixPath]:
    """Where a build's ignore file may stand, the one that wins first."""
    beside = build.path.with_name(build.path.name + ".dockerignore")
    return beside, build.context / ".dockerignore"
