"""What in a scratch copy reaches past it: links that lead out, git folders kept elsewhere, and words that get by the stand-in."""

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from migrate.engine.isolation import CLIENTS

_LARGEST_TEXT = 1 << 20
_PAST = re.compile(
    rb"(?:/usr(?:/local)?/s?bin|/s?bin|/snap/bin|/opt/homebrew/bin)/(?:%s)\b|(?:docker|podman|containerd|buildkitd|crio)\.sock\b"
    % "|".join(CLIENTS).encode()
)
# text that nothing runs
_READ_BY_PEOPLE = (".md", ".rst", ".adoc")
_POINTERS = ("commondir", "gitdir", "locked")
_OLD_PLACE = re.compile(r"\s*(?:worktree|bare)\s*=", re.IGNORECASE)


def links_out(tree: Path) -> Iterator[tuple[Path, Path]]:
    """Each link in `tree` that leads out of it to something that is there, with what it leads to. None is followed."""
    root = os.path.realpath(tree)
    for link in _entries(root, stat.S_ISLNK):
        target = os.path.realpath(link)
        if target != root and not target.startswith(root + os.sep) and os.path.exists(target):  # noqa: PTH110 -- strings
            yield Path(link), Path(target)


def finds_past(tree: Path) -> str | None:
    """What in `tree` would reach an engine, or write somewhere else, without the stand-in: the first find, with its place."""
    root = os.path.realpath(tree)
    for link, target in links_out(tree):
        return f"{link.relative_to(root)} is a link to `{target}`, out of the repository"
    for name in sorted(_entries(root, stat.S_ISREG)):
        path = Path(name)
        if path.is_relative_to(Path(root, ".git")) or path.suffix.lower() in _READ_BY_PEOPLE:
            continue
        if path.stat().st_size > _LARGEST_TEXT:
            continue
        content = path.read_bytes()
        found = _PAST.search(content) if b"\0" not in content else None
        if found is not None:
            line = content.count(b"\n", 0, found.start()) + 1
            return (
                f"{path.relative_to(root)}:{line} names `{found[0].decode()}`, which gets past the stand-in for docker"
            )
    return None


def embed_git(source: Path, tree: Path) -> None:
    """Where `.git` of the copy is a file that names a folder elsewhere (a worktree's, a submodule's), make it a folder that
    says the same: objects are read from where they are, everything else is the copy's own. So are those that a clone borrows."""
    note = tree / ".git"
    borrowed = note / "objects/info/alternates"
    if not note.is_symlink() and borrowed.is_file():
        lines = borrowed.read_text(errors="surrogateescape").splitlines()
        borrowed.write_text(
            "".join(f"{(source / '.git/objects' / line).resolve()}\n" for line in lines), errors="surrogateescape"
        )
    if note.is_symlink() or not note.is_file():
        return
    named = note.read_text(errors="surrogateescape").strip().removeprefix("gitdir:").strip()
    own = Path(source, named).resolve()
    if not own.is_dir():
        return
    shared = own
    if (own / "commondir").is_file():
        shared = Path(own, (own / "commondir").read_text().strip()).resolve()
    note.unlink()
    shutil.copytree(
        shared,
        note,
        symlinks=True,
        ignore=lambda at, _: ("objects", "worktrees", "modules") if at == str(shared) else (),
    )
    if own != shared:
        shutil.copytree(
            own, note, symlinks=True, dirs_exist_ok=True, ignore=lambda at, _: _POINTERS if at == str(own) else ()
        )
    (note / "objects/info").mkdir(parents=True)
    (note / "objects/info/alternates").write_text(f"{shared}/objects\n", errors="surrogateescape")
    config = note / "config"
    if config.is_file():
        # where the working tree is, and whether there is one, was said for the old place
        lines = config.read_text(errors="surrogateescape").splitlines(keepends=True)
        kept = [line for line in lines if not _OLD_PLACE.match(line)]
        config.write_text("".join(kept), errors="surrogateescape")


def repository_above(root: Path) -> Path | None:
    """The top of the git repository that `root` is a folder of, as git looks for it; None where it is the top, or in none."""
    root = root.resolve()
    found = next((p for p in (root, *root.parents) if os.path.lexists(p / ".git")), None)
    return None if found == root else found


def embed_git_above(source: Path, top: Path, tree: Path) -> None:
    """Give the copy `tree` of a folder of the repository `source` that one's history, at the copy's `top`. Files of the
    repository beside the folder are not there, and git is told not to look for them (git-update-index, skip-worktree): the copy
    is as clean as the folder is."""
    note = source / ".git"
    (top / ".git").write_text(f"gitdir: {note}\n" if note.is_dir() else note.read_text(errors="surrogateescape"))
    embed_git(source, top)
    if shutil.which("git") is None:
        return  # nor can the script ask
    git = ["git", "-c", "safe.directory=*", "-C", str(top)]
    listed = subprocess.run([*git, "ls-files", "-z"], check=False, capture_output=True).stdout
    folder = os.fsencode(tree.relative_to(top)) + b"/"
    beside = [name for name in listed.split(b"\0") if name and not name.startswith(folder)]
    told = [*git, "update-index", "-z", "--skip-worktree", "--stdin"]
    subprocess.run(told, check=False, capture_output=True, input=b"".join(name + b"\0" for name in beside))


def _entries(folder: str, kind: Callable[[int], bool]) -> Iterator[str]:
    """Every entry of one kind below `folder`; folders behind links are not entered, nor those that may not be read."""
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except PermissionError:
        return
    for entry in entries:
        if kind(entry.stat(follow_symlinks=False).st_mode):
            yield entry.path
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(entry.path, kind)
