"""Docker commands → events."""

from pathlib import PurePosixPath

from migrate import rules
from migrate.shell.syntax import SimpleCommand
from migrate.source import Span
from migrate.trace.docker_cli import CommandLineError, DockerCommand, Option, parse
from migrate.trace.events import (
    Argument,
    BuildArgument,
    BuildOption,
    ContainerCreate,
    ContainerRemove,
    ContainerRun,
    Extraction,
    Harmless,
    ImageBuild,
    ImageUse,
)
from migrate.trace.paths import in_container
from migrate.trace.state import State
from migrate.trace.values import ContainerId, ImageId, Value
from migrate.trace.workspace import Artifact, Changed

_IMAGE_VERBS = {
    "pull",
    "images",
    "history",
    "push",
    "tag",
    "rmi",
    "save",
    "inspect",
    "manifest create",
    "manifest push",
    "manifest annotate",
    "manifest inspect",
}
_HARMLESS_VERBS = {"version", "info", "login", "logout", "ps"}
_BUILD_PLAIN = {"tag", "file", "build-arg"}


def docker_command(state: State, command: SimpleCommand, client: Argument, arguments: tuple[Argument, ...]) -> Value:
    """Take one docker command into account. Returns what it prints, as far as a script can use it: an id, or unknown."""
    printed = Value.unknown(f"output of `{command.span.text}`", command.span)
    parsed = parse([a.value.marked for a in arguments])
    if isinstance(parsed, CommandLineError):
        place = arguments[parsed.word].span if parsed.word < len(arguments) else command.span
        state.report(rules.DOCKER_OPTION_UNKNOWN, parsed.reason, place)
        return printed
    if any(o.word < parsed.verb_words and o.name not in ("debug", "log-level", "version") for o in parsed.options):
        state.report(
            rules.DOCKER_COMMAND_NOT_TRACED, "a docker command that names its engine is not traced", command.span
        )
        return printed
    reader = _Reader(state=state, command=command, client=client, arguments=arguments, parsed=parsed)
    match parsed.verb:
        case "build":
            return reader.build() or printed
        case "create":
            return reader.create() or printed
        case "cp":
            reader.cp()
        case "rm":
            state.emit(ContainerRemove(span=command.span, containers=reader.operands()), command)
        case "run":
            reader.run()
        case verb if verb in _HARMLESS_VERBS:
            state.emit(Harmless(span=command.span, command=f"docker {verb}", text=""), command)
        case verb if verb in _IMAGE_VERBS:
            state.emit(ImageUse(span=command.span, verb=verb, images=reader.operands()), command)
        case verb:
            state.report(
                rules.DOCKER_COMMAND_NOT_TRACED,
                f"what `docker {verb.replace(chr(0), '…')}` does is not traced",
                command.span,
            )
    return printed


class _Reader:
    """One parsed docker command with its arguments as values."""

    def __init__(
        self,
        *,
        state: State,
        command: SimpleCommand,
        client: Argument,
        arguments: tuple[Argument, ...],
        parsed: DockerCommand,
    ) -> None:
        self._state = state
        self._command = command
        self._client = client
        self._arguments = arguments
        self._parsed = parsed

    def operands(self) -> tuple[Value, ...]:
        return tuple(self._arguments[o.word].value for o in self._parsed.operands)

    def _value(self, option: Option) -> Value | None:
        if option.value is None:
            return None
        whole = self._arguments[option.value_word].value
        return whole.slice(len(whole.marked) - len(option.value))

    def _last(self, name: str) -> Value | None:
        return next((self._value(o) for o in reversed(self._parsed.options) if o.name == name), None)

    def _spans(self, option: Option) -> tuple[Span, ...]:
        return tuple(dict.fromkeys((self._arguments[option.word].span, self._arguments[option.value_word].span)))

    def _known(self, value: Value, what: str, span: Span) -> str | None:
        """`value` as text, or a diagnostic and None."""
        if value.text is not None:
            return value.text
        unknown = value.first_unknown
        cause = unknown.origin if unknown else "an id"
        self._state.report(
            rules.VALUE_UNKNOWN,
            f"{what} is not known: it depends on {cause}",
            span,
            help_="give it with `--env NAME=VALUE` or `--arg VALUE`",
        )
        return None

    def _path(self, value: Value, what: str, span: Span) -> PurePosixPath | None:
        text = self._known(value, what, span)
        if text is None:
            return None
        if self._state.directory is None:
            self._state.report(rules.VALUE_UNKNOWN, f"{what} is not known: it depends on the directory", span)
            return None
        path = self._state.path(text)
        if path is None:
            self._state.report(rules.HOST_OUTSIDE, f"{what} `{text}` leads out of the repository", span)
        return path

    def build(self) -> Value | None:
        operands = self._parsed.operands
        if len(operands) != 1:
            self._state.report(
                rules.DOCKER_COMMAND_NOT_TRACED,
                f"`docker build` has {len(operands)} operands, not one build context",
                self._command.span,
            )
            return None
        context_argument = self._arguments[operands[0].word]
        if context_argument.value.text == "-" or "://" in context_argument.value.marked:
            self._state.report(
                rules.DOCKER_COMMAND_NOT_TRACED,
                "a build context that is no directory of the repository is not traced",
                context_argument.span,
            )
            return None
        context = self._path(context_argument.value, "the build context", context_argument.span)
        given = self._last("file")
        if context is None:
            return None
        if given is None:
            dockerfile: PurePosixPath | None = context / "Dockerfile"
        elif given.text == "-":
            self._state.report(
                rules.DOCKER_COMMAND_NOT_TRACED, "a Dockerfile from standard input is not traced", self._command.span
            )
            return None
        else:
            dockerfile = self._path(given, "the Dockerfile", self._command.span)
        if dockerfile is None:
            return None
        return self._emit_build(context, dockerfile)

    def _emit_build(self, context: PurePosixPath, dockerfile: PurePosixPath) -> Value:
        arguments, options = [], []
        for option in self._parsed.options:
            value = self._value(option)
            if option.name == "build-arg" and value is not None:
                name, equals, _ = value.marked.partition("=")
                assigned = value.slice(len(name) + 1) if equals else None
                arguments.append(BuildArgument(name=name, value=assigned, spans=self._spans(option)))
            elif option.name not in _BUILD_PLAIN:
                options.append(BuildOption(name=option.name, value=value, spans=self._spans(option)))
        state = self._state
        fixed = [s for o in self._parsed.options if o.name in ("tag", "file") for s in self._spans(o)]
        verb = self._arguments[self._parsed.verb_words - 1].span
        event = ImageBuild(
            span=self._command.span,
            number=len(state.builds),
            dockerfile=dockerfile,
            context=context,
            tags=tuple(v for o in self._parsed.options if o.name == "tag" and (v := self._value(o)) is not None),
            build_arguments=tuple(arguments),
            options=tuple(options),
            verb_end=verb.end,
            fixed_spans=frozenset([*fixed, *(self._arguments[o.word].span for o in self._parsed.operands)]),
            workspace=state.workspace,
            variables=dict(state.variables),
        )
        state.builds.append(event)
        state.emit(event, self._command)
        return Value(parts=(ImageId(number=event.number),))

    def create(self) -> Value | None:
        if not self._parsed.operands:
            self._state.report(rules.DOCKER_COMMAND_NOT_TRACED, "`docker create` names no image", self._command.span)
            return None
        if any(self._parsed.flag(name) or self._parsed.values(name) for name in ("volume", "mount", "volumes-from")):
            self._state.report(
                rules.DOCKER_COMMAND_NOT_TRACED, "a container with volumes or mounts is not traced", self._command.span
            )
        image = self._arguments[self._parsed.operands[0].word].value
        number = len(self._state.containers)
        event = ContainerCreate(span=self._command.span, number=number, image=image, name=self._last("name"))
        self._state.containers.append(event)
        self._state.emit(event, self._command)
        return Value(parts=(ContainerId(number=number),))

    def run(self) -> None:
        if not self._parsed.operands:
            self._state.report(rules.DOCKER_COMMAND_NOT_TRACED, "`docker run` names no image", self._command.span)
            return
        mounts = any(self._parsed.values(name) for name in ("volume", "mount", "volumes-from"))
        image = self._arguments[self._parsed.operands[0].word].value
        self._state.emit(ContainerRun(span=self._command.span, image=image, mounts=mounts), self._command)

    def cp(self) -> None:
        state, operands = self._state, self._parsed.operands
        if len(operands) != 2:
            state.report(
                rules.DOCKER_COMMAND_NOT_TRACED,
                f"`docker cp` has {len(operands)} operands, not two",
                self._command.span,
            )
            return
        source, destination = (self._arguments[o.word] for o in operands)
        container, path = _split_container(source.value)
        if container is None or path is None:
            state.report(
                rules.DOCKER_COMMAND_NOT_TRACED,
                "a `docker cp` that doesn't copy out of a container is not traced",
                source.span,
            )
            return
        if destination.value.text == "-" or self._parsed.flag("follow-link"):
            what = "to standard output" if destination.value.text == "-" else "that follows links"
            state.report(rules.DOCKER_COMMAND_NOT_TRACED, f"a `docker cp` {what} is not traced", self._command.span)
            return
        inside = self._known(path, "the path of the extraction", source.span)
        host = self._path(destination.value, "the destination of the extraction", destination.span)
        if inside is None or host is None:
            return
        self._extract(source.span, container, inside, destination, host)

    def _extract(self, span: Span, container: Value, inside: str, destination: Argument, host: PurePosixPath) -> None:
        state = self._state
        known = state.container(container)
        landed = self._landing(inside, host, destination)
        if landed is None:
            return
        if known is not None:
            node = Artifact(container=known.number, source=in_container(inside))
            state.workspace = state.workspace.with_node(landed, node)
        else:
            state.workspace = state.workspace.with_node(landed, Changed())
        event = Extraction(
            span=self._command.span,
            container=container,
            container_number=known.number if known else None,
            source=inside,
            source_span=span,
            destination=destination.value,
            landed=landed,
        )
        state.emit(event, self._command)

    def _landing(self, inside: str, host: PurePosixPath, destination: Argument) -> PurePosixPath | None:
        """Where `docker cp` puts it (semantics.md, section 2): into an existing directory, else under the name given."""
        workspace = self._state.workspace
        contents = inside == "." or inside.endswith("/.")
        name = in_container(inside).name
        there = workspace.is_directory(host)
        if there is None:
            self._state.report(
                rules.VALUE_UNKNOWN, f"whether `{host}` is a directory at this moment is not known", destination.span
            )
            return None
        if there and contents:
            if workspace.below(host):
                self._state.report(
                    rules.ARTIFACT_MIXED,
                    f"the extraction mixes its files with those that `{host}` already holds",
                    destination.span,
                )
                return None
            return host
        if there and name:
            return host / name
        if not there and workspace.is_directory(host.parent) is False:
            self._state.report(
                rules.LEGACY_BUILD_FAILS,
                f"`docker cp` fails here: `{host.parent}` is not a directory",
                destination.span,
            )
            return None
        return host


def _split_container(value: Value) -> tuple[Value | None, Value | None]:
    """`container:path`; (None, None) where the word is a host path, as docker's client tells them apart."""
    marked = value.marked
    before, colon, _ = marked.partition(":")
    if not colon or before.startswith((".", "/")) or not before:
        return None, None
    return value.slice(0, len(before)), value.slice(len(before) + 1)
