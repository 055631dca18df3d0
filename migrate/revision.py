"""What git knows of a repository: the commit that a name means, its files checked out elsewhere, and what is not committed.

By the git program, which knows every form of history. The repository itself is only read.
"""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_SECONDS = 600
# nothing of the user's is to be run: a clone's hooks and file-system monitors are commands
_GIT = ("git", "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")


class RevisionError(Exception):
    """There is no such state, or git can't say; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """`commit` of the repository whose top folder is `top`; what is asked for lies in `folder`, relative to that."""

    top: Path
    folder: Path
    commit: str


def find_revision(root: Path, name: str) -> Revision:
    """What `name` means in the repository that `root` is in. Raises RevisionError."""
    top = Path(_git(root, "rev-parse", "--show-toplevel"))
    # a name that begins with a dash is no option (gitrevisions(7))
    commit = _git(root, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    return Revision(top=top, folder=root.resolve().relative_to(top.resolve()), commit=commit)


def check_out(revision: Revision, folder: Path) -> Path:
    """The files of `revision` as they were committed, in a clone below `folder` that borrows the repository's objects; where what
    was asked for lies in it. Raises RevisionError."""
    clone = folder / revision.top.name
    origin = _asked(revision.top, "config", "--get", "remote.origin.url")
    _git(folder, "clone", "--quiet", "--shared", "--no-checkout", "--", str(revision.top), str(clone))
    if origin:
        _git(clone, "remote", "set-url", "origin", origin)
    _git(clone, "-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", revision.commit)
    root = clone / revision.folder
    if not root.is_dir():
        raise RevisionError(f"`{revision.folder}` was not there at {revision.commit[:12]}")
    return root


def uncommitted(root: Path, paths: Iterable[PurePosixPath]) -> tuple[PurePosixPath, ...]:
    """Those of `paths` (relative to `root`, through links) that differ from the last commit, or are in none though git does not
    ignore them. None where `root` is in no work tree. Raises RevisionError where git can't be asked."""
    if not any((folder / ".git").exists() for folder in (root.absolute(), *root.resolve().parents)):
        return ()
    return tuple(p for p in paths if any(_is_dirty(place) for place in {root / p, (root / p).resolve()}))


def _is_dirty(place: Path) -> bool:
    """Asked in the file's own folder, which may be in a submodule. The index is not refreshed: nothing is written."""
    words = ("--literal-pathspecs", "--no-optional-locks", "status", "--porcelain", "-z", "--untracked-files=all", "--")
    return place.parent.is_dir() and _asked(place.parent, *words, place.name) != ""


def _git(folder: Path, *words: str) -> str:
    done = _run(folder, words)
    if done.returncode:
        raise RevisionError(f"git: {(done.stderr.strip().splitlines() or ['failed'])[-1].removeprefix('fatal: ')}")
    return done.stdout.strip()


def _asked(folder: Path, *words: str) -> str:
    """What git says; "" where it has nothing to say."""
    return _run(folder, words).stdout.strip()


def _run(folder: Path, words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [*_GIT, "-C", str(folder), *words],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=_SECONDS,
        )
    except FileNotFoundError as error:
        raise RevisionError("git is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise RevisionError(f"git took over {_SECONDS} s") from error
