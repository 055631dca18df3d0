"""What a build script does, one event a command: frozen data that points back at the script."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from migrate.diagnostics import Diagnostic
from migrate.shell.syntax import Script, SimpleCommand
from migrate.source import Span
from migrate.trace.values import Value
from migrate.trace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One word that a command was given. `span` is where the script wrote it; several arguments share a span where one
    word expanded to them."""

    value: Value
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildArgument:
    """`--build-arg name=value`; `value` is None for `--build-arg name`, which takes the environment's."""

    name: str
    value: Value | None
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOption:
    """Any other option of a build, with the words that wrote it."""

    name: str
    value: Value | None
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBuild:
    """`docker build`. Paths are relative to the repository's root. `verb_end` is the offset behind `docker build`, where
    options may be put; `fixed_spans` are the words that give tags, Dockerfile and context; `variables` are the script's at
    this moment."""

    span: Span
    number: int
    dockerfile: PurePosixPath
    context: PurePosixPath
    tags: tuple[Value, ...]
    build_arguments: tuple[BuildArgument, ...]
    options: tuple[BuildOption, ...]
    verb_end: int
    fixed_spans: frozenset[Span]
    workspace: Workspace = field(repr=False)
    variables: Mapping[str, Value] = field(repr=False)

    def option(self, name: str) -> BuildOption | None:
        return next((o for o in reversed(self.options) if o.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerCreate:
    """`docker create`; `name` is None without `--name`."""

    span: Span
    number: int
    image: Value
    name: Value | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRun:
    """`docker run`; `mounts` where it has `-v`, `--mount` or `--volumes-from`."""

    span: Span
    image: Value
    mounts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """`docker cp container:source destination`: `source` is a path in the container, `destination` the path on the host as
    given and `landed` where the artifact then stands."""

    span: Span
    container: Value
    container_number: int | None
    source: str
    source_span: Span
    destination: Value
    landed: PurePosixPath


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRemove:
    """`docker rm`, one event a command."""

    span: Span
    containers: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUse:
    """`docker push`, `tag`, `save`, `rmi`, `inspect` … of images."""

    span: Span
    verb: str
    images: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostChange:
    """A command of the host that changes files: `paths` are those it names, relative to the root, as far as they lie in
    the repository."""

    span: Span
    command: str
    paths: tuple[PurePosixPath, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Harmless:
    """A command that changes no file and no image; `text` is what its words come to, `paths` are the words that could be
    files of the repository, relative to its root."""

    span: Span
    command: str
    text: str
    paths: tuple[PurePosixPath, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque:
    """A command of which it isn't known what it does. `artifacts` are extracted paths that stand on the host meanwhile."""

    span: Span
    command: str
    artifacts: tuple[PurePosixPath, ...]


Event = (
    ImageBuild
    | ContainerCreate
    | ContainerRun
    | Extraction
    | ContainerRemove
    | ImageUse
    | HostChange
    | Harmless
    | Opaque
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """An event and the command it came from: the unit that can be taken out of the script."""

    event: Event
    command: SimpleCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Everything a driver does, in order. `remaining` are artifacts that still stand on the host at its end."""

    script: Script
    steps: tuple[Traced, ...]
    remaining: tuple[PurePosixPath, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def events(self) -> tuple[Event, ...]:
        return tuple(step.event for step in self.steps)
