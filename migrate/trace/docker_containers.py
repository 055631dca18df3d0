"""`docker create`, `run`, and what is done with containers afterwards → events."""

import re

from migrate.trace.docker_call import Call
from migrate.trace.events import BuildOption, Container, ContainerCreate, ContainerRun, ContainerUse, Mount
from migrate.trace.paths import in_container
from migrate.trace.values import EMPTY, Array, ContainerId, Output, Stream, Value
from migrate.trace.workspace import Share

_AROUND_EXEC = {"env", "env-file", "privileged", "tty", "user", "workdir"}
_ONE_CONTAINER = {"exec", "commit", "rename", "port", "top"}


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


def _container(call: Call) -> Container | None:
    operands = list(call.parsed.operands)
    extra = []
    if len(operands) > 1 and call.may_be_options(operands[0]):
        extra.append(operands.pop(0))
    if not operands:
        call.not_traced(f"`docker {call.parsed.verb}` names no image", call.command.span)
        return None
    state = call.state
    mounts: list[Mount] = []
    options: list[BuildOption] = []
    for option in call.parsed.options:
        value = call.value(option)
        if option.name in ("volume", "mount") and value is not None:
            mount = _mount(call, option.name, value)
            if mount is not None:
                mounts.append(mount)
                continue
        if option.name == "env" and value is not None:
            value = _given(call, value)
            if value is None:
                continue
        if option.name not in ("name", "cidfile", "detach", "rm"):
            options.append(BuildOption(name=option.name, value=value, spans=call.spans(option)))
    for operand in extra:
        argument = call.arguments[operand.word]
        options.append(BuildOption(name=str(argument.value), value=argument.value, spans=(argument.span,)))
    number = state.log.containers
    state.log.containers += 1
    container = Container(
        number=number,
        image=call.arguments[operands[0].word].value,
        name=call.last("name"),
        command=tuple(call.arguments[o.word].value for o in operands[1:]),
        mounts=tuple(mounts),
        options=tuple(options),
        service=state.service,
    )
    state.containers = (*state.containers, container)
    call.id_file("cidfile", Value(parts=(ContainerId(number=number),)))
    return container


def _given(call: Call, value: Value) -> Value | None:
    """`-e NAME` gives the container what the client's environment holds; None where that is known to hold nothing."""
    name = value.text
    if name is None or "=" in name or not name:
        return value
    state = call.state
    if name in state.variables and name not in state.exported:
        return None
    held = state.lookup(name, call.command.span)
    if held is None or isinstance(held, Array):
        return None
    return Value.of(f"{name}=") + held if held.text is not None else value


def _mount(call: Call, kind: str, value: Value) -> Mount | None:
    """`source:target[:options]`, or `type=bind,source=…,target=…`; None for what mounts nothing of the host."""
    if kind == "volume":
        pieces = _cut(value, ":")
        if len(pieces) == 1:
            return None  # an anonymous volume stays an option
        source, target = pieces[0], pieces[1]
        flags = (pieces[2].marked if len(pieces) > 2 else "").split(",")
        return _mounted(call, source, target, read_only="ro" in flags)
    fields: dict[str, Value] = {}
    for piece in _cut(value, ","):
        name, equals, _ = piece.marked.partition("=")
        fields[name] = piece.slice(len(name) + 1) if equals else EMPTY
    given = next((fields[n] for n in ("source", "src") if n in fields), None)
    place = next((fields[n] for n in ("target", "dst", "destination") if n in fields), None)
    if given is None or place is None or fields.get("type", EMPTY).text not in ("bind", "volume", ""):
        return None
    read_only = next((fields[n].text for n in ("readonly", "ro") if n in fields), "false")
    return _mounted(call, given, place, read_only=read_only in ("", "true", "1"))


def _mounted(call: Call, source: Value, target: Value, *, read_only: bool) -> Mount:
    text = source.text
    host = call.state.path(text) if text is not None and text.startswith(("/", ".")) else None
    return Mount(source=source, host=host, target=target, read_only=read_only)


def create(call: Call) -> Output | None:
    container = _container(call)
    if container is None:
        return None
    call.emit(ContainerCreate(span=call.command.span, container=container))
    return Value(parts=(ContainerId(number=container.number),)) + Value.of("\n")


def run(call: Call) -> Output | None:
    container = _container(call)
    if container is None:
        return None
    state = call.state
    reads = call.parsed.flag("interactive")
    detached = call.parsed.flag("detach")
    event = ContainerRun(
        span=call.command.span,
        container=container,
        detached=detached,
        removed=call.parsed.flag("rm"),
        stdin=state.stdin if reads else None,
        workspace=state.workspace,
    )
    step = call.emit(event)
    if reads:
        state.stdin = EMPTY if state.stdin is not None else None
    _write_mounts(call, container)
    if detached:
        return Value(parts=(ContainerId(number=container.number),)) + Value.of("\n")
    return Stream(step=step, span=call.command.span)


def _write_mounts(call: Call, container: Container) -> None:
    """What stands in a folder that a container can write to is what the container left there."""
    for mount in container.mounts:
        if mount.host is None or mount.read_only or mount.target.text is None:
            continue
        share = Share(host=mount.host, container=container.number, target=in_container(mount.target.text))
        workspace = call.state.workspace
        if workspace.is_file(mount.host) or workspace.is_link(mount.host) is not False:
            call.state.workspace = workspace.after_unknown(call.command.span)
        else:
            call.state.workspace = workspace.made(mount.host).shared(share)


def container_use(call: Call, verb: str) -> Output | None:
    operands = call.operands()
    containers = operands[:1] if verb in _ONE_CONTAINER else operands
    known = [call.state.container(c) for c in containers]
    event = ContainerUse(
        span=call.command.span,
        verb=verb,
        containers=containers,
        numbers=tuple(c.number if c else None for c in known),
        arguments=operands[len(containers) :],
        surroundings=tuple(o.name for o in call.parsed.options if verb == "exec" and o.name in _AROUND_EXEC),
    )
    step = call.emit(event)
    match verb:
        case "exec" | "logs" | "attach":
            return Stream(step=step, span=call.command.span)
        case "start" if call.parsed.flag("attach"):
            return Stream(step=step, span=call.command.span)
        case "export":
            return call.saved(step)
        case "start" | "stop" | "restart" | "kill" | "pause" | "unpause":
            return _lines(containers)
        case _:
            return None


def found_container(call: Call) -> Output | None:
    """`docker ps -q`: the script's own container, where a name, or that it is the latest, tells which."""
    state = call.state
    filters = [v for o in call.parsed.options if o.name == "filter" and (v := call.value(o)) is not None]
    if not filters and (call.parsed.flag("latest") or call.last("last") == Value.of("1")) and state.containers:
        return Value(parts=(ContainerId(number=state.containers[-1].number),)) + Value.of("\n")
    names = [f.slice(len("name=")) for f in filters if f.marked.startswith("name=")]
    if len(filters) != 1 or len(names) != 1 or not (call.parsed.flag("all") or state.containers):
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
