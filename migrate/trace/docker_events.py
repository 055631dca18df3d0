"""Docker commands → events."""

from migrate import rules
from migrate.shell.syntax import SimpleCommand
from migrate.trace.docker_builds import build
from migrate.trace.docker_call import Call
from migrate.trace.docker_cli import CommandLineError, parse
from migrate.trace.docker_containers import container_use, create, found_container, run
from migrate.trace.docker_cp import cp
from migrate.trace.events import Argument, ContainerRemove, Harmless, ImageUse
from migrate.trace.state import State, Status
from migrate.trace.values import EMPTY, Output, Stream, Value
from migrate.trace.workspace import Streamed

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
_HARMLESS_VERBS = {
    "",
    *"version info login logout ps search stats events".split(),
    *("system df", "system info", "system prune", "container prune", "image prune", "volume prune", "builder prune"),
    *("buildx ls", "buildx inspect", "buildx version", "buildx du", "buildx prune", "buildx create", "buildx use"),
    *("network create", "network ls", "network inspect", "network rm", "network prune", "network connect"),
    *("volume create", "volume ls", "volume inspect", "volume rm", "context ls"),
}
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
    call = Call(state=state, command=command, arguments=arguments, parsed=parsed, client=how)
    return _read(call) or printed


def _read(call: Call) -> Output | None:
    verb, span = call.parsed.verb, call.command.span
    if call.state.unread is not None and verb in ("build", "create", "cp"):
        call.state.report(rules.CONSTRUCT_NOT_TRACED, *call.state.unread)
    match verb:
        case "build":
            return build(call)
        case "create":
            return create(call)
        case "run":
            return run(call)
        case "cp":
            return cp(call)
        case "rm":
            call.emit(ContainerRemove(span=span, containers=call.operands()))
        case "ps" if call.parsed.flag("quiet"):
            call.emit(Harmless(span=span, command="docker ps", text=""))
            return found_container(call)
        case _ if verb in _HARMLESS_VERBS:
            call.emit(Harmless(span=span, command=f"docker {verb}".strip(), text=""))
        case _ if verb in _IMAGE_VERBS:
            return _image_use(call, verb)
        case _ if verb in _CONTAINER_VERBS:
            return container_use(call, verb)
        case _:
            shown = verb.replace(chr(0), "…")
            call.not_traced(f"what `docker {shown}` does is not traced", span)
    return None


def _image_use(call: Call, verb: str) -> Output | None:
    state = call.state
    given = call.last("input") if verb == "load" else None
    if verb == "import":
        given = next((o for o in call.operands()[:1] if o.text != "-"), None)
    fed: Stream | Value | None = state.stdin if verb in ("load", "import") and given is None else None
    if given is not None and given.text is not None and (path := state.path(given.text)) is not None:
        node = state.workspace.node(path)
        fed = node.stream if isinstance(node, Streamed) else None
    step = call.emit(ImageUse(span=call.command.span, verb=verb, images=call.operands(), streamed=fed))
    if verb in ("load", "import"):
        state.stdin = EMPTY if state.stdin is not None else None
    if verb == "save":
        return call.saved(step)
    return None
