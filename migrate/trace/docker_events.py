"""Docker commands → events."""

import re
from collections import Counter
from pathlib import PurePosixPath

from migrate import rules
from migrate.shell.syntax import SimpleCommand
from migrate.source import Span
from migrate.trace.docker_cli import CommandLineError, DockerCommand, Operand, Option, parse
from migrate.trace.events import (
    Argument,
    BuildArgument,
    BuildOption,
    Container,
    ContainerCreate,
    ContainerRemove,
    ContainerRun,
    ContainerUse,
    Event,
    Extraction,
    Harmless,
    ImageBuild,
    ImageUse,
    Insertion,
    Mount,
)
from migrate.trace.paths import in_container
from migrate.trace.state import State, Status
from migrate.trace.values import EMPTY, ContainerId, ImageId, Output, Stream, Unknown, Value
from migrate.trace.workspace import Artifact, Changed, Copied, Share, Streamed, Written

_IMAGE_VERBS = {
    "pull",
    "images",
    "history",
    "push",
    "tag",
    "rmi",
    "save",
    "load",
    "import",
    "inspect",
    "manifest create",
    "manifest push",
    "manifest annotate",
    "manifest inspect",
    "buildx imagetools create",
}
_CONTAINER_VERBS = {
    "start",
    "stop",
    "restart",
    "wait",
    "exec",
    "export",
    "commit",
    "kill",
    "logs",
    "attach",
    "pause",
    "unpause",
    "rename",
    "top",
    "port",
    "diff",
    "update",
}
_ONE_CONTAINER = {"exec", "commit", "rename", "port", "top"}
_HARMLESS_VERBS = {
    "",
    *"version info login logout ps search stats events".split(),
    *("system df", "system info", "system prune", "container prune", "image prune", "volume prune", "builder prune"),
    *("buildx ls", "buildx inspect", "buildx version", "buildx du", "buildx prune", "buildx create", "buildx use"),
    *("network create", "network ls", "network inspect", "network rm", "network prune", "network connect"),
    *("volume create", "volume ls", "volume inspect", "volume rm", "context ls"),
}
_BUILD_PLAIN = {"tag", "file", "build-arg"}
_QUESTIONS = {"inspect", "pull", "history", "info", "version", "logs", "manifest inspect"}
"""Commands that scripts run for their exit status."""


def docker_command(
    state: State, command: SimpleCommand, arguments: tuple[Argument, ...], how: str = "docker"
) -> Output:
    """Take one docker command into account. Returns what it prints, as far as a script can use it: an id, the stream of a
    container, or unknown. `how` is how the client was called."""
    printed = state.unknown(f"output of `{command.span.text}`", command.span)
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
    state.status = Status(code=None, span=command.span, presumed=None if parsed.verb in _QUESTIONS else True)
    reader = _Reader(state=state, command=command, arguments=arguments, parsed=parsed, client=how)
    return reader.read() or printed


class _Reader:
    """One parsed docker command with its arguments as values."""

    def __init__(
        self,
        *,
        state: State,
        command: SimpleCommand,
        arguments: tuple[Argument, ...],
        parsed: DockerCommand,
        client: str,
    ) -> None:
        self._state = state
        self._command = command
        self._arguments = arguments
        self._parsed = parsed
        self._client = client

    def read(self) -> Output | None:
        verb, span = self._parsed.verb, self._command.span
        if self._state.unread is not None and verb in ("build", "create", "cp"):
            self._state.report(rules.CONSTRUCT_NOT_TRACED, *self._state.unread)
        match verb:
            case "build":
                return self._build()
            case "create":
                return self._create()
            case "run":
                return self._run()
            case "cp":
                return self._cp()
            case "rm":
                self._emit(ContainerRemove(span=span, containers=self._operands()))
            case "ps" if self._parsed.flag("quiet"):
                self._emit(Harmless(span=span, command="docker ps", text=""))
                return self._found_container()
            case _ if verb in _HARMLESS_VERBS:
                self._emit(Harmless(span=span, command=f"docker {verb}".strip(), text=""))
            case _ if verb in _IMAGE_VERBS:
                return self._image_use(verb)
            case _ if verb in _CONTAINER_VERBS:
                return self._container_use(verb)
            case _:
                shown = verb.replace(chr(0), "…")
                self._not_traced(f"what `docker {shown}` does is not traced", span)
        return None

    def _emit(self, event: Event) -> int:
        """Returns the index of the step."""
        self._state.emit(event, self._command, self._client)
        return len(self._state.log.steps) - 1

    def _not_traced(self, message: str, span: Span) -> None:
        self._state.report(rules.DOCKER_COMMAND_NOT_TRACED, message, span)

    def _operands(self) -> tuple[Value, ...]:
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
        if self._state.directory is None and not text.startswith("/"):
            self._state.report(rules.VALUE_UNKNOWN, f"{what} is not known: it depends on the directory", span)
            return None
        path = self._state.path(text)
        if path is None:
            self._state.report(rules.HOST_OUTSIDE, f"{what} `{text}` leads out of the repository", span)
        return path

    def _may_be_options(self, operand: Operand) -> bool:
        """Whether a word is nothing but an unquoted variable that isn't known: it may be options, or nothing."""
        argument = self._arguments[operand.word]
        return not argument.certain and all(isinstance(p, Unknown) for p in argument.value.parts)

    # builds

    def _build(self) -> Output | None:
        operands = list(self._parsed.operands)
        extra = [o for o in operands if self._may_be_options(o)] if len(operands) > 1 else []
        operands = [o for o in operands if o not in extra]
        if len(operands) != 1:
            count = len(operands)
            self._not_traced(f"`docker build` has {count} operands, not one build context", self._command.span)
            return None
        context = self._arguments[operands[0].word]
        if "://" in context.value.marked or context.value.marked.startswith("git@"):
            self._not_traced("a build context that is no directory of the repository is not traced", context.span)
            return None
        given = self._last("file")
        if context.value.text == "-":
            return self._streamed_context(given, extra)
        path = self._path(context.value, "the build context", context.span)
        if path is None:
            return None
        if given is None:
            dockerfile: PurePosixPath | None = path / "Dockerfile"
        elif given.text == "-":
            return self._emit_build(path, None, extra)
        else:
            dockerfile = self._path(given, "the Dockerfile", self._command.span)
            if dockerfile is None:
                return None
        return self._emit_build(path, dockerfile, extra)

    def _streamed_context(self, given: Value | None, extra: list[Operand]) -> Output | None:
        """`… | docker build -`: a tar with the context, or a Dockerfile."""
        name = "Dockerfile"
        if given is not None:
            known = self._known(given, "the Dockerfile", self._command.span)
            if known is None:
                return None
            name = known
        return self._emit_build(None, PurePosixPath(name), extra)

    def _emit_build(
        self, context: PurePosixPath | None, dockerfile: PurePosixPath | None, extra: list[Operand]
    ) -> Output:
        arguments, options = [], []
        for option in self._parsed.options:
            value = self._value(option)
            if option.name == "build-arg" and value is not None:
                name, equals, _ = value.marked.partition("=")
                assigned = value.slice(len(name) + 1) if equals else None
                arguments.append(BuildArgument(name=name, value=assigned, spans=self._spans(option)))
            elif option.name not in _BUILD_PLAIN:
                options.append(BuildOption(name=option.name, value=value, spans=self._spans(option)))
        for operand in extra:
            argument = self._arguments[operand.word]
            options.append(BuildOption(name=str(argument.value), value=argument.value, spans=(argument.span,)))
        state = self._state
        fixed = [s for o in self._parsed.options if o.name in ("tag", "file") for s in self._spans(o)]
        operands = [o for o in self._parsed.operands if o not in extra]
        event = ImageBuild(
            span=self._command.span,
            number=state.log.builds,
            dockerfile=dockerfile,
            context=context,
            streamed=state.stdin if context is None or dockerfile is None else None,
            tags=tuple(v for o in self._parsed.options if o.name == "tag" and (v := self._value(o)) is not None),
            build_arguments=tuple(arguments),
            options=tuple(options),
            verb_end=self._arguments[self._parsed.verb_words - 1].span.end,
            fixed_spans=frozenset([*fixed, *(self._arguments[o.word].span for o in operands)]),
            file_spans=tuple(s for o in self._parsed.options if o.name == "file" for s in self._spans(o)),
            context_span=self._arguments[operands[0].word].span,
            shared_words=frozenset(s for s, n in Counter(a.span for a in self._arguments).items() if n > 1),
            directory=state.directory,
            workspace=state.workspace,
            variables=dict(state.variables),
        )
        state.log.builds += 1
        self._emit(event)
        made = Value(parts=(ImageId(number=event.number),))
        self._id_file("iidfile", made)
        self._exported(event)
        if self._parsed.flag("quiet"):
            return made + Value.of("\n")
        return state.unknown(f"output of `{self._command.span.text}`", self._command.span)

    def _exported(self, event: ImageBuild) -> None:
        """`--output DIR`: the image's files land on the host, as if a container of it had been copied out whole."""
        given = event.option("output")
        if given is None or given.value is None:
            return
        text = given.value.text
        fields = dict(f.partition("=")[::2] for f in text.split(",")) if text is not None and "=" in text else {}
        if text is not None and fields:
            text = fields.get("dest") if fields.get("type") == "local" else None
        place = self._state.path(text) if text not in (None, "-", "") and text is not None else None
        workspace = self._state.workspace
        if place is None or workspace.is_file(place) is not False or workspace.names(place) not in ((), None):
            if fields.get("type") not in ("docker", "image", "registry", "cacheonly"):
                self._not_traced("where this build writes its files is not traced", given.spans[0])
            return
        number = self._state.log.containers
        self._state.log.containers += 1
        container = Container(
            number=number,
            image=Value(parts=(ImageId(number=event.number),)),
            name=None,
            command=(),
            mounts=(),
            options=(),
        )
        self._state.containers = (*self._state.containers, container)
        self._emit(ContainerCreate(span=self._command.span, container=container))
        self._emit(
            Extraction(
                span=self._command.span,
                container=container.image,
                container_number=number,
                source="/.",
                source_span=given.spans[-1],
                destination=given.value,
                landed=place,
            )
        )
        artifact = Artifact(container=number, source=PurePosixPath("/"))
        self._state.workspace = workspace.made(place).with_node(place, artifact)

    def _id_file(self, option: str, made: Value) -> None:
        name = self._last(option)
        path = self._state.path(name.text) if name is not None and name.text is not None else None
        if path is not None:
            self._state.workspace = self._state.workspace.with_node(path, Written(content=made))

    # containers

    def _container(self) -> Container | None:
        operands = list(self._parsed.operands)
        extra = []
        if len(operands) > 1 and self._may_be_options(operands[0]):
            extra.append(operands.pop(0))
        if not operands:
            self._not_traced(f"`docker {self._parsed.verb}` names no image", self._command.span)
            return None
        state = self._state
        mounts: list[Mount] = []
        options: list[BuildOption] = []
        for option in self._parsed.options:
            value = self._value(option)
            if option.name in ("volume", "mount") and value is not None:
                mount = self._mount(option.name, value)
                if mount is not None:
                    mounts.append(mount)
                    continue
            if option.name not in ("name", "cidfile", "detach", "rm"):
                options.append(BuildOption(name=option.name, value=value, spans=self._spans(option)))
        for operand in extra:
            argument = self._arguments[operand.word]
            options.append(BuildOption(name=str(argument.value), value=argument.value, spans=(argument.span,)))
        number = state.log.containers
        state.log.containers += 1
        container = Container(
            number=number,
            image=self._arguments[operands[0].word].value,
            name=self._last("name"),
            command=tuple(self._arguments[o.word].value for o in operands[1:]),
            mounts=tuple(mounts),
            options=tuple(options),
        )
        state.containers = (*state.containers, container)
        self._id_file("cidfile", Value(parts=(ContainerId(number=number),)))
        return container

    def _mount(self, kind: str, value: Value) -> Mount | None:
        """`source:target[:options]`, or `type=bind,source=…,target=…`; None for what mounts nothing of the host."""
        if kind == "volume":
            pieces = _cut(value, ":")
            if len(pieces) == 1:
                return None  # an anonymous volume stays an option
            source, target = pieces[0], pieces[1]
            flags = (pieces[2].marked if len(pieces) > 2 else "").split(",")
            return self._mounted(source, target, read_only="ro" in flags)
        fields: dict[str, Value] = {}
        for piece in _cut(value, ","):
            name, equals, _ = piece.marked.partition("=")
            fields[name] = piece.slice(len(name) + 1) if equals else EMPTY
        given = next((fields[n] for n in ("source", "src") if n in fields), None)
        place = next((fields[n] for n in ("target", "dst", "destination") if n in fields), None)
        if given is None or place is None or fields.get("type", EMPTY).text not in ("bind", "volume", ""):
            return None
        read_only = next((fields[n].text for n in ("readonly", "ro") if n in fields), "false")
        return self._mounted(given, place, read_only=read_only in ("", "true", "1"))

    def _mounted(self, source: Value, target: Value, *, read_only: bool) -> Mount:
        text = source.text
        host = self._state.path(text) if text is not None and text.startswith(("/", ".")) else None
        return Mount(source=source, host=host, target=target, read_only=read_only)

    def _create(self) -> Output | None:
        container = self._container()
        if container is None:
            return None
        self._emit(ContainerCreate(span=self._command.span, container=container))
        return Value(parts=(ContainerId(number=container.number),)) + Value.of("\n")

    def _run(self) -> Output | None:
        container = self._container()
        if container is None:
            return None
        state = self._state
        reads = self._parsed.flag("interactive")
        detached = self._parsed.flag("detach")
        event = ContainerRun(
            span=self._command.span,
            container=container,
            detached=detached,
            removed=self._parsed.flag("rm"),
            stdin=state.stdin if reads else None,
            workspace=state.workspace,
        )
        step = self._emit(event)
        if reads:
            state.stdin = EMPTY if state.stdin is not None else None
        self._write_mounts(container)
        if detached:
            return Value(parts=(ContainerId(number=container.number),)) + Value.of("\n")
        return Stream(step=step, span=self._command.span)

    def _write_mounts(self, container: Container) -> None:
        """What stands in a folder that a container can write to is what the container left there."""
        for mount in container.mounts:
            if mount.host is None or mount.read_only or mount.target.text is None:
                continue
            share = Share(host=mount.host, container=container.number, target=in_container(mount.target.text))
            workspace = self._state.workspace
            if workspace.is_file(mount.host) or workspace.is_link(mount.host) is not False:
                self._state.workspace = workspace.after_unknown(self._command.span)
            else:
                self._state.workspace = workspace.made(mount.host).shared(share)

    def _container_use(self, verb: str) -> Output | None:
        operands = self._operands()
        containers = operands[:1] if verb in _ONE_CONTAINER else operands
        known = [self._state.container(c) for c in containers]
        event = ContainerUse(
            span=self._command.span,
            verb=verb,
            containers=containers,
            numbers=tuple(c.number if c else None for c in known),
            arguments=operands[len(containers) :],
        )
        step = self._emit(event)
        match verb:
            case "exec" | "logs" | "attach":
                return Stream(step=step, span=self._command.span)
            case "start" if self._parsed.flag("attach"):
                return Stream(step=step, span=self._command.span)
            case "export":
                return self._saved(step)
            case "start" | "stop" | "restart" | "kill" | "pause" | "unpause":
                return _lines(containers)
            case _:
                return None

    def _saved(self, step: int) -> Output | None:
        """`-o file`, or standard output."""
        stream = Stream(step=step, span=self._command.span)
        name = self._last("output")
        if name is None:
            return stream
        path = self._state.path(name.text) if name.text is not None else None
        if path is not None:
            self._state.workspace = self._state.workspace.with_node(path, Streamed(stream=stream))
        return EMPTY

    def _found_container(self) -> Output | None:
        """`docker ps -q`: the script's own container, where a name, or that it is the latest, tells which."""
        state = self._state
        filters = [v for o in self._parsed.options if o.name == "filter" and (v := self._value(o)) is not None]
        if not filters and (self._parsed.flag("latest") or self._last("last") == Value.of("1")) and state.containers:
            return Value(parts=(ContainerId(number=state.containers[-1].number),)) + Value.of("\n")
        names = [f.slice(len("name=")) for f in filters if f.marked.startswith("name=")]
        if len(filters) != 1 or len(names) != 1 or not (self._parsed.flag("all") or state.containers):
            return None
        wanted = names[0]
        if wanted.marked.startswith("^"):
            wanted = wanted.slice(1)
        if wanted.marked.startswith("/"):
            wanted = wanted.slice(1)
        if wanted.marked.endswith("$"):
            wanted = wanted.slice(0, len(wanted.marked) - 1)
        found = [c for c in state.containers if c.name == wanted]
        if len(found) != 1:
            return None
        return Value(parts=(ContainerId(number=found[0].number),)) + Value.of("\n")

    # images

    def _image_use(self, verb: str) -> Output | None:
        state = self._state
        given = self._last("input") if verb == "load" else None
        fed: Stream | Value | None = state.stdin if verb in ("load", "import") and given is None else None
        if given is not None and given.text is not None and (path := state.path(given.text)) is not None:
            node = state.workspace.node(path)
            fed = node.stream if isinstance(node, Streamed) else None
        step = self._emit(ImageUse(span=self._command.span, verb=verb, images=self._operands(), streamed=fed))
        if verb in ("load", "import"):
            state.stdin = EMPTY if state.stdin is not None else None
        if verb == "save":
            return self._saved(step)
        return None

    # extraction

    def _cp(self) -> Output | None:
        state, operands = self._state, self._parsed.operands
        if len(operands) != 2:
            self._not_traced(f"`docker cp` has {len(operands)} operands, not two", self._command.span)
            return None
        source, destination = (self._arguments[o.word] for o in operands)
        container, path = _split_container(source.value)
        if container is None or path is None:
            into, inside = _split_container(destination.value)
            if into is None or inside is None:
                self._not_traced("this `docker cp` copies neither out of a container nor into one", source.span)
                return None
            known = state.container(into)
            number = known.number if known else None
            event = Insertion(
                span=self._command.span,
                container=into,
                container_number=number,
                source=source.value,
                destination=inside,
            )
            self._emit(event)
            return EMPTY
        if self._parsed.flag("follow-link"):
            self._not_traced("a `docker cp` that follows links is not traced", self._command.span)
            return None
        inner = self._known(path, "the path of the extraction", source.span)
        if inner is None:
            return None
        if destination.value.text == "-":
            step = self._emit(self._extraction(source.span, container, inner, destination, None))
            return Stream(step=step, span=self._command.span)
        host = self._path(destination.value, "the destination of the extraction", destination.span)
        if host is not None:
            self._extract(source.span, container, inner, destination, host)
        return EMPTY

    def _extraction(
        self, span: Span, container: Value, inside: str, destination: Argument, landed: PurePosixPath | None
    ) -> Extraction:
        known = self._state.container(container)
        return Extraction(
            span=self._command.span,
            container=container,
            container_number=known.number if known else None,
            source=inside,
            source_span=span,
            destination=destination.value,
            landed=landed,
        )

    def _extract(self, span: Span, container: Value, inside: str, destination: Argument, host: PurePosixPath) -> None:
        state = self._state
        landed = self._landing(inside, host, destination)
        if landed is None:
            return
        event = self._extraction(span, container, inside, destination, landed)
        if event.container_number is not None:
            node = Artifact(container=event.container_number, source=in_container(inside))
            state.workspace = state.workspace.with_node(landed, node)
        else:
            state.workspace = state.workspace.with_node(landed, Changed())
        self._emit(event)

    def _landing(self, inside: str, host: PurePosixPath, destination: Argument) -> PurePosixPath | None:
        """Where `docker cp` puts it (semantics.md, section 2): into an existing directory, else under the name given."""
        workspace = self._state.workspace
        contents = re.search(r"(?:^|/)\.(?:/+)?$", inside) is not None
        name = in_container(inside).name
        there = workspace.is_directory(host)
        slash = (destination.value.text or "").endswith("/")
        folder = contents or inside.endswith("/")
        if there is None or workspace.is_link(host):
            self._state.report(
                rules.VALUE_UNKNOWN, f"whether `{host}` is a directory at this moment is not known", destination.span
            )
            return None
        if there and contents:
            if workspace.below(host) or isinstance(workspace.node(host), Copied):
                self._state.report(
                    rules.ARTIFACT_MIXED,
                    f"the extraction mixes its files with those that `{host}` already holds",
                    destination.span,
                )
                return None
            return host
        if there and name:
            return self._merging(host / name, destination)
        blocked = workspace.is_file(host) is True and (folder or slash)
        if not there and (blocked or workspace.is_directory(host.parent) is False):
            missing = host if blocked else host.parent
            self._state.report(
                rules.LEGACY_BUILD_FAILS,
                f"`docker cp` fails here: `{missing}` is not a directory",
                destination.span,
            )
            return None
        if not there and slash and not folder:
            self._state.report(
                rules.VALUE_UNKNOWN,
                f"whether `{inside}` is a directory is not known: `docker cp` of a file to `{destination.value}` fails",
                destination.span,
            )
            return None
        return host

    def _merging(self, landed: PurePosixPath, destination: Argument) -> PurePosixPath | None:
        """A directory is merged into one that is there already; what then stands there is of more than one origin."""
        workspace = self._state.workspace
        node = workspace.node(landed)
        held = workspace.below(landed) or isinstance(node, Copied)
        if workspace.is_directory(landed) is not False and node is not None and (held or isinstance(node, Artifact)):
            self._state.report(
                rules.ARTIFACT_MIXED,
                f"the extraction may mix its files with those that `{landed}` already holds",
                destination.span,
            )
            return None
        return landed


def _split_container(value: Value) -> tuple[Value | None, Value | None]:
    """`container:path`; (None, None) where the word is a host path, as docker's client tells them apart."""
    marked = value.marked
    before, colon, _ = marked.partition(":")
    if not colon or before.startswith((".", "/")) or not before:
        return None, None
    return value.slice(0, len(before)), value.slice(len(before) + 1)


def _cut(value: Value, separator: str) -> list[Value]:
    pieces, at = [], 0
    for match in re.finditer(re.escape(separator), value.marked):
        pieces.append(value.slice(at, match.start()))
        at = match.end()
    return [*pieces, value.slice(at)]


def _lines(values: tuple[Value, ...]) -> Value:
    result = EMPTY
    for value in values:
        result = result + value + Value.of("\n")
    return result
