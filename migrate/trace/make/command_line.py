"""make's own command line: what it is told, read from its words (GNU make manual, 9.8)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from migrate.trace.events import Argument
from migrate.trace.values import Value

_IGNORED = frozenset(
    "-s --silent --quiet -w --print-directory --no-print-directory -r --no-builtin-rules -R --no-builtin-variables -k"
    " --keep-going -S --no-keep-going --stop -b -m -d --trace --warn-undefined-variables -L --check-symlink-times -O".split()
)
_VALUED = {"-C": "C", "--directory": "C", "-f": "f", "--file": "f", "--makefile": "f", "-I": "I", "--include-dir": "I"}
_NUMBERED = {"-j", "--jobs", "-l", "--load-average", "--max-load", "-O", "--output-sync", "--debug"}
_LETTERS = re.compile(r"-[skwrRSidBejbm]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """`directories` come one after the other; `overrides` are `NAME=value` with their operator; `always` with `-B`, `ignoring`
    with `-i`; `silent` with `-s`; `problem` is what can't be followed."""

    directories: tuple[Value, ...] = ()
    files: tuple[Value, ...] = ()
    overrides: tuple[tuple[str, str, Value], ...] = ()
    goals: tuple[Value, ...] = ()
    always: bool = False
    ignoring: bool = False
    environment_first: bool = False
    silent: bool = False
    problem: str | None = None


def read_command_line(arguments: Sequence[Argument]) -> CommandLine:
    values: dict[str, list[Value]] = {"C": [], "f": [], "I": []}
    overrides: list[tuple[str, str, Value]] = []
    goals: list[Value] = []
    flags: set[str] = set()
    problem = None
    words = list(arguments)
    while words:
        argument = words.pop(0)
        text = argument.value.marked
        name, equals, _ = text.partition("=")
        short = text[:2]
        if not argument.certain and not text.strip("\0"):
            problem = problem or "what make is told here is not known"
        elif text in _VALUED and words:
            values[_VALUED[text]].append(words.pop(0).value)
        elif name in _VALUED and equals:
            values[_VALUED[name]].append(argument.value.slice(len(name) + 1))
        elif short in ("-C", "-f", "-I") and not text.startswith("--"):
            values[short[1]].append(argument.value.slice(2))
        elif name in _NUMBERED or re.fullmatch(r"-[jlO][\d.]*\0?", text):
            if text in ("-j", "-l", "--jobs") and words and re.fullmatch(r"[\d.]+|\0", words[0].value.marked):
                words.pop(0)
        elif text in _IGNORED or _LETTERS.fullmatch(text):
            flags |= set(text[1:]) if not text.startswith("--") else {text}
        elif text in ("-i", "--ignore-errors", "-B", "--always-make", "-e", "--environment-overrides"):
            flags.add(text[1] if not text.startswith("--") else {"i": "i", "a": "B", "e": "e"}[text[2]])
        elif text.startswith("-"):
            problem = problem or f"`make {text}` is not followed"
        elif (assigned := re.match(r"([^\s:=?+!#\0]+)(:::=|::=|:=|\?=|\+=|!=|=)", text)) is not None:
            overrides.append((assigned[1], assigned[2], argument.value.slice(assigned.end())))
        elif text:
            goals.append(argument.value)
    if values["I"]:
        problem = problem or "`make -I` is not followed"
    return CommandLine(
        directories=tuple(values["C"]),
        files=tuple(values["f"]),
        overrides=tuple(overrides),
        goals=tuple(goals),
        always="B" in flags,
        ignoring="i" in flags,
        environment_first="e" in flags,
        silent="s" in flags or bool(flags & {"--silent", "--quiet"}),
        problem=problem,
    )
