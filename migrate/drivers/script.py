"""A driver as something that is started: where, and by which words."""

import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Label
from migrate.discover import Driver, DriverKind, Repository
from migrate.drivers.makefile import Rule, outside_references, read_makefile, walk
from migrate.shell.reader import read_script
from migrate.shell.syntax import Script
from migrate.source import SourceFile, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a driver is started, relative to the repository's root, under which name (`$0`), and with which arguments (None:
    whatever they are). `commands` are started instead, one after the other, where the driver is no script. With `bare` the
    environment is taken to set none of the names that only the repository knows."""

    directory: PurePosixPath
    name: str
    arguments: tuple[str, ...] | None = None
    commands: tuple[tuple[str, ...], ...] = ()
    bare: bool = False

    @property
    def text(self) -> str:
        """The commands as shell."""
        return "".join(shlex.join(words) + "\n" for words in self.commands)


def read_driver(repository: Repository, driver: Driver) -> tuple[SourceFile | None, tuple[Diagnostic, ...]]:
    """The driver's text; None with the reason where it can't be read."""
    source = repository.source(driver.path)
    if source is None:
        message = f"`{driver.path}` is no file that can be read"
        return None, (Diagnostic(rule=rules.FILE_UNREADABLE, message=message),)
    if driver.kind is DriverKind.WORKFLOW:
        place = Label(span=source.span(0, len(source.line(1))))
        message = f"a {driver.kind.value} that seems to drive a legacy build is not read"
        return None, (Diagnostic(rule=rules.DRIVER_NOT_READ, message=message, primary=place),)
    return source, ()


def started(source: SourceFile, start: Start) -> tuple[Script | None, tuple[Diagnostic, ...]]:
    """What a start runs, as shell: the script itself, or the commands, each of which stands for the rule that it asks for."""
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
    driver: Driver, goals: tuple[str, ...], arguments: tuple[str, ...], *, bare: bool, together: bool = False
) -> Start:
    """make, called for each goal in the Makefile's folder, or once for all; for the default one where there are none."""
    named = () if driver.path.name in ("GNUmakefile", "makefile", "Makefile") else ("-f", driver.path.name)
    calls = tuple(("make", *named, goal, *arguments) for goal in goals)
    if together or not calls:
        calls = (("make", *named, *goals, *arguments),)
    name = " && ".join(map(shlex.join, calls))
    return Start(directory=driver.path.parent, name=name, arguments=(), commands=calls, bare=bare)


def _asked(source: SourceFile, words: tuple[str, ...]) -> Span:
    """The rule that a call of make is there for."""
    for node in walk(read_makefile(source)):
        if isinstance(node, Rule):
            colon = next((i for i, c in outside_references(node.span.text) if c == ":"), 0)
            if any(w in words for w in node.span.text[:colon].split()):
                return node.span
    return source.span(0, len(source.line(1)))
