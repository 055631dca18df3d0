"""The command line of `docker-compose`: words → verb, options, services. Text in, data out; nothing is started."""

from collections.abc import Sequence
from dataclasses import dataclass

from migrate.trace.docker_cli import CommandLineError, Operand, Option, scan
from migrate.trace.docker_options import option_table

_UNREAD = frozenset({"env-file", "project-directory", "profile", "host", "context"})
"""Options that change what the files mean, or where it is done."""
GLOBAL = option_table(
    flags="all-resources compatibility dry-run verbose version/v no-ansi tls tlsverify skip-hostname-check debug/D",
    valued="file/f project-name/p profile env-file project-directory host/H context/c ansi progress parallel log-level"
    " tlscacert tlscert tlskey",
)
VERBS = {
    "build": option_table(
        flags="compress force-rm no-cache no-rm parallel pull push quiet/q with-dependencies",
        valued="build-arg memory/m progress ssh builder",
    ),
    "up": option_table(
        flags="detach/d build no-build force-recreate no-recreate always-recreate-deps no-deps no-start no-color no-log-prefix"
        " quiet-pull remove-orphans renew-anon-volumes/V abort-on-container-exit abort-on-container-failure"
        " attach-dependencies wait yes/y timestamps",
        valued="timeout/t scale exit-code-from attach no-attach pull wait-timeout",
    ),
    "create": option_table(
        flags="build no-build force-recreate no-recreate quiet-pull remove-orphans yes/y", valued="scale pull"
    ),
    "run": option_table(
        flags="detach/d rm no-TTY/T no-tty no-deps service-ports/P use-aliases build interactive/i quiet-pull quiet-build"
        " quiet/q remove-orphans",
        valued="env/e volume/v name user/u workdir/w entrypoint publish/p label/l cap-add cap-drop pull",
    ),
    "exec": option_table(
        flags="detach/d no-TTY/T no-tty privileged interactive/i", valued="env/e user/u workdir/w index"
    ),
    "start": option_table(flags="wait", valued="wait-timeout"),
    "stop": option_table(flags="", valued="timeout/t"),
    "restart": option_table(flags="no-deps", valued="timeout/t"),
    "kill": option_table(flags="remove-orphans", valued="signal/s"),
    "rm": option_table(flags="force/f stop/s volumes/v all/a", valued=""),
    "down": option_table(flags="remove-orphans volumes/v", valued="rmi timeout/t"),
    "cp": option_table(flags="archive/a follow-link/L all", valued="index"),
    "ps": option_table(flags="quiet/q all/a services no-trunc orphans", valued="filter format status"),
    "logs": option_table(flags="follow/f timestamps/t no-color no-log-prefix", valued="tail/n since until index"),
    "wait": option_table(flags="down-project", valued=""),
    "push": option_table(flags="ignore-push-failures include-deps quiet/q", valued=""),
}
"""The verbs that are followed."""
_STOPS_AT_OPERAND = frozenset({"run", "exec"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeCall:
    """`verb` with its options and operands; `files` and `project_name` stand before it, and `unread` is an option there that
    isn't followed. Words are counted from the first one behind `docker-compose`."""

    verb: str
    files: tuple[str, ...]
    project_name: str | None
    unread: str | None
    options: tuple[Option, ...]
    operands: tuple[Operand, ...]

    def flag(self, name: str) -> bool:
        return any(o.name == name and (o.value or "true").lower() != "false" for o in self.options)

    def last(self, name: str) -> Option | None:
        return next((o for o in reversed(self.options) if o.name == name), None)


def parse(words: Sequence[str]) -> ComposeCall | CommandLineError:
    """Read the words after `docker-compose` (or `docker compose`)."""
    found = scan(words, 0, GLOBAL, stop_at_operand=True)
    if isinstance(found, CommandLineError):
        return found
    globals_, _, at = found
    verb = words[at] if at < len(words) else ""
    options: list[Option] = []
    operands: list[Operand] = []
    table = VERBS.get(verb)
    if table is not None:
        read = scan(words, at + 1, table, stop_at_operand=verb in _STOPS_AT_OPERAND)
        if isinstance(read, CommandLineError):
            return read
        options, operands, rest = read
        operands += [Operand(text=w, word=rest + i) for i, w in enumerate(words[rest:])]
    names = [o.value for o in globals_ if o.name == "project-name"]
    return ComposeCall(
        verb=verb,
        files=tuple(o.value for o in globals_ if o.name == "file" and o.value is not None),
        project_name=names[-1] if names else None,
        unread=next((o.name for o in globals_ if o.name in _UNREAD), None),
        options=tuple(options),
        operands=tuple(operands),
    )
