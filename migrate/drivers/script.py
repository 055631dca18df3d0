"""A shell script as a driver: its tree, and the ways in which it may have been started."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Label
from migrate.discover import Driver, DriverKind, Repository
from migrate.shell.reader import read_script
from migrate.shell.syntax import Script


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a script is started, relative to the repository's root, under which name (`$0`), and with which arguments (None:
    whatever they are)."""

    directory: PurePosixPath
    name: str
    arguments: tuple[str, ...] | None = None


def read_driver(repository: Repository, driver: Driver) -> tuple[Script | None, tuple[Diagnostic, ...]]:
    """The driver's tree; None with the reason where it can't be read."""
    source = repository.source(driver.path)
    if source is None:
        message = f"`{driver.path}` is no file that can be read"
        return None, (Diagnostic(rule=rules.FILE_UNREADABLE, message=message),)
    if driver.kind is not DriverKind.SCRIPT:
        place = Label(span=source.span(0, len(source.line(1))))
        message = f"a {driver.kind.value} that seems to drive a legacy build is not read"
        return None, (Diagnostic(rule=rules.DRIVER_NOT_READ, message=message, primary=place),)
    return read_script(source)


def starts(driver: Driver) -> tuple[Start, ...]:
    """The usual ways to start a script, likeliest first: beside it, and from the repository's root."""
    beside = Start(directory=driver.path.parent, name=f"./{driver.path.name}")
    root = Start(directory=PurePosixPath(), name=f"./{driver.path}")
    return (beside,) if beside.directory == root.directory else (beside, root)
