"""What a run has on an engine and on disk, written down before any of it is made.

One JSON file a run, in `$XDG_STATE_HOME/ms-migrate/runs` (`~/.local/state/…`), or in the temporary folder where that can't be
made. It goes when the run has cleared up after itself; where the run was killed, `cleanup` reads what to take away.
"""

import fcntl
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_PREFIX = re.compile(r"ms-migrate-[0-9a-f]{12}")
_WRITING_SECONDS = 60
"""A file that is still being written after this long belongs to a process that was killed."""
_PROC = Path("/proc")


class JournalError(Exception):
    """The journal can't be written; the message says why and where."""


class _CorruptError(ValueError):
    """A file that is not an entry; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One run. `prefix` begins its names on the engine and is its scratch folder's name; `connection` holds the variables that
    say which engine (no secrets), `engine` is what that engine calls itself. `started` is when the process began, in clock ticks
    after the boot named `boot` (None: not known here); `time` is in seconds since the epoch. `there` are the ids of the images
    that were not this run's when it began, `made` those that are, as far as was noted. `closed`: only images may be left."""

    prefix: str
    folder: str
    connection: Mapping[str, str | None]
    engine: str
    pid: int
    started: int | None
    boot: str | None
    time: float
    there: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    closed: bool = False

    @property
    def alive(self) -> bool:
        """Whether the run's process is still there, and not another one that got its number. Without /proc the number alone
        decides."""
        if self.boot is not None and self.boot != boot_id():
            return False
        if _PROC.joinpath("self/stat").exists():
            began = process_start(self.pid)
            return began is not None and self.started in (None, began)
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrupt:
    """A file among the entries that is none, and why."""

    path: Path
    reason: str


def folders(environment: Mapping[str, str]) -> tuple[Path, Path]:
    """Where entries are kept, and where they are where that can't be."""
    state = environment.get("XDG_STATE_HOME", "")
    # the XDG base directory specification: a relative path is to be ignored
    base = Path(state) if state.startswith("/") else Path(environment.get("HOME") or "~").expanduser() / ".local/state"
    return base / "ms-migrate/runs", Path(tempfile.gettempdir(), f"ms-migrate-runs-{os.getuid()}")


def open_folder(environment: Mapping[str, str]) -> Path:
    """The folder for new entries, made where it isn't there. Raises JournalError."""
    first, second = folders(environment)
    reasons = []
    for folder in (first, second):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _ours(folder):
                raise PermissionError("it is another user's, or others may write to it")
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError as error:
            reasons.append(f"`{folder}`: {error.strerror or error}")
    raise JournalError(f"no journal of what is made can be kept: {'; '.join(reasons)}")


def write(folder: Path, entry: Entry) -> None:
    """The entry, new or over its former self: on disk when this returns. Raises JournalError."""
    path = folder / f"{entry.prefix}.json"
    new = path.with_suffix(".new")
    try:
        with new.open("w") as stream:
            json.dump(asdict(entry), stream)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(path)
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise JournalError(f"`{path}` could not be written: {error.strerror or error}") from error


def remove(folder: Path, entry: Entry) -> None:
    with suppress(OSError):
        (folder / f"{entry.prefix}.json").unlink(missing_ok=True)


def read(folder: Path) -> tuple[tuple[Entry, ...], tuple[Corrupt, ...]]:
    """All entries of a folder, oldest first, and what is none. A folder that another user could write to has none."""
    entries: list[Entry] = []
    corrupt: list[Corrupt] = []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() and _ours(folder) else ():
        try:
            entries.append(_entry(json.loads(path.read_text()), path.stem))
        except FileNotFoundError:
            pass  # its run has just closed
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            corrupt.append(Corrupt(path=path, reason=str(error).split("\n", 1)[0] or type(error).__name__))
    return tuple(sorted(entries, key=lambda e: e.time)), tuple(corrupt)


def move_aside(corrupt: Corrupt) -> Path | None:
    """Give it a name under which it isn't read again; None where that fails."""
    aside = corrupt.path.with_name(f"{corrupt.path.name}.corrupt")
    try:
        corrupt.path.replace(aside)
    except OSError:
        return None
    return aside


def sweep(folder: Path) -> None:
    """Take away what writers that were killed left half written."""
    for path in folder.glob("*.new") if _ours(folder) else ():
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _WRITING_SECONDS:
                path.unlink()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody else decides meanwhile whether others are still at work. Where there are no locks (a network's file system), the
    block runs all the same."""
    with ExitStack() as stack:
        with suppress(OSError):
            stream = stack.enter_context((folder / "lock").open("w"))
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def boot_id() -> str | None:
    """Which boot of the machine this is (Linux: proc(5), /proc/sys/kernel/random/boot_id)."""
    with suppress(OSError):
        return _PROC.joinpath("sys/kernel/random/boot_id").read_text().strip()
    return None


def process_start(pid: int) -> int | None:
    """When a process began, in clock ticks after boot (proc(5), /proc/PID/stat, field 22). None: it isn't there, or has ended and
    only waits to be asked for its exit code."""
    try:
        stat = _PROC.joinpath(str(pid), "stat").read_text(errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything; from field 3 on
    return None if fields[0] in "ZX" else int(fields[19])


def _ours(folder: Path) -> bool:
    """Whether only this user can have written what lies there: an entry says what is to be removed."""
    try:
        status = folder.stat()
    except OSError:
        return False
    return status.st_uid == os.getuid() and not status.st_mode & 0o022 and not folder.is_symlink()


def _entry(data: Any, name: str) -> Entry:
    """An entry that can be acted on: nothing is removed for a name that isn't a run's."""
    if not isinstance(data, dict):
        raise _CorruptError("it is not an entry")
    prefix, folder = data.get("prefix"), data.get("folder")
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix) or prefix != name:
        raise _CorruptError("its prefix is not a run's")
    if not isinstance(folder, str) or not folder.startswith("/") or Path(folder).name != prefix:
        raise _CorruptError("its folder is not a run's")
    connection = data["connection"]
    if not isinstance(connection, dict) or not all(isinstance(v, str | None) for v in connection.values()):
        raise _CorruptError("its connection cannot be read")
    images = [data["there"], data["made"]]
    if not all(isinstance(i, list) and all(isinstance(s, str) for s in i) for i in images):
        raise _CorruptError("its images cannot be read")
    return Entry(
        prefix=prefix,
        folder=folder,
        connection=connection,
        engine=str(data["engine"]),
        pid=int(data["pid"]),
        started=None if data["started"] is None else int(data["started"]),
        boot=None if data["boot"] is None else str(data["boot"]),
        time=float(data["time"]),
        there=tuple(images[0]),
        made=tuple(images[1]),
        closed=data["closed"] is True,
    )
