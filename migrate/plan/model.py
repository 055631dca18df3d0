"""What a plan says. Spans name the text that changes; all else stays as the author wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath

from migrate.diagnostics import Diagnostic
from migrate.provenance import Build
from migrate.shell.syntax import Script, SimpleCommand
from migrate.source import Edit, Span
from migrate.trace.events import ImageBuild


class ArtifactKind(Enum):
    FILE = "file"
    DIRECTORY = "directory"
    LINK = "symbolic link"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactFact:
    """What an engine said of an artifact in the builder's image: its kind, and whether all of it is owned by 0:0."""

    kind: ArtifactKind
    root_owned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactKey:
    """`source` in the image of build `builder`."""

    builder: int
    source: PurePosixPath


Facts = Mapping[ArtifactKey, ArtifactFact]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverPlan:
    """What changes in the driver: `removed` commands go, `inserted` words come behind the runtime's `docker build`."""

    script: Script
    removed: tuple[SimpleCommand, ...]
    build: SimpleCommand
    verb_end: int
    inserted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """One multi-stage Dockerfile at the runtime's path. `moved_arguments` are global ARGs that come before the first
    FROM; the edits are of the two files that were read; `builds` are all of the driver's, before the migration."""

    builds: tuple[ImageBuild, ...]
    builder: Build
    runtime: Build
    stage_name: str
    builder_edits: tuple[Edit, ...]
    runtime_edits: tuple[Edit, ...]
    moved_arguments: tuple[Span, ...]
    driver: DriverPlan
    artifacts: tuple[ArtifactKey, ...]
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    @property
    def path(self) -> PurePosixPath:
        return self.runtime.path

    @property
    def removed_file(self) -> PurePosixPath:
        return self.builder.path
