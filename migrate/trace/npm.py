"""npm and yarn as far as they run the scripts of a package.json: each in the file's folder, by `sh -c`, with its `pre` and
`post`.

Left out: workspaces, programs that run scripts their own way (`pnpm`, `concurrently` …), and yarn from version 2 on, whose
shell is its own: these are findings where a script that they may come to has docker in it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from migrate import rules
from migrate.drivers.package import Package, PackageError, PackageScript, read_package
from migrate.shell.reader import read_script
from migrate.shell.syntax import Script, SimpleCommand
from migrate.source import SourceFile
from migrate.trace.commands import mentions_client
from migrate.trace.events import Argument
from migrate.trace.state import Positional, Status
from migrate.trace.values import Value

if TYPE_CHECKING:
    from migrate.trace.interpreter import Interpreter

MAX_CALLS = 20
"""Calls of npm within npm."""
RUNNERS = frozenset("npm yarn npm-run-all run-s run-p concurrently pnpm bun lerna nx turbo wsrun".split())
_RUN = frozenset("run run-script rum urn".split())
_NAMED = {"start": "start", "stop": "stop", "restart": "restart", "test": "test", "t": "test", "tst": "test"}
_LIFECYCLE = frozenset(
    "preinstall install postinstall prepublish preprepare prepare postprepare prepublishOnly prepack postpack preversion version"
    " postversion publish postpublish".split()
)
_INSTALLS = frozenset("install i in ins add ci update up rebuild pack publish version link ln".split())
_YARN_OWN = frozenset(
    "access add audit autoclean bin cache check config create exec generate-lock-entry global help import info init install"
    " licenses link list login logout node outdated owner pack policies publish remove run tag team unlink unplug upgrade"
    " upgrade-interactive version versions why workspace workspaces".split()
)
_SILENT = frozenset({"-s", "--silent", "-q", "--quiet"})
_NO_MATTER = re.compile(
    r"-d+|--if-present|--no-\w[\w-]*|--color(?:=.*)?|--(?:loglevel|progress|unsafe-perm)=.*|--unsafe-perm"
)
_PLAIN = re.compile(r"[\w@%+=:,./-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """`folder` is where the package.json is said to be; `problem` is what can't be followed."""

    script: str = ""
    arguments: tuple[str, ...] = ()
    folder: Value | None = None
    silent: bool = False
    problem: str | None = None
    others: frozenset[str] = frozenset()
    """Scripts that may run where it is a problem, if not those named."""


_ANY = frozenset({"*"})
_AROUND = _Call(problem="the scripts that run around an installation are not followed", others=_LIFECYCLE)


class Packages:
    """Runs scripts of a package.json where the interpreter comes to them."""

    def __init__(self, interpreter: "Interpreter") -> None:
        self._interpreter = interpreter

    def run(self, command: SimpleCommand, name: str, arguments: Sequence[Argument]) -> bool:
        """False where it is a program like others here: no script is run, or none that matters."""
        calls = self._calls(name, arguments)
        if calls is None:
            return False
        for call in calls:
            problem = call.problem
            source = self._package(call.folder) if problem is None else None
            if problem is None and source is not None:
                problem = self._followed(command, call, source, name)
            if problem is not None and self._matters(call, arguments):
                self._interpreter.state.report(rules.CONSTRUCT_NOT_TRACED, problem, command.span)
            if problem is not None or source is None:
                return False
            if self._interpreter.state.dead or self._interpreter.state.status.holds is False:
                break
        return True

    def _calls(self, name: str, arguments: Sequence[Argument]) -> tuple[_Call, ...] | None:
        """The scripts that are run, in order; None where none is."""
        if name == "npm":
            call = _npm(arguments)
            return None if call is None else (call,)
        if name == "yarn":
            call = _yarn(arguments)
            return None if call is None else (call,)
        words = [a.value.marked for a in arguments if a.certain]
        plain = bool(words) and len(words) == len(arguments) and all(re.fullmatch(r"\w[\w:.-]*", w) for w in words)
        if name in ("run-s", "npm-run-all") and plain:
            return tuple(_Call(script=w) for w in words)
        return (_Call(problem=f"which scripts `{name}` runs, and how, is not followed"),)

    def _package(self, folder: Value | None) -> SourceFile | None:
        """The package.json of a folder, or else the nearest one above where this runs."""
        state = self._interpreter.state
        if folder is not None:
            path = state.path(f"{folder.text}/package.json") if folder.text is not None else None
            return state.workspace.source(path) if path is not None else None
        if state.directory is None:
            return None
        for above in (state.directory, *state.directory.parents):
            source = state.workspace.source(above / "package.json")
            if source is not None:
                return source
        return None

    def _followed(self, command: SimpleCommand, call: _Call, source: SourceFile, name: str) -> str | None:
        """Run it; else why not."""
        state = self._interpreter.state
        if sum(c == "npm" for c in state.calls) >= MAX_CALLS:
            state.report(rules.SCRIPT_TOO_LONG, f"npm calls itself more than {MAX_CALLS} deep", command.span)
            return None
        problem = self._set_otherwise(source, name)
        if problem is not None:
            return problem
        try:
            package = read_package(source)
        except PackageError as error:
            return error.message
        if package.get(call.script) is None:
            return f"there is no script `{call.script}`"
        if not all(_PLAIN.fullmatch(a) for a in call.arguments):
            return "what the script is given here is not known"
        hooks = [
            s for n in (f"pre{call.script}", call.script, f"post{call.script}") if (s := package.get(n)) is not None
        ]
        self._processes(command, call, package, source, hooks)
        return None

    def _set_otherwise(self, source: SourceFile, name: str) -> str | None:
        """What a configuration in the repository changes about running scripts."""
        repository = self._interpreter.state.workspace.repository
        for folder in (source.path.parent, *source.path.parent.parents):
            settings = repository.source(folder / ".npmrc")
            if settings is not None and re.search(r"(?m)^\s*(?:script-shell|ignore-scripts)\s*=", settings.text):
                return f"`{settings.path}` changes how scripts are run"
            if name == "yarn" and repository.kind(folder / ".yarnrc.yml") is not None:
                return "yarn from version 2 on runs scripts by a shell of its own"
        return None

    def _processes(
        self, command: SimpleCommand, call: _Call, package: Package, source: SourceFile, hooks: Sequence[PackageScript]
    ) -> None:
        interpreter = self._interpreter
        if not call.silent:
            interpreter.state.print(interpreter.state.unknown("what npm prints", command.span), command.span)

        def run() -> None:
            state = interpreter.state
            folder = source.path.parent
            set_by_npm = dict(package.variables)
            if state.directory is not None:
                set_by_npm["INIT_CWD"] = str(state.workspace.root / state.directory)
            state.only_exported()
            state.variables |= {n: Value.of(v) for n, v in set_by_npm.items()}
            state.exported |= {*set_by_npm, "npm_lifecycle_event"}
            state.directory, state.calls = folder, (*state.calls, "npm")
            state.options, state.owner, state.tested = frozenset({"errexit"}), None, 0
            for hook in hooks:
                state = interpreter.state
                state.variables["npm_lifecycle_event"] = Value.of(hook.name)
                script = self._read(source, hook, call.arguments if hook.name == call.script else ())
                if state.dead:
                    return
                if script is None:
                    interpreter.opaque(command, hook.text)
                    continue
                interpreter.subshell(lambda s=script: self._process(s), hook.place)  # type: ignore[misc]
                interpreter.errexit(hook.place)

        interpreter.subshell(run, command.span)
        if not interpreter.state.dead and interpreter.state.status.code == 0:
            interpreter.state.status = Status(code=None, span=command.span, presumed=True)

    def _process(self, script: Script) -> None:
        state = self._interpreter.state
        state.positional, state.name = Positional(), Value.of("sh")
        state.options = frozenset()
        self._interpreter.script(script)

    def _read(self, source: SourceFile, hook: PackageScript, arguments: tuple[str, ...]) -> Script | None:
        """A script as sh gets it, with its arguments behind it; None where it can't be read, which is then said."""
        begin, end = (source.span(at, at) for at in (hook.place.start, hook.place.end))
        stretches = [("#!/bin/sh\n", begin, False), *hook.pieces, *((f" {a}", end, False) for a in arguments)]
        script, found = read_script(SourceFile.derived(source.path, stretches))
        if mentions_client(hook.text):
            self._interpreter.diagnostics(found)
        return script

    def _matters(self, call: _Call, arguments: Sequence[Argument]) -> bool:
        """Whether a script that may be run here has docker in it, or calls what may."""
        repository = self._interpreter.state.workspace.repository
        words = re.findall(r"[\w:.-]+", " ".join(a.value.marked for a in arguments))
        named = set(call.others) or {call.script, *words}
        anything = call.others is _ANY or any(re.search(r"[*\0]", a.value.marked) for a in arguments)
        for path in repository.entries:
            source = repository.source(path) if path.name == "package.json" else None
            if source is None:
                continue
            try:
                package = read_package(source)
            except PackageError:
                return mentions_client(source.text)
            scripts = package.scripts if anything and call is not _AROUND else reached(package, named)
            if any(self._comes_to_docker(s.text) for s in scripts):
                return True
        return False

    def _comes_to_docker(self, text: str) -> bool:
        """Whether a script has docker in it, or what it calls has."""
        repository = self._interpreter.state.workspace.repository
        called = {w.rpartition("/")[2] for w in re.findall(r"[\w./-]+\.sh\b", text)}
        if re.search(r"\bmake\b", text):
            called |= {"Makefile", "makefile", "GNUmakefile"}
        paths = (p for p in repository.entries if p.name in called)
        return mentions_client(text) or any(
            (s := repository.source(p)) is not None and mentions_client(s.text) for p in paths
        )


def reached(package: Package, names: set[str]) -> list[PackageScript]:
    """The scripts of these names, with those whose names stand in their texts."""
    found: dict[str, PackageScript] = {}
    left = list(names)
    while left:
        name = left.pop()
        for hook in (f"pre{name}", name, f"post{name}"):
            script = package.get(hook)
            if script is not None and hook not in found:
                found[hook] = script
                left += re.findall(r"[\w:.-]+", script.text)
    return list(found.values())


def _npm(arguments: Sequence[Argument]) -> _Call | None:
    """None where npm runs no script by this. What stands behind `--` is the script's."""
    folder: Value | None = None
    silent, verb, script = False, "", ""
    given: list[str] = []
    problem: str | None = None
    words = list(arguments)
    while words:
        argument = words.pop(0)
        text = argument.value.marked
        if text == "--" and verb:
            given += [w.value.marked if w.certain else "\0" for w in words]
            break
        if text in ("--prefix", "-C") and words:
            folder = words.pop(0).value
        elif text.startswith("--prefix="):
            folder = argument.value.slice(len("--prefix="))
        elif text in _SILENT:
            silent = True
        elif text == "--loglevel" and words:
            words.pop(0)
        elif text.startswith("-") and _NO_MATTER.fullmatch(text) is None:
            problem = problem or f"`npm {text}` is not followed"
        elif text.startswith("-"):
            pass
        elif not verb:
            verb = text
            script = _NAMED.get(verb, "")
        elif verb in _RUN and not script:
            script = text
        else:
            given.append(text if argument.certain else "\0")
    if verb in _INSTALLS:
        return _AROUND
    if verb not in _RUN and verb not in _NAMED:
        return None
    if not script:  # it lists them; where the name is a variable, that is hardly meant
        return _Call(problem="which script runs here is not known", others=_ANY)
    if "\0" in script:
        problem = problem or "which script runs here is not known"
    if verb == "restart":
        problem = problem or "`npm restart` is not followed"
    return _Call(script=script, arguments=tuple(given), folder=folder, silent=silent, problem=problem)


def _yarn(arguments: Sequence[Argument]) -> _Call | None:
    folder: Value | None = None
    silent, problem = False, None
    words = list(arguments)
    while words and words[0].value.marked.startswith("-"):
        text = words.pop(0).value.marked
        if text == "--cwd" and words:
            folder = words.pop(0).value
        elif text in _SILENT:
            silent = True
        else:
            problem = problem or f"`yarn {text}` is not followed"
    if words and words[0].value.marked == "run":
        words.pop(0)
        while words and words[0].value.marked in _SILENT:
            words.pop(0)
            silent = True
    elif not words or words[0].value.marked in ("install", "add", "upgrade", "link", "publish", "version", "pack"):
        return _AROUND
    elif words[0].value.marked in _YARN_OWN:
        return None
    if not words:
        return None
    script = words[0].value.marked
    given = tuple(w.value.marked if w.certain else "\0" for w in words[1:] if w.value.marked != "--")
    if "\0" in script or script.startswith("-"):
        problem = problem or "which script runs here is not known"
    return _Call(script=script, arguments=given, folder=folder, silent=silent, problem=problem)
