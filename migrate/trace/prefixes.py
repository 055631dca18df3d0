"""Commands that run another one: `sudo docker …`, `env A=1 docker …`. Which words are the other one's. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from migrate.trace.events import Argument
from migrate.trace.values import Value

# options that take a value, by command (their manual pages)
_VALUED: Mapping[str, tuple[str, ...]] = {
    "sudo": (
        "-u",
        "-g",
        "-h",
        "-p",
        "-C",
        "-r",
        "-t",
        "-T",
        "-U",
        "-D",
        "-R",
        "--user",
        "--group",
        "--host",
        "--prompt",
    ),
    "env": ("-u", "--unset", "-C", "--chdir", "-S", "--split-string"),
    "command": (),
    "builtin": (),
    "time": ("-f", "-o", "--format", "--output"),
    "nice": ("-n", "--adjustment"),
    "nohup": (),
    "timeout": ("-k", "-s", "--kill-after", "--signal"),
    "stdbuf": ("-i", "-o", "-e"),
    "setsid": (),
    "ionice": ("-c", "-n", "-p"),
    "unbuffer": (),
}
_CHANGES_MEANING = {
    "env": ("-C", "--chdir", "-S", "--split-string", "-i", "-", "--ignore-environment", "-u", "--unset"),
    "sudo": ("-i", "-s", "--login", "--shell", "-D", "--chdir", "-R", "-e", "-l", "-v", "-k", "-K"),
    "command": ("-v", "-V"),
}
_OPERANDS = {"timeout": 1}
_ASSIGNS = {"sudo", "env"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """`rest` are the words of the other command, `variables` what it gets in its environment. `reason` says why it isn't
    followed, where it isn't."""

    name: str
    rest: tuple[Argument, ...]
    variables: tuple[tuple[str, Value], ...] = ()
    reason: str | None = None


def without_prefix(name: str, arguments: tuple[Argument, ...]) -> Prefix | None:
    """None where `name` is no such command, or runs nothing (`command -v docker`)."""
    if name not in _VALUED:
        return None
    rest = list(arguments[1:])
    reason = None
    while rest and (text := rest[0].value.text) is not None and text.startswith("-"):
        option = text.partition("=")[0] if text.startswith("--") else text[:2]
        rest.pop(0)
        if text == "--":
            break
        if option in _CHANGES_MEANING.get(name, ()):
            if name == "command":
                return None
            reason = f"`{name} {text}` is not followed"
        glued = "=" in text if text.startswith("--") else len(text) > 2
        if option in _VALUED[name] and not glued and rest:
            rest.pop(0)
    variables = []
    while name in _ASSIGNS and rest and (match := re.match(r"([A-Za-z_]\w*)=", rest[0].value.marked)):
        variables.append((match[1], rest.pop(0).value.slice(match.end())))
    del rest[: _OPERANDS.get(name, 0)]
    if not rest:
        return None
    return Prefix(name=name, rest=tuple(rest), variables=tuple(variables), reason=reason)
