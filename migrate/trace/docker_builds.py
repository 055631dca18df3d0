"""`docker build` → events."""

from collections import Counter
from pathlib import PurePosixPath

from migrate.trace.docker_call import Call
from migrate.trace.docker_cli import Operand
from migrate.trace.events import BuildArgument, BuildOption, Container, ContainerCreate, Extraction, ImageBuild
from migrate.trace.values import ImageId, Output, Value
from migrate.trace.workspace import Artifact

_BUILD_PLAIN = {"tag", "file", "build-arg"}
_YES = ("1", "t", "T", "true", "TRUE", "True")
_NO = ("0", "f", "F", "false", "FALSE", "False")


def build(call: Call) -> Output | None:
    operands = list(call.parsed.operands)
    extra = [o for o in operands if call.may_be_options(o)] if len(operands) > 1 else []
    operands = [o for o in operands if o not in extra]
    if len(operands) != 1:
        count = len(operands)
        call.not_traced(f"`docker build` has {count} operands, not one build context", call.command.span)
        return None
    context = call.arguments[operands[0].word]
    if "://" in context.value.marked or context.value.marked.startswith("git@"):
        call.not_traced("a build context that is no directory of the repository is not traced", context.span)
        return None
    given = call.last("file")
    if context.value.text == "-":
        return _streamed_context(call, given, extra)
    path = call.path(context.value, "the build context", context.span)
    if path is None:
        return None
    if given is None:
        dockerfile: PurePosixPath | None = path / "Dockerfile"
    elif given.text == "-":
        return _emit_build(call, path, None, extra)
    else:
        dockerfile = call.path(given, "the Dockerfile", call.command.span)
        if dockerfile is None:
            return None
    return _emit_build(call, path, dockerfile, extra)


def _streamed_context(call: Call, given: Value | None, extra: list[Operand]) -> Output | None:
    """`… | docker build -`: a tar with the context, or a Dockerfile."""
    name = "Dockerfile"
    if given is not None:
        known = call.known(given, "the Dockerfile", call.command.span)
        if known is None:
            return None
        name = known
    return _emit_build(call, None, PurePosixPath(name), extra)


def _emit_build(
    call: Call, context: PurePosixPath | None, dockerfile: PurePosixPath | None, extra: list[Operand]
) -> Output:
    arguments, options = [], []
    for option in call.parsed.options:
        value = call.value(option)
        if option.name == "build-arg" and value is not None:
            name, equals, _ = value.marked.partition("=")
            assigned = value.slice(len(name) + 1) if equals else None
            arguments.append(BuildArgument(name=name, value=assigned, spans=call.spans(option)))
        elif option.name not in _BUILD_PLAIN:
            options.append(BuildOption(name=option.name, value=value, spans=call.spans(option)))
    for operand in extra:
        argument = call.arguments[operand.word]
        options.append(BuildOption(name=str(argument.value), value=argument.value, spans=(argument.span,)))
    state = call.state
    fixed = [s for o in call.parsed.options if o.name in ("tag", "file") for s in call.spans(o)]
    operands = [o for o in call.parsed.operands if o not in extra]
    event = ImageBuild(
        span=call.command.span,
        number=state.log.builds,
        dockerfile=dockerfile,
        context=context,
        streamed=state.stdin if context is None or dockerfile is None else None,
        tags=tuple(v for o in call.parsed.options if o.name == "tag" and (v := call.value(o)) is not None),
        build_arguments=tuple(arguments),
        options=tuple(options),
        verb_end=call.arguments[call.parsed.verb_words - 1].span.end,
        fixed_spans=frozenset([*fixed, *(call.arguments[o.word].span for o in operands)]),
        file_spans=tuple(s for o in call.parsed.options if o.name == "file" for s in call.spans(o)),
        context_span=call.arguments[operands[0].word].span,
        shared_words=frozenset(s for s, n in Counter(a.span for a in call.arguments).items() if n > 1),
        directory=state.directory,
        service=state.service,
        buildkit=_buildkit(call),
        workspace=state.workspace,
        variables=dict(state.variables),
        exported=frozenset(state.exported),
    )
    state.log.builds += 1
    call.emit(event)
    made = Value(parts=(ImageId(number=event.number),))
    call.id_file("iidfile", made)
    _exported(call, event)
    if call.parsed.flag("quiet"):
        return made + Value.of("\n")
    return state.unknown(f"output of `{call.command.span.text}`", call.command.span)


def _buildkit(call: Call) -> bool | None:
    """Which builder the command asks for, as DOCKER_BUILDKIT says (docker's own words for yes and no). `docker buildx` doesn't
    ask that variable, and what stands behind it is for building to show."""
    if call.client.rpartition(" ")[2] != "docker" or call.arguments[0].value.text == "buildx":
        return None
    state, name = call.state, "DOCKER_BUILDKIT"
    value = state.variables.get(name) if name in state.exported and not state.sudo else None
    text = value.text if isinstance(value, Value) else None
    return True if text in _YES else False if text in _NO else None


def _exported(call: Call, event: ImageBuild) -> None:
    """`--output DIR`: the image's files land on the host, as if a container of it had been copied out whole."""
    given = event.option("output")
    if given is None or given.value is None:
        return
    text = given.value.text
    fields = dict(f.partition("=")[::2] for f in text.split(",")) if text is not None and "=" in text else {}
    if text is not None and fields:
        text = fields.get("dest") if fields.get("type") == "local" else None
    place = call.state.path(text) if text not in (None, "-", "") and text is not None else None
    workspace = call.state.workspace
    if place is None or workspace.is_file(place) is not False or workspace.names(place) not in ((), None):
        if fields.get("type") not in ("docker", "image", "registry", "cacheonly"):
            call.not_traced("where this build writes its files is not traced", given.spans[0])
        return
    number = call.state.log.containers
    call.state.log.containers += 1
    container = Container(
        number=number,
        image=Value(parts=(ImageId(number=event.number),)),
        name=None,
        command=(),
        mounts=(),
        options=(),
    )
    call.state.containers = (*call.state.containers, container)
    call.emit(ContainerCreate(span=call.command.span, container=container))
    call.emit(
        Extraction(
            span=call.command.span,
            container=container.image,
            container_number=number,
            source="/.",
            source_span=given.spans[-1],
            destination=given.value,
            landed=place,
        )
    )
    artifact = Artifact(container=number, source=PurePosixPath("/"))
    call.state.workspace = workspace.made(place).with_node(place, artifact)
