"""Applying: the file changes of a migration, made all or not at all.

In: a repository's root and its `FileChange`s. Out: nothing, or the diagnostics that say why nothing was written.
How: every old file is copied into a backup and a journal is written, all flushed to the disk, before the first file
is replaced; new contents are written beside their targets and renamed over them; renaming the journal is the moment
at which the migration counts. An unfinished journal is rolled back by the next `recover`, `apply` or `undo`.

Where the backup stands (`backup_directory`): in the git directory, where neither `git status` nor a checkout meets
it; without git in `.ms-migrate/` under the root, which ignores itself for git but is part of a build context, so that
a `COPY . .` takes it along until it is removed, by hand or by `undo`.
Set-user-id bits are not kept, times are not restored, and a file with several hard links becomes one of its own.
"""

import errno
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic
from migrate.source import FileChange, decode

_JOURNAL = "journal.json"  # of a migration under way: to be rolled back
_FINISHED = "finished.json"  # of one that was made: what `undo` restores
_LOCK = "lock"


class RefusedError(Exception):
    """Nothing was undone or rolled back; `diagnostics` say why."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One file of a journal: as it was, and how to know what it became.

    `place` is what is replaced, relative to the root and free of symlinks, unlike `path`, which is what the migration
    calls it. `link` is the text of a symlink that is removed. `mode`, `uid` and `gid` mean something where `existed`.
    `after` is the new contents' sha256, None for a removed file.
    """

    path: str
    place: str
    existed: bool
    link: str | None
    mode: int
    uid: int
    gid: int
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Backup:
    """One migration's backup: `directory` holds the journal and the old files, named by their number in `entries`."""

    root: Path
    directory: Path
    token: str
    entries: tuple[_Entry, ...]

    def place(self, entry: _Entry) -> Path:
        return self.root / entry.place

    def temporary(self, number: int) -> Path:
        return self.place(self.entries[number]).parent / f".ms-migrate-{self.token}-{number}"

    def copy(self, number: int) -> Path:
        return self.directory / str(number)


def backup_directory(root: Path) -> Path:
    """Where the backups of migrations of `root` are kept; nothing is created.

    `<git dir>/ms-migrate/<digest of root's path in the work tree>`, or `root/.ms-migrate/backup` where no git
    directory of the same owner is found at root or above it. Raises OSError where root can't be read.
    """
    root = _real(root)
    for work_tree in (root, *root.parents):
        git = _git_directory(work_tree, {os.geteuid(), root.stat().st_uid})
        if git is not None:
            inside = os.fsencode(root.relative_to(work_tree))
            return git / "ms-migrate" / hashlib.sha256(inside).hexdigest()[:16]
    return root / ".ms-migrate" / "backup"


def apply(root: Path, changes: tuple[FileChange, ...]) -> tuple[Diagnostic, ...]:
    """Make all changes, or none and say why: a file is not as it was read (MS601), or can't be written (MS602)."""
    root = _real(root)
    changes = tuple(change for change in changes if change.before != change.after)
    problems = recover(root) or _check(root, changes)
    if problems or not changes:
        return problems
    try:
        with _locked(directory := backup_directory(root)):
            # Again: another run may have held the lock a moment ago.
            problems = _recover(root, directory) or _check(root, changes)
            return problems or _make_changes(root, directory, changes)
    except OSError as error:
        return (_failed("the migration", error),)


def recover(root: Path) -> tuple[Diagnostic, ...]:
    """Roll back a migration that was killed, if there is one: call this before a repository is read."""
    root = _real(root)
    try:
        directory = backup_directory(root)
        if all((folder / _FINISHED).is_file() for folder in _backups(directory)):
            return ()  # without the lock, so that a repository that can't be written can be read
        with _locked(directory):
            return _recover(root, directory)
    except OSError as error:
        return (_failed("an interrupted migration", error),)


def undo(root: Path) -> tuple[PurePosixPath, ...]:
    """Restore what the last migration replaced, byte for byte; the paths restored, none where nothing is kept.

    Raises RefusedError, with nothing restored, where a file is no longer what the migration wrote or can't be written.
    """
    root = _real(root)
    if problems := recover(root):
        raise RefusedError(problems)
    try:
        directory = backup_directory(root)
        if not _backups(directory):
            return ()
        with _locked(directory):
            finished = [folder for folder in _backups(directory) if (folder / _FINISHED).is_file()]
            return _undo(_read(root, finished[-1], _FINISHED)) if finished else ()
    except OSError as error:
        raise RefusedError((_failed("the old state", error),)) from error


def _undo(backup: _Backup) -> tuple[PurePosixPath, ...]:
    _refuse_edited(backup)
    journal, finished = backup.directory / _JOURNAL, backup.directory / _FINISHED
    # From here on a kill leaves an unfinished journal, and the next run goes on restoring.
    finished.rename(journal)
    _sync(backup.directory)
    try:
        restored = _prepare_old(backup)
    except BaseException:
        _remove_temporaries(backup)
        journal.rename(finished)
        raise
    _exchange_old(backup, restored)
    return tuple(PurePosixPath(entry.path) for entry in backup.entries)


# Checking


def _check(root: Path, changes: tuple[FileChange, ...]) -> tuple[Diagnostic, ...]:
    problems: list[Diagnostic] = []
    places: set[Path] = set()
    for change in changes:
        try:
            place = _place(root, change)
            found = _contents(root / change.path)
        except OSError as error:
            problems.append(_failed(f"`{change.path}`", error))
            continue
        if found != change.before:
            what = "changed" if None not in (found, change.before) else "is gone" if found is None else "appeared"
            problems.append(Diagnostic(rule=rules.FILE_CHANGED, message=f"`{change.path}` {what} since it was read"))
        elif place in places:
            problems.append(_failed(f"`{change.path}`", OSError(errno.EEXIST, "another change writes the same file")))
        places.add(place)
    return tuple(problems)


def _place(root: Path, change: FileChange) -> Path:
    """What to replace: a symlink's target, but the symlink itself where it is to be removed. Raises OSError."""
    named = root / change.path
    place = _inside(root, named)
    if change.after is None and named.is_symlink():
        place = _inside(root, named.parent) / named.name
    if not place.parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "its directory does not exist")
    # Renaming over it would succeed: who made it read-only meant it to stay.
    if place.is_file() and not place.is_symlink() and not os.access(place, os.W_OK, effective_ids=True):
        raise PermissionError(errno.EACCES, "the file is read-only")
    return place


def _inside(root: Path, path: Path) -> Path:
    real = _real(path)
    if not real.is_relative_to(root):
        raise PermissionError(errno.EPERM, "the path leads out of the repository")
    return real


def _contents(path: Path) -> bytes | None:
    """A file's bytes, None where there is none. Raises OSError for anything that isn't a regular file."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # asked first: opening a named pipe would wait for ever
            raise OSError(errno.EINVAL, "not a regular file")
        return path.read_bytes()
    except FileNotFoundError:
        return None


# Writing


def _make_changes(root: Path, directory: Path, changes: tuple[FileChange, ...]) -> tuple[Diagnostic, ...]:
    number = max((int(folder.name) for folder in _backups(directory)), default=0) + 1
    try:
        backup = _back_up(root, directory / f"{number:06}", changes)
        for i, (entry, change) in enumerate(zip(backup.entries, changes, strict=True)):
            if change.after is not None:
                _write(backup.temporary(i), change.after, backup.place(entry), entry)
        _exchange_new(backup)
    except BaseException as error:
        unrestored = _roll_back_now(root, directory)
        if not isinstance(error, OSError):
            raise
        return (_failed("the migration", error), *unrestored)
    return ()


def _back_up(root: Path, directory: Path, changes: tuple[FileChange, ...]) -> _Backup:
    """Copies and journal, on the disk when this returns."""
    directory.mkdir(mode=0o700)
    entries = tuple(_entry(root, change) for change in changes)
    backup = _Backup(root=root, directory=directory, token=secrets.token_hex(8), entries=entries)
    for i, (entry, change) in enumerate(zip(entries, changes, strict=True)):
        if change.before is not None and entry.link is None:
            _write(backup.copy(i), change.before, backup.place(entry), entry)
    draft = directory / "draft.json"
    text = json.dumps({"token": backup.token, "entries": [asdict(entry) for entry in entries]}, indent=1)
    _write(draft, text.encode("ascii"), None, None)
    draft.rename(directory / _JOURNAL)
    _sync(directory)
    _sync(directory.parent)
    return backup


def _entry(root: Path, change: FileChange) -> _Entry:
    place = _place(root, change)
    status = place.lstat() if change.before is not None else None
    return _Entry(
        path=str(change.path),
        place=str(place.relative_to(root)),
        existed=status is not None,
        link=str(place.readlink()) if status is not None and stat.S_ISLNK(status.st_mode) else None,
        mode=stat.S_IMODE(status.st_mode) & 0o777 if status else 0o644,
        uid=status.st_uid if status else -1,
        gid=status.st_gid if status else -1,
        after=None if change.after is None else hashlib.sha256(change.after).hexdigest(),
    )


def _exchange_new(backup: _Backup) -> None:
    for i, entry in enumerate(backup.entries):
        if entry.after is None:
            backup.place(entry).unlink()
        else:
            backup.temporary(i).replace(backup.place(entry))
    for parent in sorted({backup.place(entry).parent for entry in backup.entries}):
        _sync(parent)
    (backup.directory / _JOURNAL).rename(backup.directory / _FINISHED)
    with suppress(OSError):  # made is made: after a crash the old journal would be found, and rolled back
        _sync(backup.directory)


def _write(path: Path, data: bytes, model: Path | None, entry: _Entry | None) -> None:
    """A new file on the disk, with the mode and owner of `entry` and the ACL and attributes of `model`."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        if model is not None and model.is_file() and not model.is_symlink():
            shutil.copystat(model, path)
            os.utime(path)  # a build tool that goes by times must see that the file is new
        if entry is not None:
            owner, status = (entry.uid, entry.gid), os.fstat(file.fileno())
            if entry.existed and owner != (status.st_uid, status.st_gid):
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), entry.mode)
        os.fsync(file.fileno())


# Rolling back


def _recover(root: Path, directory: Path) -> tuple[Diagnostic, ...]:
    """Roll back what is unfinished and drop what never began."""
    try:
        for folder in reversed(_backups(directory)):
            if (folder / _JOURNAL).is_file():
                backup = _read(root, folder, _JOURNAL)
                _remove_temporaries(backup)
                _refuse_edited(backup)
                _exchange_old(backup, _prepare_old(backup))
            elif not (folder / _FINISHED).is_file():
                shutil.rmtree(folder)
    except RefusedError as refused:
        return refused.diagnostics
    return ()


def _roll_back_now(root: Path, directory: Path) -> tuple[Diagnostic, ...]:
    try:
        return _recover(root, directory)
    except OSError as error:
        return (_failed("the old state", error, f"the next run restores it; the old files are in `{directory}`"),)


def _prepare_old(backup: _Backup) -> tuple[int, ...]:
    """Write the old files beside their places: what may fail for want of space does so before anything is replaced.

    Returns the numbers of the entries that are to be exchanged; the others are as they were.
    """
    numbers = tuple(i for i, entry in enumerate(backup.entries) if not _is_old(backup, i))
    for i in numbers:
        entry = backup.entries[i]
        if entry.link is not None:
            backup.temporary(i).symlink_to(entry.link)
        elif entry.existed:
            _write(backup.temporary(i), backup.copy(i).read_bytes(), backup.copy(i), entry)
    return numbers


def _exchange_old(backup: _Backup, numbers: tuple[int, ...]) -> None:
    for i in numbers:
        place = backup.place(backup.entries[i])
        if backup.entries[i].existed:
            backup.temporary(i).replace(place)
        else:
            place.unlink()
    for parent in sorted({backup.place(entry).parent for entry in backup.entries}):
        _sync(parent)
    (backup.directory / _JOURNAL).unlink()
    _sync(backup.directory)
    shutil.rmtree(backup.directory)


def _remove_temporaries(backup: _Backup) -> None:
    for i in range(len(backup.entries)):
        backup.temporary(i).unlink(missing_ok=True)


def _refuse_edited(backup: _Backup) -> None:
    """Raise RefusedError where a file is neither the old nor the new one: someone's work would be lost."""
    edited = [e for i, e in enumerate(backup.entries) if not (_is_old(backup, i) or _is_new(backup, e))]
    if edited:
        note = f"the old files are in `{backup.directory}`"
        message = "`{}` changed since the migration wrote it"
        raise RefusedError(
            tuple(Diagnostic(rule=rules.FILE_CHANGED, message=message.format(e.path), notes=(note,)) for e in edited)
        )


def _is_old(backup: _Backup, number: int) -> bool:
    entry = backup.entries[number]
    place = backup.place(entry)
    if entry.link is not None:
        return place.is_symlink() and str(place.readlink()) == entry.link
    if not entry.existed:
        return not os.path.lexists(place)
    return not place.is_symlink() and _contents(place) == backup.copy(number).read_bytes()


def _is_new(backup: _Backup, entry: _Entry) -> bool:
    place = backup.place(entry)
    if entry.after is None:
        return not os.path.lexists(place) and place.parent.is_dir()
    contents = None if place.is_symlink() else _contents(place)
    return contents is not None and hashlib.sha256(contents).hexdigest() == entry.after


# The backup directory


def _backups(directory: Path) -> list[Path]:
    """Oldest first; none where the directory is not there."""
    paths = directory.iterdir() if directory.is_dir() else ()
    return sorted(path for path in paths if re.fullmatch(r"[0-9]{6}", path.name))


def _read(root: Path, directory: Path, name: str) -> _Backup:
    """A journal, trusted no further than the root: without git it lies in the repository, and anyone may have put it
    there. Raises OSError."""
    try:
        fields = json.loads((directory / name).read_bytes())
        entries = tuple(_Entry(**entry) for entry in fields["entries"])
        backup = _Backup(root=root, directory=directory, token=fields["token"], entries=entries)
        sound = re.fullmatch(r"[0-9a-f]{16}", backup.token) and all(
            _real(backup.place(entry).parent) / Path(entry.place).name == backup.place(entry)
            and backup.place(entry).is_relative_to(root)
            and entry.mode in range(0o1000)
            and not backup.copy(i).is_symlink()
            for i, entry in enumerate(entries)
        )
    except (ValueError, TypeError, KeyError) as error:
        raise OSError(errno.EINVAL, f"the journal in `{directory}` can't be read") from error
    if not sound:
        raise OSError(errno.EINVAL, f"the journal in `{directory}` is not one of this repository")
    return backup


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """The backup directory, there and ours alone; gone again at the end where it keeps nothing. Raises OSError."""
    for folder in (directory.parent, directory):
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink():
            raise OSError(errno.ELOOP, f"`{folder}` is a symbolic link")
    if directory.parent.name == ".ms-migrate":
        ignore = directory.parent / ".gitignore"
        if not os.path.lexists(ignore):
            ignore.write_bytes(b"*\n")
    lock = directory / _LOCK
    with os.fdopen(os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600), "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = os.path.samestat(os.fstat(file.fileno()), lock.lstat())
        except (BlockingIOError, FileNotFoundError):
            ours = False
        if not ours:
            raise OSError(errno.EAGAIN, "another run is writing here")
        try:
            yield
        finally:
            if not _backups(directory):
                _remove_empty(directory)


def _remove_empty(directory: Path) -> None:
    """Take away the backup directory that keeps nothing; what someone else has put there stays."""
    (directory / _LOCK).unlink()
    try:
        directory.rmdir()
        if directory.parent.name == ".ms-migrate":
            (directory.parent / ".gitignore").unlink(missing_ok=True)
        directory.parent.rmdir()
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise


def _git_directory(work_tree: Path, owners: set[int]) -> Path | None:
    """The git directory of a work tree, also where `.git` is a file (worktree, submodule); git itself isn't run.

    One that belongs to someone else is passed over, as git does: what it keeps would be trusted when rolling back.
    """
    git = work_tree / ".git"
    try:
        if git.is_file():
            text = decode(git.read_bytes())
            if not text.startswith("gitdir: "):
                return None
            git = _real(work_tree / text.removeprefix("gitdir: ").rstrip("\r\n"))
        whole = (git / "HEAD").is_file() and ((git / "objects").is_dir() or (git / "commondir").is_file())
        return git if whole and git.stat().st_uid in owners else None
    except (OSError, ValueError):
        return None


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # unlike Path.resolve, it doesn't raise on a loop of symlinks


def _failed(what: str, error: OSError, *notes: str) -> Diagnostic:
    """The operating system's words for an error, and the file it names."""
    where = (f"while writing `{os.fsdecode(error.filename)}`",) if isinstance(error.filename, str | bytes) else ()
    reason = error.strerror or str(error)
    return Diagnostic(rule=rules.WRITE_FAILED, message=f"{what} could not be written: {reason}", notes=(*where, *notes))
