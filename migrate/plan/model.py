"""What a plan says. Spans name the text that changes; all else stays as the author wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath

from migrate.diagnostics import Diagnostic
from migrate.drivers.compose import Project, Service
from migrate.provenance.model import Build
from migrate.shell.syntax import Script, SimpleCommand
from migrate.source import Edit, FileChange, SourceFile, Span
from migrate.trace.events import ImageBuild


class ArtifactKind(Enum):
    FILE = "file"
    DIRECTORY = "directory"
    LINK = "symbolic link"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactFact:
    """What an engine said of an artifact in the builder's image: its kind, whether all of it is owned by 0:0 (and none setuid,
    see `engine.artifact`), and the mode of the path itself (permission bits; of interest for folders)."""

    kind: ArtifactKind
    root_owned: bool
    mode: int = 0o755


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactKey:
    """`source` in the image of build `builder`, or in the image of that name from outside."""

    builder: int | str
    source: PurePosixPath


Facts = Mapping[ArtifactKey, ArtifactFact]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEdit:
    """How a service of a compose file is built from now on. `context` is relative to the project's folder, `dockerfile` to the
    context; both stay as they are written where they are `same`. `target` is None where the last stage is meant; `arguments` are
    those that it takes on, as compose reads them: None for what its environment gives."""

    project: Project
    service: Service
    context: str
    dockerfile: str
    same: bool
    target: str | None
    arguments: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverPlan:
    """What changes in the driver, and in the scripts, Makefiles and compose files that it runs: `removed` commands go from the
    `pieces` that they stand in, with the `filters` that their output goes through; `edits` change words of those that stay.
    `fed` are the builds whose context or Dockerfile a command before them hands on.
    `services` are built otherwise, `gone_services` go from their project's files, `gone_texts` are what was made of services and
    no longer runs. `gone` are files that no longer come to be on
    the host."""

    source: SourceFile
    pieces: tuple[Script, ...]
    gone: tuple[PurePosixPath, ...]
    removed: tuple[SimpleCommand, ...]
    filters: tuple[Span, ...]
    fed: tuple[Span, ...]
    edits: tuple[Edit, ...]
    services: tuple[ServiceEdit, ...] = ()
    gone_services: tuple[tuple[Project, Service], ...] = ()
    gone_texts: frozenset[SourceFile] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """The text of a Dockerfile with what changes in it; its image is that of the stage `name`. `moved_arguments` are global
    ARGs that come before the first FROM of all."""

    build: Build
    name: str
    edits: tuple[Edit, ...]
    moved_arguments: tuple[tuple[Span, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadePart:
    """A stage that stands for what a container or the host did: its whole text."""

    name: str
    text: str
    span: Span


Part = FilePart | MadePart


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPlan:
    """One multi-stage Dockerfile at `path`. `targets` maps the builds that stay to their stages, `builders` those that
    artifacts come from; `removed` are the Dockerfiles that go, `others` files beside that change (an ignore file)."""

    path: PurePosixPath
    context: PurePosixPath
    parts: tuple[Part, ...]
    targets: Mapping[int, str]
    builders: Mapping[int, str]
    removed: tuple[PurePosixPath, ...]
    others: tuple[FileChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationPlan:
    """All that a driver's migration changes. `builds` are all of the driver's, before the migration; `dropped` are those that
    it no longer makes; `paths` says which Dockerfile and which context each of the others is built from afterwards; `services`
    are those of compose files of which a container brings an artifact."""

    builds: tuple[ImageBuild, ...]
    dropped: frozenset[int]
    paths: Mapping[int, tuple[PurePosixPath, PurePosixPath]]
    groups: tuple[GroupPlan, ...]
    driver: DriverPlan
    artifacts: tuple[ArtifactKey, ...]
    place: Span
    services: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    @property
    def builder_paths(self) -> tuple[PurePosixPath, ...]:
        """Dockerfiles of the builds whose images artifacts come from."""
        found = {b.number: b.dockerfile for b in self.builds}
        return tuple(dict.fromkeys(p for g in self.groups for n in g.builders if (p := found[n]) is not None))
