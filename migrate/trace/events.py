"""What a build script does, one event a command: frozen data that points back at the script."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath

from migrate.diagnostics import Diagnostic
from migrate.drivers.compose import Project, Service
from migrate.shell.syntax import Script, SimpleCommand
from migrate.source import SourceFile, Span
from migrate.trace.values import Stream, Value, Variable
from migrate.trace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One word that a command was given. `span` is where the script wrote it; several arguments share a span where one
    word expanded to them. Not `certain` where an unquoted part isn't known: it may be no word, or several."""

    value: Value
    span: Span
    certain: bool = True


class ConditionKind(Enum):
    TEST = "where"
    FAILURE = "where it fails"
    LOOP = "in a loop"
    BACKGROUND = "in the background"
    END = "unless it was left before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Why a command may run or not, or more than once. `span` is the command that was asked (for a LOOP: the loop), `holds`
    whether it must succeed; `number` tells apart several askings of one command. `decided` where the files that are there
    say that it holds, so that it holds for this repository."""

    span: Span
    kind: ConditionKind
    holds: bool = True
    decided: bool = False
    number: int = 0

    def __str__(self) -> str:
        text = " ".join(self.span.text.split())
        shown = text if len(text) <= 60 else text[:57] + "…"
        match self.kind:
            case ConditionKind.TEST:
                return f"where `{shown}` {'holds' if self.holds else 'does not hold'}"
            case ConditionKind.FAILURE:
                return f"where `{shown}` fails"
            case ConditionKind.LOOP:
                return f"in the loop `{shown}`"
            case ConditionKind.END:
                return f"unless `{shown}` at {self.span} came before"
            case ConditionKind.BACKGROUND:
                return f"in the background (`{shown}`)"


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
    options may be put; `fixed_spans` are the words that give tags, Dockerfile and context, `file_spans` those that give the
    Dockerfile, `context_span` the one that gives the context; `variables` are the script's at this moment, `directory` is the
    one that it stands in (relative to the root, None where that isn't known); `shared_words` are words that gave several
    arguments each. `context` is None where it comes from standard input (`streamed` says from where, if that is known), and
    `dockerfile` then is the path in it; `dockerfile` is None where it alone comes from standard input. `service` is the one of
    a compose file that the build stands for; `buildkit` is whether the script asks for BuildKit or for the classic builder,
    None where it leaves that to whoever starts it."""

    span: Span
    number: int
    dockerfile: PurePosixPath | None
    context: PurePosixPath | None
    streamed: Stream | Value | None = None
    tags: tuple[Value, ...]
    build_arguments: tuple[BuildArgument, ...]
    options: tuple[BuildOption, ...]
    verb_end: int
    fixed_spans: frozenset[Span]
    file_spans: tuple[Span, ...]
    context_span: Span
    shared_words: frozenset[Span]
    directory: PurePosixPath | None
    service: Service | None = None
    buildkit: bool | None
    workspace: Workspace = field(repr=False)
    variables: Mapping[str, Variable | None] = field(repr=False)
    exported: frozenset[str] = field(default=frozenset(), repr=False)

    def option(self, name: str) -> BuildOption | None:
        return next((o for o in reversed(self.options) if o.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """`-v` or `--mount` of a container: `source` is a path on the host, or a volume's name where it is no path; `host` is
    that path relative to the repository's root, None where it is none or leads out of it."""

    source: Value
    host: PurePosixPath | None
    target: Value
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """How a container is made. `number` counts the script's containers; `name` is None without `--name`; `command` is what
    stands behind the image; `options` are all others than name and mounts; `service` is the one of a compose file that it is
    for."""

    number: int
    image: Value
    name: Value | None
    command: tuple[Value, ...]
    mounts: tuple[Mount, ...]
    options: tuple[BuildOption, ...]
    service: Service | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerCreate:
    """`docker create`."""

    span: Span
    container: Container


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRun:
    """`docker run`; `detached` with `-d`, `removed` with `--rm`; `stdin` is what it is fed, where that is known;
    `workspace` are the host's files when it starts."""

    span: Span
    container: Container
    detached: bool
    removed: bool
    stdin: Stream | Value | None = None
    workspace: Workspace = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerUse:
    """`docker start`, `stop`, `wait`, `exec`, `export`, `commit`, `logs` … of containers. `arguments` are the operands
    behind them (exec's command, commit's image); `surroundings` the options that say around what exec's command runs."""

    span: Span
    verb: str
    containers: tuple[Value, ...]
    numbers: tuple[int | None, ...]
    arguments: tuple[Value, ...] = ()
    surroundings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """`docker cp container:source destination`: `source` is a path in the container, `destination` the path on the host as
    given and `landed` where the artifact then stands; None where it goes to standard output as a tar."""

    span: Span
    container: Value
    container_number: int | None
    source: str
    source_span: Span
    destination: Value
    landed: PurePosixPath | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Insertion:
    """`docker cp path container:destination`: a file of the host goes into a container."""

    span: Span
    container: Value
    container_number: int | None
    source: Value
    destination: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRemove:
    """`docker rm`, one event a command."""

    span: Span
    containers: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUse:
    """`docker push`, `tag`, `save`, `rmi`, `inspect` … of images; `streamed` is what `load` and `import` are fed."""

    span: Span
    verb: str
    images: tuple[Value, ...]
    streamed: Stream | Value | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostChange:
    """A command of the host that changes files: `paths` are those it names, relative to the root, as far as they lie in
    the repository. `alters` are those among them that came out of a container and are now something else; `takes` is what came
    out of a container and stands where its words lead, whatever it does with that."""

    span: Span
    command: str
    paths: tuple[PurePosixPath, ...]
    alters: tuple[PurePosixPath, ...] = ()
    takes: tuple[PurePosixPath, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """One docker command that compose runs for a service: `source` is the text that was made of the service, in which the
    commands of the steps behind it stand. `name` is the project's, by which compose tells projects apart."""

    project: Project
    name: str
    service: Service
    source: SourceFile = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compose:
    """`docker-compose …` or `docker compose …`, which stands before the steps that it comes to. `named` are the services that
    its words name, each with its place; `composed` are the texts in which
    those steps stand; `unread` says why its files weren't followed, and where."""

    span: Span
    verb: str
    words: tuple[Value, ...]
    project: Project | None = None
    named: tuple[tuple[str, Span], ...] = ()
    composed: tuple[SourceFile, ...] = field(default=(), repr=False)
    unread: tuple[str, Span] | None = None


Event = (
    ImageBuild
    | ContainerCreate
    | ContainerRun
    | ContainerUse
    | Extraction
    | Insertion
    | Compose
    | ContainerRemove
    | ImageUse
    | HostChange
    | Harmless
    | Opaque
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """An event and the command it came from: the unit that can be taken out of the script. `conditions` say when it runs,
    the outermost first; `client` is how docker was called (`docker`, `sudo docker`, `podman`), empty for other commands."""

    event: Event
    command: SimpleCommand
    conditions: tuple[Condition, ...] = ()
    client: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Everything a driver does, in order. `source` is its file, `pieces` are all texts of the repository that were run as shell
    (scripts, recipes); `composed` are those that were made of services of compose files; `unset` are names that the
    environment is taken not to set, `targets` those of the Makefile that is read first. `remaining` are artifacts that still
    stand on the host at its end, `unreached` the commands of the driver that name docker and are not come to with these
    files, arguments and environment (an uncalled function, the other branch); none where nothing of these decided."""

    source: SourceFile
    pieces: tuple[Script, ...]
    composed: Mapping[SourceFile, Composed]
    unset: tuple[tuple[str, Span], ...]
    targets: tuple[str, ...]
    steps: tuple[Traced, ...]
    remaining: tuple[PurePosixPath, ...]
    unreached: tuple[SimpleCommand, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def events(self) -> tuple[Event, ...]:
        return tuple(step.event for step in self.steps)
