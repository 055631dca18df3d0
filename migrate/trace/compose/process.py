"""`docker-compose …` and `docker compose …` where the interpreter comes to one: its files are read, and the docker commands that
it comes to are run as shell of their own, each with its places in the compose file."""

import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from migrate.drivers.compose import ComposeError, Project, Service, read_project
from migrate.drivers.yaml_reader import Stretch
from migrate.shell.reader import read_script
from migrate.shell.syntax import Script, SimpleCommand
from migrate.source import SourceFile, Span
from migrate.trace.compose.command_line import VERBS, ComposeCall, parse
from migrate.trace.compose.lowering import Command, Lowering, dotenv_variables, find_files, project_name, read_dotenv
from migrate.trace.docker_cli import CommandLineError
from migrate.trace.events import (
    Argument,
    Compose,
    Composed,
    ContainerCreate,
    ContainerRemove,
    ContainerRun,
    ContainerUse,
    ImageBuild,
)
from migrate.trace.holes import with_holes
from migrate.trace.state import Positional, Status
from migrate.trace.values import Array, Value, Variable

if TYPE_CHECKING:
    from migrate.trace.interpreter import Interpreter

_LEAVES_FILES = frozenset(
    "build pull push down stop rm ps logs config version kill pause unpause images ls top port events wait".split()
)


class Composes:
    """Runs compose where the interpreter comes to it."""

    def __init__(self, interpreter: "Interpreter") -> None:
        self._interpreter = interpreter

    def run(self, command: SimpleCommand, arguments: tuple[Argument, ...], client: str) -> None:
        """`client` is how it was called: `docker` for `docker compose`, else the program's name."""
        state = self._interpreter.state
        words = [a.value.marked for a in arguments]
        call = parse(words)
        if isinstance(call, CommandLineError):
            verb = next((w for w in words if w in VERBS), "")
            self._unread(command, arguments, client, verb, call.reason, None)
            return
        if call.verb not in VERBS:
            self._plain(command, arguments, client, call.verb)
            return
        try:
            if call.unread is not None:
                raise ComposeError(f"what `--{call.unread}` changes is not followed")
            project, name, environment = self._project(call)
            lowering = self._lowering(project, name, client, arguments, command.span)
            services = lowering.named(call)
            lowered = lowering.commands(call)
            if state.out is not None and call.verb in ("run", "exec"):
                self._check_printed(call, lowered, client)
            scripts = [self._script(project, name, c) for c in lowered]
        except ComposeError as error:
            self._unread(command, arguments, client, call.verb, error.message, error.span)
            return
        named = tuple((s.name, arguments[o.word].span) for s, o in zip(services, call.operands, strict=False))
        event = Compose(
            span=command.span,
            verb=call.verb,
            words=tuple(a.value for a in arguments),
            project=project,
            named=named,
            composed=tuple(s.source for s in scripts),
        )
        state.emit(event, command, client)
        for script, each in zip(scripts, lowered, strict=True):
            aside = each is not lowered[-1] and call.verb in ("run", "exec")  # what is built and started before
            self._run(command, script, project, environment, each, aside=aside)
            if self._interpreter.state.dead:
                return
        after = self._interpreter.state
        after.status = Status(code=None, span=command.span, presumed=True)
        if call.verb not in ("ps", "cp", "run", "exec"):
            after.print(after.unknown(f"output of `{command.span.text}`", command.span), command.span)

    def _check_printed(self, call: ComposeCall, lowered: Sequence[Command], client: str) -> None:
        """Where somebody takes what a container prints: docker-compose gives it a terminal, and prints builds among it. Raises
        ComposeError."""
        if lowered[-1].service.build is None or client == "docker":
            return
        if not (call.flag("no-TTY") or call.flag("no-tty")):
            raise ComposeError("what is printed goes through a terminal, without `-T`")
        if len(lowered) > 1:
            raise ComposeError("what building the images prints stands among what is taken here")

    def _plain(self, command: SimpleCommand, arguments: tuple[Argument, ...], client: str, verb: str) -> None:
        state = self._interpreter.state
        state.emit(Compose(span=command.span, verb=verb, words=tuple(a.value for a in arguments)), command, client)
        if verb not in _LEAVES_FILES:
            state.workspace = state.workspace.after_unknown(command.span)
        state.print(state.unknown(f"output of `{command.span.text}`", command.span), command.span)

    def _unread(
        self,
        command: SimpleCommand,
        arguments: tuple[Argument, ...],
        client: str,
        verb: str,
        reason: str,
        place: Span | None,
    ) -> None:
        state = self._interpreter.state
        words = tuple(a.value for a in arguments)
        unread = (reason, place or command.span)
        state.emit(Compose(span=command.span, verb=verb, words=words, unread=unread), command, client)
        if verb not in _LEAVES_FILES:
            state.workspace = state.workspace.after_unknown(command.span)
        state.print(state.unknown(f"output of `{command.span.text}`", command.span), command.span)

    # the project

    def _project(self, call: ComposeCall) -> tuple[Project, str, dict[str, Variable | None]]:
        state = self._interpreter.state
        directory = state.directory
        if directory is None:
            raise ComposeError("the directory in which compose runs is not known")
        environment = self._environment()

        def source_of(name: str) -> SourceFile | None:
            path = state.path(name)
            return state.workspace.source(path) if path is not None else None

        beside = self._dotenv(directory)
        given = self._given("COMPOSE_FILE", environment) or beside.get("COMPOSE_FILE")
        names = find_files(call, directory, lambda n: source_of(n) is not None, given)
        sources = [source_of(n) for n in names]
        read = [s for s in sources if s is not None]
        if len(read) < len(names):
            missing = names[sources.index(None)]
            raise ComposeError(
                f"the compose file `{missing}` is not there, leads out of the repository, or is made meanwhile"
            )
        folder = read[0].path.parent
        there = self._dotenv(folder) if folder != directory else None
        for name, text in dotenv_variables(call, read, beside, there).items():
            environment.setdefault(name, Value.of(text))
        root = state.workspace.root / folder if str(folder) != "." else state.workspace.root
        name = project_name(call, self._given("COMPOSE_PROJECT_NAME", environment), root.name)
        return read_project(read, folder), name, environment

    def _dotenv(self, folder: PurePosixPath) -> dict[str, str | None]:
        source = self._interpreter.state.workspace.source(folder / ".env")
        return read_dotenv(source.text) if source is not None else {}

    def _environment(self) -> dict[str, Variable | None]:
        """What another process sees of the script's variables."""
        state = self._interpreter.state
        if state.sudo:
            return {}
        known = {n: v for n, v in state.variables.items() if n in state.exported and not isinstance(v, Array)}
        hidden = {n: None for n, v in state.variables.items() if n not in state.exported and v is None}
        return {**hidden, **known}

    def _given(self, name: str, environment: dict[str, Variable | None]) -> str | None:
        found = environment.get(name)
        return found.marked if isinstance(found, Value) else None

    def _lowering(
        self, project: Project, name: str, client: str, arguments: tuple[Argument, ...], place: Span
    ) -> Lowering:
        state = self._interpreter.state
        built, started, running = set(), set(), set()
        for step in state.log.steps:
            composed = state.log.composed.get(step.command.span.file)
            if composed is None or composed.name != name:
                continue
            other = composed.service.name
            if composed.project != project and _differ(composed.service, project.service(other)):
                raise ComposeError(f"another compose file of this project has a service `{other}` of its own", place)
            if isinstance(step.event, ImageBuild):
                built.add(composed.service.name)
            service = composed.service.name
            match step.event:
                case ContainerCreate(container=container) if container.name is not None:
                    started.add(service)
                case ContainerRun(container=container, detached=detached):
                    started |= {service} if container.name is not None else set()
                    running |= {service} if detached else set()
                case ContainerRemove():
                    started.discard(service)
                    running.discard(service)
                case ContainerUse(verb="stop" | "kill" | "wait"):
                    running.discard(service)
                case _:
                    pass

        def spell(number: int, text: str) -> tuple[Stretch, ...]:
            argument = arguments[number]
            value = argument.value.slice(len(argument.value.marked) - len(text))
            return ((shlex.quote(state.log.holes.text(value)), argument.span, False),)

        return Lowering(
            project=project,
            name=name,
            client={"docker-compose": "docker", "podman-compose": "podman"}.get(client.rpartition("/")[2], client),
            separators=("_", "-") if client.endswith("docker-compose") else ("-",),
            built=frozenset(built),
            started=frozenset(started),
            running=frozenset(running),
            spell=spell,
        )

    # its commands

    def _script(self, project: Project, name: str, command: Command) -> Script:
        source = SourceFile.derived(command.service.key.file.path, command.pieces)
        script, found = read_script(source)
        if script is None:
            raise ComposeError(found[0].message if found else "this service can't be followed", command.service.key)
        composed = Composed(project=project, name=name, service=command.service, source=source)
        self._interpreter.state.log.composed[source] = composed
        return Script(source=source, statements=with_holes(script.statements, source), comments=())

    def _run(
        self,
        command: SimpleCommand,
        script: Script,
        project: Project,
        environment: dict[str, Variable | None],
        lowered: Command,
        *,
        aside: bool,
    ) -> None:
        interpreter = self._interpreter

        def run() -> None:
            state = interpreter.state
            state.variables = dict(environment)
            state.exported = frozenset(environment)
            state.positional = Positional()
            state.functions, state.aliases, state.frames = {}, {}, ()
            state.options = frozenset({"errexit"})
            state.owner, state.tested = None, 0
            state.directory = project.directory
            state.service = lowered.service
            interpreter.statements(script.statements)
            interpreter.state.service = None

        interpreter.subshell(run, command.span, captured=aside)


def _differ(one: Service, other: Service | None) -> bool:
    """Whether two services of one name, and so of one container and mostly one image, are made of different things."""
    if other is None or (one.build == other.build and one.text("image") == other.text("image")):
        return False
    images = [s.text("image") for s in (one, other)]
    return None in images or images[0] == images[1] or one.build is None
