"""`docker-compose …` and `docker compose …`: recognised, with the verb; the compose file is not read."""

from migrate.shell.syntax import SimpleCommand
from migrate.trace.events import Argument, Compose
from migrate.trace.state import State
from migrate.trace.values import Value

_VALUED = {
    "-f", "--file", "-p", "--project-name", "--profile", "--env-file", "--project-directory", "-H", "--host",
    "-c", "--context", "--ansi", "--progress", "--parallel", "--log-level", "--tlscacert", "--tlscert", "--tlskey",
}  # fmt: skip
_LEAVES_FILES = set("build pull push down stop rm ps logs config version kill pause images ls top port".split())


def compose_command(state: State, command: SimpleCommand, arguments: tuple[Argument, ...], client: str) -> None:
    words = list(arguments)
    while words and (text := words[0].value.text) is not None and text.startswith("-"):
        words.pop(0)
        if text in _VALUED and words:
            words.pop(0)
    verb = words[0].value.marked.replace("\0", "…") if words else ""
    event = Compose(span=command.span, verb=verb, words=tuple(a.value for a in arguments))
    state.emit(event, command, client)
    if verb not in _LEAVES_FILES:
        state.workspace = state.workspace.after_unknown(command.span)
    state.print(_unknown(state, command), command.span)


def _unknown(state: State, command: SimpleCommand) -> Value:
    return state.unknown(f"output of `{command.span.text}`", command.span)
