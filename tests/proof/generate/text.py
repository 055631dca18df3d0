"""Dockerfiles as data, and their text. What docker's rules need of a stage is told by `scope`."""

import json
import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What the base images have."""
COPYING = ("COPY", "ADD")
VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)(?::([-+])([^}]*))?\}")
WITH_VARIABLES = ("ADD", "ARG", "COPY", "ENV", "EXPOSE", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR")
"""Where the builder itself puts values in; elsewhere a shell does, or nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One instruction. `args` are the commands of a RUN, the sources and the destination of a COPY, `K=V` of an ENV; else words."""

    word: str
    args: tuple[str, ...]
    flags: tuple[str, ...] = ()
    exec_form: bool = False
    onbuild: bool = False

    @property
    def to(self) -> str:
        return self.args[-1]

    @property
    def origin(self) -> str:
        """What `--from` names, or nothing."""
        return next((f.removeprefix("--from=") for f in self.flags if f.startswith("--from=")), "")

    @property
    def chown(self) -> str:
        return next((f.removeprefix("--chown=") for f in self.flags if f.startswith("--chown=")), "")

    def text(self) -> str:
        if self.word == "RUN":
            commands = " && ".join(self.args)
            words = json.dumps(["/bin/sh", "-c", commands]) if self.exec_form else commands
        elif self.exec_form:
            words = json.dumps(self.args)
        else:
            words = " ".join(self.args)
        return " ".join([*(["ONBUILD"] if self.onbuild else []), self.word, *self.flags, words])


def step(word: str, *args: str, flags: tuple[str, ...] = (), exec_form: bool = False) -> Step:
    return Step(word=word, args=args, flags=tuple(f for f in flags if f), exec_form=exec_form)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    base: str
    steps: tuple[Step, ...]
    name: str = ""

    def text(self) -> str:
        named = f" AS {self.name}" if self.name else ""
        return "\n".join([f"FROM {self.base}{named}", *(s.text() for s in self.steps), ""])


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One Dockerfile and what `docker build` gives it. `heads` are the ARGs before the first FROM, as `NAME=value`."""

    stages: tuple[Stage, ...]
    heads: tuple[str, ...] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    def text(self) -> str:
        heads = "".join(f"ARG {h}\n" for h in self.heads)
        return heads + "\n".join(s.text() for s in self.stages)

    def number(self, name: str) -> int | None:
        """Which stage a name, or a number, means."""
        if name.isdigit():
            return int(name) if int(name) < len(self.stages) else None
        return next((i for i, s in enumerate(self.stages) if s.name and s.name == name), None)

    def with_steps(self, number: int, steps: tuple[Step, ...]) -> "Program":
        stages = list(self.stages)
        stages[number] = replace(stages[number], steps=steps)
        return replace(self, stages=tuple(stages))

    def changed(self, number: int, at: int, *steps: Step, taking: int = 1) -> "Program":
        """The steps from `at` on, as many as `taking`, make way for others."""
        old = self.stages[number].steps
        return self.with_steps(number, (*old[:at], *steps, *old[at + taking :]))


@dataclass(slots=True, kw_only=True)
class Scope:
    """Where a stage stands. `args` are its ARGs: an ENV of the same name wins."""

    cwd: str = "/"
    user: str = ""
    shell: bool = False
    env: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    args: dict[str, str] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, str]:
        return self.args | self.env

    def path(self, written: str) -> str:
        return posixpath.normpath(posixpath.join(self.cwd, expanded(written, self.values)))

    def follow(self, done: Step, given: Mapping[str, str], heads: Mapping[str, str]) -> None:
        """Take one step; one that waits for a child, or that changes nothing of these, is passed over."""
        if done.onbuild:
            return
        words = [expanded(a, self.values) for a in done.args] if done.word in WITH_VARIABLES else list(done.args)
        match done.word:
            case "WORKDIR":
                self.cwd = self.path(done.args[0])
            case "USER":
                self.user = words[0]
            case "SHELL":
                self.shell = True
            case "ENV":
                for pair in words:
                    name, _, value = pair.partition("=")
                    self.env[name] = "".join(shlex.split(value))
            case "ARG":
                for word in words:
                    name, equals, default = word.partition("=")
                    if name in given:
                        self.args[name] = given[name]
                    elif equals:
                        self.args[name] = default
                    elif name in heads:
                        self.args[name] = heads[name]
            case _:
                pass


def scope(program: Program, number: int, count: int | None = None) -> Scope:
    """How a stage stands after `count` of its steps, or after all."""
    stage = program.stages[number]
    heads = {n: program.arguments.get(n, v) for n, _, v in (h.partition("=") for h in program.heads)}
    parent = program.number(stage.base)
    start = Scope()
    waiting: list[Step] = []
    if parent is not None and parent < number:
        start = scope(program, parent)
        start.args = {}
        waiting = [replace(s, onbuild=False) for s in program.stages[parent].steps if s.onbuild]
    for done in (*waiting, *stage.steps[:count]):
        start.follow(done, program.arguments, heads)
    return start


def expanded(text: str, values: Mapping[str, str]) -> str:
    """Put values in, as the builder does where nothing is quoted."""

    def value(found: re.Match[str]) -> str:
        held = values.get(found[1] or found[2], "")
        if found[3] == "-":
            return held or found[4]
        return (found[4] if held else "") if found[3] == "+" else held

    return VARIABLE.sub(value, text)


def renamed(text: str, old: str, new: str) -> str:
    """Another name for a variable, wherever it is used."""
    return re.sub(rf"\$(\{{?){old}\b", rf"$\g<1>{new}", text)
