"""One call of make: reads its Makefile, finds which targets must be made, and runs their recipes in order, each line in a
shell of its own (GNU make manual, 4, 5, 9).

A file that is there and whose prerequisites are files of the repository too may be older or newer than they are: both ways are
followed. Left out: make's built-in rules (a target that only they would make is a finding where docker is about), `vpath`,
archives, second expansion.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from migrate import rules
from migrate.discover import EntryKind
from migrate.shell.reader import read_script
from migrate.shell.syntax import Script, SimpleCommand
from migrate.source import SourceFile, Span
from migrate.trace.commands import GIT_READERS, mentions_client, simple_commands
from migrate.trace.events import Argument
from migrate.trace.holes import with_holes
from migrate.trace.make.command_line import CommandLine, read_command_line
from migrate.trace.make.database import Database, Reader, Target, TargetAssignment, Way
from migrate.trace.make.expansion import Expansion, MakeError
from migrate.trace.make.functions import normal_path
from migrate.trace.make.recipes import RecipeLine, expanded_lines
from migrate.trace.make.search import Search, named, stem_of
from migrate.trace.make.variables import MakeVariable, Scope, simple
from migrate.trace.state import SUCCESS, Positional, Status
from migrate.trace.values import EMPTY, Array, Text, Value, Variable

if TYPE_CHECKING:
    from migrate.trace.interpreter import Interpreter

MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
MAX_CALLS = 20
"""Calls of make within make."""
_STEADY = frozenset(
    "sed cut tr head tail awk gawk grep egrep basename dirname echo printf cat sort uniq wc uname whoami id hostname nproc arch"
    " pwd tee rev expr true git".split()
)
"""Programs that say the same each time, as long as nothing else changes."""
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh"})
_VARIABLE_NAME = re.compile(r"[A-Za-z_]\w*")


class Makes:
    """Runs make where the interpreter comes to it."""

    def __init__(self, interpreter: "Interpreter") -> None:
        self._interpreter = interpreter

    def run(self, command: SimpleCommand, arguments: Sequence[Argument]) -> None:
        interpreter = self._interpreter
        state = interpreter.state
        told = read_command_line(arguments)
        directory = self._directory(told)
        if told.problem is not None or directory is None:
            what = told.problem or "the directory in which make runs is not known"
            self._not_followed(command, what)
            return
        if sum(c == "make" for c in state.calls) >= MAX_CALLS:
            state.report(rules.SCRIPT_TOO_LONG, f"make calls itself more than {MAX_CALLS} deep", command.span)
            return
        source = self._makefile(directory, told)
        if source is None:
            self._not_followed(command, f"no Makefile is known in `{directory}`")
            return
        process = MakeProcess(interpreter, command, told, directory)

        def run() -> None:
            inner = interpreter.state
            inner.directory = directory
            inner.calls = (*inner.calls, "make")
            inner.functions, inner.aliases, inner.frames = {}, {}, ()
            inner.options = frozenset({"errexit"})
            inner.owner, inner.tested = None, 0
            process.run(source)

        interpreter.subshell(run, command.span)

    def _not_followed(self, command: SimpleCommand, reason: str) -> None:
        """What make does here isn't known: that matters where it may be docker."""
        repository = self._interpreter.state.workspace.repository
        makefiles = [p for p in repository.entries if p.name in MAKEFILES or p.suffix == ".mk"]
        if any((s := repository.source(p)) is not None and mentions_client(s.text) for p in makefiles):
            self._interpreter.state.report(rules.CONSTRUCT_NOT_TRACED, reason, command.span)
        self._interpreter.opaque(command, "make")

    def _directory(self, told: CommandLine) -> PurePosixPath | None:
        state = self._interpreter.state
        directory = state.directory
        for value in told.directories:
            if value.text is None or directory is None:
                return None
            at = replace(state, directory=directory)
            directory = at.path(value.text)
        return directory

    def _makefile(self, directory: PurePosixPath, told: CommandLine) -> SourceFile | None:
        state = replace(self._interpreter.state, directory=directory)
        if len(told.files) > 1 or any(f.text is None for f in told.files):
            return None
        names = [f.text for f in told.files if f.text is not None] or list(MAKEFILES)
        for name in names:
            path = state.path(name)
            source = state.workspace.source(path) if path is not None else None
            if source is None and path is not None and state.workspace.node(path) is EntryKind.LINK:
                source = state.workspace.repository.source(path)
            if source is not None:
                return source
        return None


class MakeProcess:
    """The present call. It is the Host of its expansions."""

    def __init__(
        self, interpreter: "Interpreter", command: SimpleCommand, told: CommandLine, directory: PurePosixPath
    ) -> None:
        self._interpreter = interpreter
        self._command = command
        self._told = told
        self._directory = directory
        self._database = Database()
        self._reader = Reader(self._database, self, self._report, self._source)
        self._search = Search(lambda: self.database, lambda: interpreter.state, directory)
        self._done: dict[Value, bool | None] = {}
        self._active: list[Value] = []
        self._steady: dict[str, Value] = {}
        outer = interpreter.state
        self._outer: dict[str, Variable | None] = {
            n: v for n, v in outer.variables.items() if n in outer.exported or v is None
        }
        self._exported = outer.exported
        self._asked = bool(outer.tested)
        self._called_in = outer.directory
        self._overrides = {n: (o, v) for n, o, v in (*outer.overrides, *told.overrides)}
        self._level = sum(c == "make" for c in outer.calls)

    @property
    def database(self) -> Database:
        return self._reader.database

    def run(self, source: SourceFile) -> None:
        """The whole call; ends the process as make does."""
        interpreter = self._interpreter
        try:
            self._command_line()
            self._reader.file(source)
            if not interpreter.state.log.targets:
                known = {n.text: t.place for n, t in self.database.targets.items() if n.text and not t.bare}
                interpreter.state.log.targets.update(known)
            goals = list(self._told.goals) or self._default_goals()
            if not goals:
                raise MakeError("no targets", source.span(0, 0))
            for goal in goals:
                self._update(named(goal), self._command.span)
                if interpreter.state.dead:
                    return
        except MakeError as error:
            self._fail(error.message, error.span)
            return
        if not interpreter.state.dead:
            interpreter.state.status = Status(code=None, span=self._command.span, presumed=True)

    def _command_line(self) -> None:
        scope, span = self.database.scope, self._command.span
        for name, (operator, value) in self._overrides.items():
            if operator in ("=", "?=", "+=") and value.text is not None:
                scope.names[name] = MakeVariable(text=value.text, value=EMPTY, origin="command line", span=span)
            else:
                scope.names[name] = simple(value, "command line", span)
        root = self._interpreter.state.workspace.root
        directory = root / self._directory if str(self._directory) != "." else root
        scope.names["CURDIR"] = simple(Value.of(str(directory)), "file", span)
        scope.names["MAKECMDGOALS"] = simple(_spaced(self._told.goals), "default", span)
        scope.names["MAKELEVEL"] = simple(Value.of(str(self._level)), "environment", span)

    def _default_goals(self) -> list[Value]:
        chosen = self.database.scope.get(".DEFAULT_GOAL")
        if chosen is not None:
            value = self._expansion().variable(".DEFAULT_GOAL", self._command.span)
            if value.parts:
                return [value]
        return [self.database.goal] if self.database.goal is not None else []

    def _fail(self, message: str, span: Span) -> None:
        """make ends with an error of its own."""
        state = self._interpreter.state
        if all(c.decided for c in state.conditions) and not self._asked:
            state.report(rules.LEGACY_BUILD_FAILS, f"make ends here: {message}", span)
        self._interpreter.exit(Status(code=2, span=span), span)

    # what the expansions ask

    def _expansion(self, scope: Scope | None = None) -> Expansion:
        return Expansion(scope or self.database.scope, self)

    def number(self) -> int:
        return self._interpreter.state.log.fresh()

    def unsupported(self, what: str, span: Span) -> None:
        self._report(what, span)

    def _report(self, message: str, span: Span) -> None:
        self._interpreter.state.report(rules.CONSTRUCT_NOT_TRACED, message, span)

    def environment(self, name: str, span: Span) -> Value | None:
        if name in self._outer:
            found = self._outer[name]
            return found if isinstance(found, Value) else None
        if not _VARIABLE_NAME.fullmatch(name):
            return None
        if name == "PWD" and self._called_in is not None:
            return Value.of(str(self._interpreter.state.workspace.root / self._called_in))
        return self._interpreter.state.environment(name, span)

    def evaluate(self, text: Value, span: Span) -> None:
        self._reader.evaluate(text, span)

    def absolute(self, word: str) -> str | None:
        return normal_path(str(self._interpreter.state.workspace.root / self._directory), word)

    def wildcard(self, patterns: str, span: Span) -> Value:
        """`$(wildcard …)`: names that are there; a word without a pattern only where it is."""
        state = replace(self._interpreter.state, directory=self._directory, options=frozenset())
        found: list[str] = []
        for word in patterns.split():
            names = self._interpreter.file_names(word, state)
            if names is None:
                return Value.unknown(f"`$(wildcard {patterns})`", span, self.number())
            found += names
        return Value.of(" ".join(found))

    def shell(self, command: Value, span: Span) -> Value:
        """What a command prints, line ends as blanks. Nothing is started: the trace says it, or it isn't known."""
        state = self._interpreter.state
        source = SourceFile.derived(span.file.path, [(state.log.holes.text(command), span, False)])
        script = self._read(source)
        unknown = Value.unknown(f"`$(shell {command})`", span)
        if script is None:
            return unknown
        steady = all(_is_steady(c) for s in script.statements for c in simple_commands(s))
        key = source.text
        if steady and key in self._steady:
            return self._steady[key]

        def run() -> None:
            inner = self._interpreter.state
            self._shell_state(inner, self._process_environment(), frozenset())
            self._interpreter.statements(script.statements)

        printed = self._interpreter.subshell(run, span, captured=True)
        if self._interpreter.state.dead:
            return unknown
        if not isinstance(printed, Value) or any(not isinstance(p, Text) for p in printed.parts):
            result = printed if isinstance(printed, Value) else state.unknown(f"`$(shell {command})`", span)
            if steady and isinstance(printed, Value):
                result = unknown if len(printed.parts) <= 1 else printed
        else:
            result = printed
        result = _on_one_line(result)
        if steady:
            self._steady[key] = result
        return result

    def _source(self, name: str) -> SourceFile | None:
        state = replace(self._interpreter.state, directory=self._directory)
        path = state.path(name)
        return state.workspace.source(path) if path is not None else None

    # targets

    def _update(self, name: Value, place: Span) -> bool | None:
        """Make a target. Whether it was made anew; None where that isn't known. Raises MakeError."""
        if name in self._done:
            return self._done[name]
        if name in self._active:
            return False  # make drops a circular dependency
        self._active.append(name)
        if len(self._active) > 200:
            raise MakeError(f"`{name}` depends on more than 200 targets in a row", place)
        changed = self._made(name, place)
        self._active.pop()
        self._done[name] = changed
        return changed

    def _made(self, name: Value, place: Span) -> bool | None:
        target = self.database.targets.get(name)
        if target is None or target.bare:
            return self._implicit(name, place, Target(name=name, place=place) if target is None else target)
        if target.unsure is not None:
            recipe = [s for w in (target.way, *target.double) for s in w.recipe or ()]
            if any(mentions_client(s.text) for s in recipe) or not recipe:
                self._report(f"whether `{name}` is a target like this is not known", target.unsure)
        if target.double:
            changed: bool | None = False
            for number, way in enumerate(target.double):
                again = self._way(replace(target, way=way), way, number=number)
                changed = True if again else (None if again is None and changed is False else changed)
            return changed
        if target.way.recipe is None and name not in self.database.phony:
            return self._implicit(name, place, target)
        return self._way(target, target.way)

    def _implicit(self, name: Value, place: Span, target: Target) -> bool | None:
        """A target without a recipe: a pattern rule may have one; else a file has to be there."""
        found = self._search.pattern_way(name)
        if found is not None:
            rule, way = found
            if rule.unsure is not None:
                self._report(f"whether a rule makes `{name}` is not known", rule.unsure)
            own = target.way
            both = replace(
                way,
                prerequisites=(*way.prerequisites, *own.prerequisites),
                order_only=(*way.order_only, *own.order_only),
            )
            known = name in self.database.targets
            return self._way(replace(target, way=both, place=target.place if known else rule.place), both)
        if name in self.database.targets and not target.bare:
            self._builtin(name)
            return self._way(target, replace(target.way, recipe=None))
        if self.database.default is not None and self._search.exists(name) is False:
            return self._way(target, self.database.default)
        if self._search.exists(name) is False:
            if self._builtin(name):
                return True
            needed = f", needed by `{self._active[-2]}`" if len(self._active) > 1 else ""
            raise MakeError(f"no rule to make target `{name}`{needed}", place)
        return False

    def _builtin(self, name: Value) -> bool:
        """Whether one of make's own rules would make a file from another one."""
        path = self._search.path(name)
        if path is None:
            return False
        suffixes = (
            ".c",
            ".cc",
            ".cpp",
            ".C",
            ".p",
            ".f",
            ".F",
            ".m",
            ".r",
            ".s",
            ".S",
            ".mod",
            ".sh",
            ".o",
            ".l",
            ".y",
        )
        workspace = self._interpreter.state.workspace
        stem = path.with_suffix("") if path.suffix in (".o", ".a") else path
        if not any(workspace.exists(stem.parent / (stem.name + s)) for s in suffixes):
            return False
        self._interpreter.opaque(self._command, f"make's own rule for `{name}`")
        return True

    def _way(self, target: Target, way: Way, number: int | None = None) -> bool | None:
        """Make the prerequisites in order, then run the recipe where it is due."""
        if self.database.second_expansion and any("$" in p.name.marked for p in way.prerequisites):
            self._report("a second expansion is not followed", target.place)
        scope = self._scope_of(target)
        outer, self.database.scope = self.database.scope, scope
        try:
            anew: list[bool | None] = []
            for prerequisite in way.prerequisites:
                anew.append(self._update(prerequisite.name, prerequisite.span))
                if self._interpreter.state.dead:
                    return False
            for prerequisite in way.order_only:
                self._update(prerequisite.name, prerequisite.span)
                if self._interpreter.state.dead:
                    return False
            due = self._due(target, way, anew, number)
            if due is False:
                return False
            if not way.recipe:
                return due
            if due is None:
                self._perhaps(target, way)
                return None
            self._recipe(target, way)
            return True
        finally:
            self.database.scope = outer

    def _due(self, target: Target, way: Way, anew: Sequence[bool | None], number: int | None) -> bool | None:
        """Whether a target must be made: it is no file, its file isn't there, or a prerequisite is newer."""
        if target.name in self.database.phony or self._told.always:
            return True
        if number is not None and not way.prerequisites:
            return True
        there = self._search.exists(target.name)
        if there is None and self._search.only_shared(target.name):
            there = False  # a container is taken not to leave a file that is called as a target is
        if there is False or True in anew:
            return True
        if there is None or None in anew:
            return None
        if not way.prerequisites:
            return False
        path = self._search.path(target.name)
        overlay = self._interpreter.state.workspace.overlay
        paths = [self._search.path(p.name) for p in way.prerequisites]
        ours = [p is not None and any(at in overlay for at in (p, *p.parents)) for p in (path, *paths)]
        if ours[0] and not any(ours[1:]):
            return False
        return None if way.recipe else False

    def _perhaps(self, target: Target, way: Way) -> None:
        """Both ways, where the files' times decide."""
        status = Status(code=None, span=target.place)
        before = dict(self._done)
        self._interpreter.both(status, lambda: self._recipe(target, way), lambda: None, target.place)
        self._done = {**before, **self._done}

    # recipes

    def _scope_of(self, target: Target) -> Scope:
        """The variables that hold for a target and all that it depends on."""
        own = [a for p, a in self.database.pattern_variables if stem_of(p, target.name.text or "\0") is not None]
        frame: dict[str, MakeVariable] = {}
        scope = self.database.scope
        for assignment in (*own, *target.variables):
            inner = scope.within(dict(frame))
            before = inner.get(assignment.name)
            if before is not None and before.origin == "command line":
                continue
            frame[assignment.name] = self._assigned(assignment, before, inner)
            if assignment.exported:
                self.database.exports |= {assignment.name}
        return scope.within(frame) if frame else scope

    def _assigned(self, assignment: TargetAssignment, before: MakeVariable | None, scope: Scope) -> MakeVariable:
        span = assignment.span
        mine = MakeVariable(text=assignment.text, value=EMPTY, origin="file", span=span)
        match assignment.operator:
            case "=":
                return mine
            case "?=":
                return before or mine
            case "+=" if before is not None and before.text is not None:
                return replace(mine, text=f"{before.text} {assignment.text}" if before.text else assignment.text)
            case "+=":
                given = before.value if before is not None else self._expansion(scope).variable(assignment.name, span)
                between = Value.of(" ") if given.parts else EMPTY
                return simple(given + between + self._expansion(scope).value(assignment.text, span), "file", span)
            case _:
                return simple(assignment.immediate, "file", span)

    def _recipe(self, target: Target, way: Way) -> None:
        scope = self.database.scope.within(self._automatic(target, way))
        outer, self.database.scope = self.database.scope, scope
        try:
            self._lines(target, way, scope)
        finally:
            self.database.scope = outer

    def _lines(self, target: Target, way: Way, scope: Scope) -> None:
        interpreter, database = self._interpreter, self.database
        expansion = self._expansion(scope)
        holes = interpreter.state.log.holes
        lines = expanded_lines(way.recipe or (), expansion, holes, one_shell=database.one_shell)
        shell = expansion.variable("SHELL", target.place).text
        flags = expansion.variable(".SHELLFLAGS", target.place).text
        environment = self._recipe_environment(expansion, target.place)
        forgiving = database.ignoring is None or target.name in database.ignoring or self._told.ignoring
        for line in lines:
            if interpreter.state.dead:
                return
            if shell is None or flags is None or not _is_shell(shell) or not _plain_flags(flags):
                self._other_shell(line)
                continue
            self._line(line, environment, (shell.rpartition("/")[2], flags), forgiving=forgiving or line.ignoring)

    def _other_shell(self, line: RecipeLine) -> None:
        place = line.source.whole()
        if mentions_client(place.text):
            self._report("the program that runs this recipe is no shell that is followed", place)
        else:
            self._interpreter.opaque(self._command, place.text)

    def _line(
        self,
        line: RecipeLine,
        environment: tuple[dict[str, Variable | None], frozenset[str]],
        shell: tuple[str, str],
        *,
        forgiving: bool,
    ) -> None:
        interpreter = self._interpreter
        place = line.source.whole()
        if not line.source.text.strip():
            return
        if not (line.silent or self._told.silent):
            interpreter.state.print(interpreter.state.log.holes.value(line.source.text + "\n"), place)
        script = None if line.opaque else self._read(line.source)
        if script is None:
            if line.opaque and mentions_client(line.source.text):
                interpreter.state.report(rules.VALUE_UNKNOWN, "the commands that run here are not known", place)
            return
        interpreter.state.log.pieces.setdefault(script.source, script)

        def run() -> None:
            state = interpreter.state
            self._shell_state(state, environment, _options(shell[1]))
            state.shell = "sh" if shell[0] in ("sh", "dash", "ash") else "bash"
            interpreter.statements(script.statements)

        if script.statements:
            interpreter.subshell(run, place)
            if forgiving:
                interpreter.state.status = SUCCESS
            else:
                interpreter.errexit(place)

    def _read(self, source: SourceFile) -> Script | None:
        """The text as shell; None where it can't be read, which is then said where docker is about."""
        script, found = read_script(source)
        if script is None or found:
            if mentions_client(source.text):
                self._interpreter.diagnostics(found)
            if script is None:
                return None
        return Script(source=source, statements=with_holes(script.statements, source), comments=script.comments)

    def _shell_state(
        self,
        state: object,
        environment: tuple[dict[str, Variable | None], frozenset[str]],
        options: frozenset[str],
    ) -> None:
        del state
        inner = self._interpreter.state
        inner.variables, inner.exported = dict(environment[0]), environment[1]
        inner.positional, inner.name = Positional(), Value.of("/bin/sh")
        inner.functions, inner.aliases, inner.frames = {}, {}, ()
        inner.options, inner.directory, inner.shell = options, self._directory, "sh"
        inner.owner, inner.tested = None, 0
        inner.overrides = tuple((n, o, v) for n, (o, v) in self._overrides.items())

    def _process_environment(self) -> tuple[dict[str, Variable | None], frozenset[str]]:
        return dict(self._outer), self._exported

    def _recipe_environment(
        self, expansion: Expansion, span: Span
    ) -> tuple[dict[str, Variable | None], frozenset[str]]:
        """What a recipe's shell sees: the process's environment, with the variables that are exported."""
        variables = dict(self._outer)
        exported = set(self._exported)
        database, interpreter_state = self.database, self._interpreter.state
        variables |= dict.fromkeys(database.hidden)
        for name in dict.fromkeys(expansion.scope.defined()):
            found = expansion.scope.get(name)
            if found is None or not _VARIABLE_NAME.fullmatch(name) or name in ("SHELL", "MAKECMDGOALS", "CURDIR"):
                continue
            if name in database.hidden:
                continue
            told = (
                name in database.exports
                or found.origin == "command line"
                or isinstance(self._outer.get(name), Value | Array)
            )
            if told or (database.exports_all and found.origin in ("file", "override", "command line")):
                variables[name] = expansion.variable(name, span)
                exported.add(name)
            elif found.origin in ("file", "override"):
                known = name in self._outer and self._outer[name] is None
                unset = known or interpreter_state.is_bare(name)
                variables[name] = None if unset else Value.unknown(f"variable `{name}` of the environment", span)
                exported.add(name)
        return variables, frozenset(exported)

    def _automatic(self, target: Target, way: Way) -> dict[str, MakeVariable]:
        span = target.place
        every = [p.name for p in way.prerequisites]
        once = list(dict.fromkeys(every))
        newer = Value.unknown("make's own `$?`", span, self.number()) if once else EMPTY
        named = {
            "@": target.name,
            "<": every[0] if every else EMPTY,
            "^": _spaced(once),
            "+": _spaced(every),
            "?": newer,
            "|": _spaced(list(dict.fromkeys(p.name for p in way.order_only))),
            "*": Value.of(way.stem) if way.stem is not None else _without_suffix(target.name),
        }
        expansion = self._expansion()
        found: dict[str, MakeVariable] = {}
        for name, value in named.items():
            found[name] = simple(value, "automatic", span)
            if name != "|":
                inner = self._expansion(expansion.scope.within({"_": simple(value, "automatic", span)}))
                folder = inner.value("$(patsubst %/,%,$(dir $_))", span)
                found[f"{name}D"] = simple(folder, "automatic", span)
                found[f"{name}F"] = simple(inner.value("$(notdir $_)", span), "automatic", span)
        return found


def _is_steady(command: SimpleCommand) -> bool:
    words = [w.span.text for w in command.words]
    if not words or words[0] not in _STEADY:
        return False
    return words[0] != "git" or any(w in GIT_READERS for w in words[1:3])


def _on_one_line(value: Value) -> Value:
    """As `$(shell …)` comes to: no line end behind it, the others blanks."""
    result = EMPTY
    for index, part in enumerate(value.parts):
        if isinstance(part, Text):
            text = part.text.rstrip("\n") if index == len(value.parts) - 1 else part.text
            result += Value.of(text.replace("\n", " "))
        else:
            result += Value(parts=(part,))
    return result


def _spaced(words: Sequence[Value]) -> Value:
    result = EMPTY
    for index, word in enumerate(words):
        result = result + (Value.of(" ") if index else EMPTY) + word
    return result


def _without_suffix(name: Value) -> Value:
    """`$*` in an explicit rule: the name without a suffix that make knows."""
    found = re.search(
        r"\.(?:o|c|cc|C|cpp|p|f|F|r|y|l|s|S|mod|sym|def|h|info|dvi|tex|txi|w|ch|web|sh|elc|el|out|a|ln)$", name.marked
    )
    return name.slice(0, found.start()) if found else EMPTY


def _is_shell(name: str) -> bool:
    """Whether it is a shell of the system; make looks for none from where it runs."""
    folder, slash, program = name.rpartition("/")
    return program in _SHELLS and (not slash or folder == "" or folder.startswith("/"))


def _plain_flags(flags: str) -> bool:
    words = flags.split()
    return (
        bool(words)
        and words[-1].endswith("c")
        and all(re.fullmatch(r"-[eucx]+|-o|pipefail|errexit|-[eu]*o", w) for w in words)
    )


def _options(flags: str) -> frozenset[str]:
    found = {"pipefail"} if "pipefail" in flags else set()
    if any(re.fullmatch(r"-[a-z]*e[a-z]*", w) for w in flags.split()) or "errexit" in flags:
        found.add("errexit")
    return frozenset(found)
