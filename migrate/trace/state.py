"""What an interpreter holds while it goes through a script: one State a way through it, one Log for all of them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from migrate.diagnostics import Diagnostic, Label, Rule
from migrate.drivers.compose import Service
from migrate.shell.syntax import Function, Script, SimpleCommand
from migrate.source import SourceFile, Span
from migrate.trace.events import Composed, Condition, Container, Event, Traced
from migrate.trace.holes import Holes
from migrate.trace.paths import resolve
from migrate.trace.values import EMPTY, Array, ContainerId, Output, Stream, Unknown, Value, Variable
from migrate.trace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a command ended. `code` is None where it isn't known; then `presumed` says what it is taken to be (True: success),
    since docker is taken to work: what follows its failure is no build any more. `decided` where the files that are there
    gave it. `span` is the command."""

    code: int | None
    span: Span | None = None
    presumed: bool | None = None
    decided: bool = False

    @property
    def holds(self) -> bool | None:
        if self.code is not None:
            return self.code == 0
        return self.presumed


SUCCESS = Status(code=0)

MAX_CONDITIONS = 40
"""How many conditions of one way are kept."""

_CHANGES_BY_ITSELF = set("OPTIND LINENO RANDOM SECONDS ? ! _ FUNCNAME EPOCHSECONDS BASHPID".split())
"""Parameters of which each use may give another value."""


_OF_THE_SYSTEM = re.compile(
    r"(?:HOME|PATH|USER|LOGNAME|SHELL|PWD|OLDPWD|LANG|LC_\w+|TERM|TMPDIR|HOSTNAME|HOST|UID|EUID|SUDO_\w+|EDITOR|PAGER|DISPLAY"
    r"|SSH_\w+|XDG_\w+|npm_\w+|DOCKER_\w+|BUILDKIT_\w+|\w*PROXY|\w*proxy|CI|(?:CI|GITHUB|GITLAB|TRAVIS|CIRCLE|JENKINS|BITBUCKET|BUILD"
    r"|RUNNER|SYSTEM|AGENT)_\w+|BASH\w*|GOPATH|GOROOT|JAVA_HOME)$"
)
"""Names that an environment has by itself, or that a CI service sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Positional:
    """`$1`, `$2` …: those that are known, and from which one of the script's own on the rest is unknown (None: there is no
    rest)."""

    known: tuple[Value, ...] = ()
    rest: int | None = None

    def shifted(self, count: int) -> "Positional":
        missing = max(0, count - len(self.known))
        return Positional(known=self.known[count:], rest=None if self.rest is None else self.rest + missing)


@dataclass(slots=True, kw_only=True)
class Log:
    """What all ways through a script share: its steps and findings in order, and the counters. `assumed` is set once a way
    was chosen by the files that are there; `presumed` holds what exit statuses that aren't known are taken to be, by the
    number of their unknown."""

    steps: list[Traced] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    reached: set[tuple[PurePosixPath, int]] = field(default_factory=set)
    assumed: bool = False
    presumed: dict[int, str] = field(default_factory=dict)
    containers: int = 0
    builds: int = 0
    commands: int = 0
    numbers: int = 0
    pieces: dict[SourceFile, Script] = field(default_factory=dict)
    """Every text that was read as shell and stands in a file of the repository, in the order in which it was come to."""
    targets: dict[str, Span] = field(default_factory=dict)
    """The targets that the first Makefile has, each with its rule."""
    unset: dict[str, Span] = field(default_factory=dict)
    """Names that are taken not to be set in the environment, each with where it was asked for."""
    composed: dict[SourceFile, Composed] = field(default_factory=dict)
    """The texts that were made of a compose file's services."""
    bare: bool = False
    """Whether the environment is taken to set none of the names that only this repository knows."""
    holes: Holes = field(default_factory=Holes)
    afresh: frozenset[Span] = frozenset()
    """Commands that are started among the files as they were found, whatever was left by those before."""
    left: set[PurePosixPath] = field(default_factory=set)
    """What came out of containers and stood on the host when one of these was come to."""

    def fresh(self) -> int:
        """A number for an unknown that equals no other."""
        self.numbers += 1
        return self.numbers

    def mark(self) -> tuple[int, int, int]:
        return len(self.steps), self.containers, self.builds

    def back_to(self, mark: tuple[int, int, int]) -> None:
        """Forget the steps since `mark`: a loop's body is gone through again."""
        del self.steps[mark[0] :]
        self.containers, self.builds = mark[1], mark[2]


@dataclass(frozen=True, slots=True)
class Frame:
    """A function's local variables: what each name was outside. A name of the environment is in `outside` only."""

    saved: tuple[tuple[str, Variable | None], ...] = ()
    outside: frozenset[str] = frozenset()

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.saved} | self.outside


@dataclass(frozen=True, slots=True)
class End:
    """An `exit`, `return`, `break` or `continue` on one of the ways: `condition` says so, `under` are the conditions of that
    way, `scope` is what it leaves."""

    condition: Condition
    under: tuple[Condition, ...]
    scope: int

    def excluded(self, conditions: tuple[Condition, ...]) -> bool:
        """Whether who is under `conditions` can't have come that way."""
        asked = {(c.number, c.holds) for c in self.under if c.number}
        return any((c.number, not c.holds) in asked for c in conditions)


@dataclass(slots=True, kw_only=True)
class State:
    """One way through the script.

    `directory` is where the script stands, relative to the repository's root; None where that isn't known. `variables` holds
    what the script or the caller set, None for what is known to be unset; any other name is the environment's and unknown.
    `owner` is the simple command that the present one belongs to; `dead` is set where no way leads on, `ended` says where one
    before this did not, `sudo` is set behind `sudo`;
    `overrides` are the variables that make was told and hands on to every make below it;
    `unread` says what may have set anything since. `out` gathers what is printed, None where nobody takes it; `stdin` is
    what is still to be read. `service` is the one of a compose file that a docker command stands for.
    """

    log: Log
    workspace: Workspace
    directory: PurePosixPath | None
    variables: dict[str, Variable | None]
    positional: Positional
    name: Value
    shell: str = "bash"
    previous: PurePosixPath | None = None
    stack: tuple[PurePosixPath | None, ...] = ()
    exported: frozenset[str] = frozenset()
    functions: dict[str, Function | None] = field(default_factory=dict)
    aliases: dict[str, tuple[str, Span]] = field(default_factory=dict)
    options: frozenset[str] = frozenset()
    frames: tuple[Frame, ...] = ()
    calls: tuple[str, ...] = ()
    overrides: tuple[tuple[str, str, Value], ...] = ()
    conditions: tuple[Condition, ...] = ()
    ended: tuple[End, ...] = ()
    containers: tuple[Container, ...] = ()
    traps: tuple[tuple[str, Value, Span], ...] = ()
    status: Status = SUCCESS
    stdin: Output | None = None
    out: Output | None = None
    owner: SimpleCommand | None = None
    tested: int = 0
    sudo: bool = False
    unread: tuple[str, Span] | None = None
    service: Service | None = None
    dead: bool = False

    def copy(self) -> "State":
        return replace(self, variables=dict(self.variables), functions=dict(self.functions), aliases=dict(self.aliases))

    def path(self, text: str) -> PurePosixPath | None:
        """A host path relative to the repository's root; None where it leads out of it or the directory isn't known."""
        if self.directory is None and not text.startswith("/"):
            return None
        return resolve(self.workspace.root, self.directory or PurePosixPath(), text)

    def place(self, value: Value) -> tuple[bool, PurePosixPath | None]:
        """Whether it is known what path `value` is, and the path relative to the repository's root, None where it leads out
        of it. What lies below the home directory is taken to be outside."""
        if value.text is not None:
            known = self.directory is not None or value.text.startswith("/")
            return known, self.path(value.text) if known else None
        first = value.parts[0]
        home = isinstance(first, Unknown) and first.origin in ("home directory", "variable `HOME`")
        return home, None

    def may_name(self, value: Value) -> bool:
        """Whether a path that isn't known in full may be one of those that are there; its known parts tell."""
        pattern = "".join(".*" if c == "\0" else re.escape(c) for c in value.marked.removeprefix("./"))
        tail = re.compile(f"(?:.*/)?{pattern}")
        entries = self.workspace.repository.entries
        return any(tail.fullmatch(p.as_posix()) for p in (*entries, *self.workspace.overlay))

    def under(self, condition: Condition) -> None:
        """From here on `condition` holds as well. Of very many, the first and the last are kept."""
        conditions = (*self.conditions, condition)
        if len(conditions) > MAX_CONDITIONS:
            conditions = (*conditions[: MAX_CONDITIONS // 2], *conditions[1 - MAX_CONDITIONS // 2 :])
        self.conditions = conditions

    def only_exported(self) -> None:
        """What another process sees of the variables."""
        hidden = {n: v for n, v in self.variables.items() if v is None and n not in self.exported}
        seen = {} if self.sudo else {n: v for n, v in self.variables.items() if n in self.exported}
        self.variables = {n: v for n, v in {**seen, **hidden}.items() if not isinstance(v, Array)}

    def set_option(self, name: str, on: bool) -> None:
        self.options = self.options | {name} if on else self.options - {name}

    def assign(self, name: str, value: Variable) -> None:
        self.variables[name] = value
        if "allexport" in self.options:
            self.exported |= {name}

    def unknown(self, origin: str, span: Span) -> Value:
        """Something of which each asking gives another one (`date`)."""
        return Value.unknown(origin, span, self.log.fresh())

    def forget(self, names: Iterable[str], span: Span) -> None:
        for name in names:
            self.assign(name, self.unknown(f"variable `{name}`", span))

    def lose(self, reason: str, span: Span) -> None:
        """Something ran in this shell that may have set anything."""
        self.unread = reason, span
        self.functions = dict.fromkeys(self.functions)
        self.forget(list(self.variables), span)
        self.directory = None

    def lookup(self, name: str, span: Span) -> Variable | None:
        """What `$name` stands for; None where it is unset."""
        hole = self.log.holes.part(name)
        if name in self.variables or hole is not None:
            return self.variables.get(name, hole)
        if name.isdigit():
            return self.name if name == "0" else self._argument(int(name), span)
        match name:
            case "#" if self.positional.rest is None:
                return Value.of(str(len(self.positional.known)))
            case "?" if self.status.code is not None:
                return Value.of(str(self.status.code))
            case "?" if self.status.presumed is not None:
                value = self.unknown("`$?`", span)
                self.log.presumed[self.log.numbers] = "0" if self.status.presumed else "1"
                return value
            case "PWD" if self.directory is not None:
                return Value.of(str(self.workspace.root / self.directory))
            case "OLDPWD" if self.previous is not None:
                return Value.of(str(self.workspace.root / self.previous))
            case "BASH_SOURCE":
                return Array(items=(("0", self.name),)) if not self.calls else self.unknown("`$BASH_SOURCE`", span)
            case "IFS":
                return Value.of(" \t\n")
            case _:
                return self._unset_or_environment(name, span)

    def is_bare(self, name: str) -> bool:
        """Whether the environment is taken not to hold `name`."""
        return self.log.bare and not _OF_THE_SYSTEM.match(name)

    def environment(self, name: str, span: Span) -> Value | None:
        """What the environment holds under `name`; None where it is taken not to."""
        if self.is_bare(name):
            self.log.unset.setdefault(name, span)
            return None
        return Value.unknown(f"variable `{name}`", span)

    def _unset_or_environment(self, name: str, span: Span) -> Value | None:
        if name in _CHANGES_BY_ITSELF:
            return self.unknown(f"`${name}`", span)
        if re.fullmatch(r"[A-Za-z_]\w*", name):
            return self.environment(name, span)
        one_letter = len(name) == 1 and not name.isalnum()
        return Value.unknown(f"`${name}`" if one_letter else f"variable `{name}`", span)

    def _argument(self, number: int, span: Span) -> Value | None:
        known, rest = self.positional.known, self.positional.rest
        if number <= len(known):
            return known[number - 1]
        if rest is None:
            return None
        place = rest + number - 1 - len(known)
        return Value.unknown(f"`${place}`", span) if place < 1000 else Value.unknown("an argument", span, place)

    def emit(self, event: Event, command: SimpleCommand, client: str = "") -> None:
        if self.sudo:
            client = f"sudo {client}".strip()
        before = tuple(e.condition for e in self.ended if not e.excluded(self.conditions))
        conditions = (*before, *self.conditions)
        step = Traced(event=event, command=self.owner or command, conditions=conditions, client=client)
        self.log.steps.append(step)

    def report(
        self, rule: Rule, message: str, span: Span, *, help_: str | None = None, note: str | None = None
    ) -> None:
        diagnostic = Diagnostic(
            rule=rule, message=message, primary=Label(span=span), help=help_, notes=(note,) if note else ()
        )
        if diagnostic not in self.log.diagnostics:
            self.log.diagnostics.append(diagnostic)

    def taken(self, value: Value) -> str | None:
        """What an exit status that isn't known is taken to be; None for anything else."""
        only = value.parts[0] if len(value.parts) == 1 else None
        return self.log.presumed.get(only.number) if isinstance(only, Unknown) and only.origin == "`$?`" else None

    def container(self, value: Value) -> Container | None:
        """The container that `value` names or is the id of; the latest one of a name."""
        if len(value.parts) == 1 and isinstance(value.parts[0], ContainerId):
            number = value.parts[0].number
            return next((c for c in reversed(self.containers) if c.number == number), None)
        return next((c for c in reversed(self.containers) if c.name == value), None)

    def print(self, output: Output, span: Span) -> None:
        """Add to what is printed, where somebody takes it."""
        if self.out is None:
            return
        if EMPTY in (self.out, output):
            self.out = output if self.out == EMPTY else self.out
        elif isinstance(self.out, Stream) or isinstance(output, Stream):
            self.out = self.unknown("output of several commands", span)
        else:
            self.out = self.out + output

    def declare_local(self, name: str) -> None:
        """`local name`: what it was comes back when the function ends."""
        if not self.frames or name in self.frames[-1].names:
            return
        last = self.frames[-1]
        if name in self.variables:
            last = replace(last, saved=(*last.saved, (name, self.variables[name])))
        else:
            last = replace(last, outside=last.outside | {name})
        self.frames = (*self.frames[:-1], last)

    def forget_ends(self, *scopes: int) -> None:
        """Behind a loop or a function, who left it early goes on as all others."""
        if any(e.scope in scopes for e in self.ended):
            self.ended = tuple(e for e in self.ended if e.scope not in scopes)

    def leave_function(self) -> None:
        frame = self.frames[-1]
        self.frames = self.frames[:-1]
        for name, value in frame.saved:
            self.variables[name] = value
        for name in frame.outside:
            self.variables.pop(name, None)


class Exits:
    """The states in which ways leave a script, a function or a loop early, as they are where it ends."""

    def __init__(self, state: State) -> None:
        self.states: list[State] = []
        self._owner = state.owner
        self._tested = state.tested
        self._depth = len(state.frames)
        self.scope = state.log.fresh()

    def add(self, state: State) -> None:
        left = state.copy()
        while len(left.frames) > self._depth:
            left.leave_function()
        left.owner, left.tested = self._owner, self._tested
        self.states.append(left)


class UnendingError(Exception):
    """A script goes on longer than it is followed; `span` is where it was come to."""

    def __init__(self, span: Span, reason: str) -> None:
        super().__init__(reason)
        self.span = span
        self.reason = reason


MAX_ENDS = 12
"""How many early ends of one script or function are told apart."""


def all_ends(one: tuple[End, ...], other: tuple[End, ...]) -> tuple[End, ...]:
    """Both ways' ends. Where one scope has too many of them, the first stands for all, and is never excluded."""
    if one is other or not other:
        return one
    found = {e.condition.number: e for e in (*one, *other)}
    if len(found) <= MAX_ENDS:
        return tuple(found.values())
    by_scope: dict[int, list[End]] = {}
    for end in found.values():
        by_scope.setdefault(end.scope, []).append(end)
    kept = [e if len(e) <= MAX_ENDS else [replace(e[0], under=())] for e in by_scope.values()]
    return tuple(end for ends in kept for end in ends)


def join(one: State, other: State, place: Span) -> State:
    """What is known where the script may have come either way; a dead way adds but that the script may have ended."""
    if one.dead or other.dead:
        alive, dead = (other, one) if one.dead else (one, other)
        alive.ended = all_ends(alive.ended, dead.ended)
        return alive
    result = one.copy()
    result.ended = all_ends(one.ended, other.ended)
    for name in dict.fromkeys((*one.variables, *other.variables)):
        same = one.variables.get(name) == other.variables.get(name)
        if not same or (name in one.variables) != (name in other.variables):
            result.variables[name] = one.unknown(f"variable `{name}`", place)
    for name in dict.fromkeys((*one.functions, *other.functions)):
        if one.functions.get(name) != other.functions.get(name):
            result.functions[name] = None
    result.workspace = one.workspace.joined(other.workspace)
    result.directory = one.directory if one.directory == other.directory else None
    result.previous = one.previous if one.previous == other.previous else None
    result.stack = one.stack if one.stack == other.stack else ()
    if one.positional != other.positional:
        result.positional = Positional(rest=one.log.fresh() + 1000)
    result.exported = one.exported | other.exported
    result.options = one.options & other.options
    result.frames = tuple(_joined_frame(a, b, one, other, place) for a, b in zip(one.frames, other.frames, strict=True))
    result.conditions = _common(one.conditions, other.conditions)
    numbers = {c.number: c for c in (*one.containers, *other.containers)}
    result.containers = tuple(numbers[n] for n in sorted(numbers))
    result.traps = one.traps if one.traps == other.traps else tuple(dict.fromkeys((*one.traps, *other.traps)))
    result.unread = one.unread or other.unread
    result.status = joined_status(one.status, other.status)
    result.stdin = one.stdin if one.stdin == other.stdin else None
    if one.out != other.out:
        result.out = one.unknown("output that depends on the way taken", place)
    return result


def join_all(states: Iterable[State], place: Span) -> State | None:
    """None where no state is alive."""
    result: State | None = None
    for state in states:
        result = state if result is None else join(result, state, place)
    return result if result is not None and not result.dead else None


def _joined_frame(a: Frame, b: Frame, one: State, other: State, place: Span) -> Frame:
    """A name that is local in one way only gets, in the other, what it is there now: that is what will stand again."""
    if a == b:
        return a
    saved: list[tuple[str, Variable | None]] = []
    outside: set[str] = set()
    for name in a.names | b.names:
        values = []
        for frame, state in ((a, one), (b, other)):
            if name in frame.names:
                values.append(dict(frame.saved).get(name, "environment"))
            else:
                values.append(state.variables.get(name, "environment"))
        first, second = values
        if first == second == "environment":
            outside.add(name)
        elif first == second and not isinstance(first, str):
            saved.append((name, first))
        else:
            saved.append((name, one.unknown(f"variable `{name}`", place)))
    return Frame(saved=tuple(saved), outside=frozenset(outside))


def joined_status(one: Status, other: Status) -> Status:
    """How a command ended that ended in one of two ways."""
    if one == other:
        return one
    span = one.span or other.span
    if one.code is not None and one.code == other.code:
        return Status(code=one.code, span=span, decided=one.decided or other.decided)
    return Status(code=None, span=span, presumed=one.holds if one.holds is other.holds else None)


def _common(one: tuple[Condition, ...], other: tuple[Condition, ...]) -> tuple[Condition, ...]:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return one[:count]
