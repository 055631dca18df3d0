"""A driver as something that is started: where, and by which words."""

import posixpath
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Label, at
from migrate.discover import PROGRAMS, Driver, DriverKind, Repository, is_compose_file
from migrate.drivers.compose import FILES
from migrate.drivers.jenkinsfile import is_jenkinsfile, named_in_pipeline, pipeline_jobs
from migrate.drivers.makefile import Rule, is_makefile, outside_references, read_makefile, walk
from migrate.drivers.package import is_package, named_in_package, place_of, read_package
from migrate.drivers.refusal import NotReadError
from migrate.drivers.unread import taken_out
from migrate.drivers.workflow import Job, find_jobs, job_text, named_elsewhere
from migrate.drivers.yaml_reader import read_yaml
from migrate.shell.reader import read_script
from migrate.shell.syntax import Script
from migrate.source import HOLES, SourceFile, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a driver is started, relative to the repository's root, under which name (`$0`), and with which arguments (None:
    whatever they are). `commands` are started instead, one after the other, where the driver is no script. With `bare` the
    environment is taken to set none of the names that only the repository knows; `job` is the one of a CI file that runs.
    `script` is the driver where the commands start it; `afresh` are the commands, by number,
    that nobody needs to call behind those before them: each is followed among the files as they were found."""

    directory: PurePosixPath
    name: str
    arguments: tuple[str, ...] | None = None
    commands: tuple[tuple[str, ...], ...] = ()
    bare: bool = False
    job: str | None = None
    script: PurePosixPath | None = None
    afresh: frozenset[int] = frozenset()

    @property
    def is_script(self) -> bool:
        return not self.commands and self.job is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a start runs, as shell; `unknowns` are what the holes in it stand for, `afresh` the commands that are started among
    the files as they were found."""

    script: Script
    unknowns: tuple[str, ...] = ()
    afresh: tuple[Span, ...] = ()


def read_driver(repository: Repository, driver: Driver) -> tuple[SourceFile | None, tuple[Diagnostic, ...]]:
    """The driver's text; None with the reason where it can't be read, without one where it then seems to be no driver."""
    source = repository.source(driver.path)
    if source is None:
        message = f"`{driver.path}` is no file that can be read"
        return None, (Diagnostic(rule=rules.FILE_UNREADABLE, message=message),)
    if driver.kind is DriverKind.PROGRAM:
        return None, (not_read(driver, taken_out(source) or source.span(0, len(source.line(1)))),)
    try:
        if driver.kind is DriverKind.PACKAGE:
            read_package(source)
        unread = driver.kind is DriverKind.WORKFLOW and not jobs_of(source)
        if driver.kind is DriverKind.JENKINSFILE:
            pipeline_jobs(source)
    except NotReadError as error:
        if driver.kind is not DriverKind.WORKFLOW and taken_out(source) is None:
            return None, ()
        return None, (at(rules.DRIVER_NOT_READ, error.message, error.span),)
    if unread:
        place = Label(span=source.span(0, len(source.line(1))))
        message = f"a {driver.kind.value} that seems to drive a legacy build is not read"
        if is_compose_file(source.path):
            message = "which commands build these services, and in which order, is said nowhere"
        return None, (Diagnostic(rule=rules.DRIVER_NOT_READ, message=message, primary=place),)
    return source, ()


def not_read(driver: Driver, place: Span) -> Diagnostic:
    """That a driver is of a kind that isn't read."""
    what = PROGRAMS[driver.path.suffix.lower()]
    return at(rules.DRIVER_NOT_READ, f"a legacy build seems to be driven by {what}, which is not read", place)


def jobs_of(source: SourceFile) -> tuple[Job, ...]:
    """The jobs of a CI file; none where it is none. Raises NotReadError."""
    return pipeline_jobs(source) if is_jenkinsfile(source.path) else find_jobs(source, read_yaml(source))


def named_beside(source: SourceFile, paths: Iterable[PurePosixPath]) -> tuple[PurePosixPath, Span] | None:
    """A file that something else in a CI file than the jobs' commands names, or in a package.json than its scripts, and where."""
    if is_package(source.path):
        return named_in_package(source, paths)
    if is_jenkinsfile(source.path):
        return named_in_pipeline(source, paths)
    return named_elsewhere(source, read_yaml(source), paths)


def command_text(source: SourceFile, start: Start) -> str:
    """What a start runs, as shell text to be run; empty where the driver is run itself. An expression of a CI service, of which
    the value isn't known, is its own name."""
    if start.job is None:
        return "".join(shlex.join(words) + "\n" for words in start.commands)
    job = next((j for j in jobs_of(source) if j.name == start.job), None)
    if job is None:
        return ""
    text, names = job_text(source, job)
    for number, name in enumerate(names):
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        text = replace(text, text=text.text.replace(chr(HOLES.start + number), plain))
    return text.text


def started(source: SourceFile, start: Start) -> tuple[Entry | None, tuple[Diagnostic, ...]]:
    """What a start runs, as shell: the script itself, the job of a CI file, or commands, each of which stands for the rule that
    it asks for."""
    if start.job is not None:
        job = next((j for j in jobs_of(source) if j.name == start.job), None)
        if job is None:
            return None, (at(rules.DRIVER_NOT_READ, f"there is no job `{start.job}`", source.span(0, 0)),)
        text, names = job_text(source, job)
        script, found = read_script(text)
        asked = next((s for s in job.steps if s.condition is not None and "docker" in s.place.text), None)
        if asked is not None and asked.condition is not None:
            message = "a step that the service runs on a condition is not followed"
            if asked.guard is not None:
                message = "a step that runs on a condition, in a loop or in a function is not followed"
            found = (*found, at(rules.CONSTRUCT_NOT_TRACED, message, asked.condition))
        found += tuple(at(rules.CONSTRUCT_NOT_TRACED, message, place) for message, place in job.unread)
        return Entry(script=script, unknowns=names) if script is not None else None, found
    script, found = _started(source, start)
    if script is None:
        return None, found
    calls = script.statements[1:] if start.commands else ()  # the first one is `set -e`
    return Entry(script=script, afresh=tuple(s.span for i, s in enumerate(calls) if i in start.afresh)), found


def _started(source: SourceFile, start: Start) -> tuple[Script | None, tuple[Diagnostic, ...]]:
    if not start.commands:
        return read_script(source)
    lines = [("set -e\n", source.span(0, 0), False)]
    lines += [(shlex.join(words) + "\n", _asked(source, words), False) for words in start.commands]
    return read_script(SourceFile.derived(source.path, lines))


def starts(driver: Driver) -> tuple[Start, ...]:
    """The usual ways to start a script, likeliest first: beside it, and from the repository's root."""
    beside = Start(directory=driver.path.parent, name=f"./{driver.path.name}")
    root = Start(directory=PurePosixPath(), name=f"./{driver.path}")
    return (beside,) if beside.directory == root.directory else (beside, root)


def make_start(
    driver: Driver,
    goals: tuple[str, ...],
    arguments: tuple[str, ...],
    *,
    bare: bool,
    together: bool = False,
    afresh: frozenset[int] = frozenset(),
) -> Start:
    """make, called for each goal in the Makefile's folder, or once for all; for the default one where there are none."""
    named = () if driver.path.name in ("GNUmakefile", "makefile", "Makefile") else ("-f", driver.path.name)
    calls = tuple(("make", *named, goal, *arguments) for goal in goals)
    if together or not calls:
        calls = (("make", *named, *goals, *arguments),)
    name = " && ".join(map(shlex.join, calls))
    return Start(directory=driver.path.parent, name=name, arguments=(), commands=calls, bare=bare, afresh=afresh)


def composed_start(start: Start, driver: Driver, file: PurePosixPath, *, executable: bool) -> Start:
    """A script, and then all that a compose file builds."""
    script = (start.name,) if executable else ("bash", start.name)
    beside = file.parent == start.directory and file.name in FILES
    named = () if beside else ("-f", posixpath.relpath(file, start.directory))
    commands = ((*script, *(start.arguments or ())), ("docker-compose", *named, "build"))
    return replace(
        start, name=" && ".join(map(shlex.join, commands)), arguments=(), commands=commands, script=driver.path
    )


def npm_start(driver: Driver, scripts: tuple[str, ...], arguments: tuple[str, ...], *, bare: bool) -> Start:
    """npm, called for each of these scripts in the folder of the package.json."""
    given = ("--", *arguments) if arguments else ()
    calls = tuple(("npm", "run", script, *given) for script in scripts)
    name = " && ".join(map(shlex.join, calls))
    return Start(directory=driver.path.parent, name=name, arguments=(), commands=calls, bare=bare)


def job_start(job: str, *, bare: bool) -> Start:
    """One job, from the repository's root."""
    return Start(directory=PurePosixPath(), name=f"job {job}", arguments=(), job=job, bare=bare)


def _asked(source: SourceFile, words: tuple[str, ...]) -> Span:
    """The rule that a call of make is there for, or the script that one of npm is; the beginning of another driver."""
    if is_package(source.path):
        return place_of(source, words[2])
    if not is_makefile(source.path):
        return source.span(0, len(source.line(1)))
    for node in walk(read_makefile(source)):
        if isinstance(node, Rule):
            colon = next((i for i, c in outside_references(node.span.text) if c == ":"), 0)
            if any(w in words for w in node.span.text[:colon].split()):
                return node.span
    return source.span(0, len(source.line(1)))
