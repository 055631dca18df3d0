"""Applying: all changes or none, at whatever line the process dies.

Run as a program (`python test_apply.py FOLDER apply|undo`) this file is the killer of the kill tests: it forks, which a
test process with threads must not.
"""

import errno
import fcntl
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from types import FrameType
from typing import Any

import pytest

from migrate import apply as room
from migrate import rules
from migrate.apply import RefusedError, apply, backup_directory, recover, undo
from migrate.source import FileChange

Tree = dict[str, tuple[int, bytes]]

OLD: dict[str, tuple[int, bytes]] = {
    "Dockerfile": (0o640, b"FROM alpine\r\nCOPY app .\r\n"),
    "Dockerfile.build": (0o644, b"FROM golang\n"),
    "build.sh": (0o755, b"#!/bin/sh\ndocker build .\xff"),
    "docker/common": (0o600, b"common\n"),
}
CHANGES = (
    ("Dockerfile", b"FROM alpine\r\nCOPY app .\r\n", b"FROM golang AS builder\r\n"),
    ("Dockerfile.build", b"FROM golang\n", None),
    ("build.sh", b"#!/bin/sh\ndocker build .\xff", b"#!/bin/sh\n"),
    ("through", b"common\n", b"changed\n"),
    ("gone", b"common\n", None),
    ("docker/.dockerignore", None, b".git"),
)


def change(path: str, before: bytes | None, after: bytes | None) -> FileChange:
    return FileChange(path=PurePosixPath(path), before=before, after=after)


ALL = tuple(change(*each) for each in CHANGES)


def lay(root: Path, *, git: bool = True) -> Path:
    (root / "docker").mkdir(parents=True)
    for path, (mode, data) in OLD.items():
        (root / path).write_bytes(data)
        (root / path).chmod(mode)
    (root / "through").symlink_to("docker/common")
    (root / "gone").symlink_to("docker/common")
    if git:
        (root / ".git/objects").mkdir(parents=True)
        (root / ".git/HEAD").write_text("ref: refs/heads/main\n")
    return root


def tree(root: Path) -> Tree:
    """Type, mode and contents of all but the git directory."""
    found: Tree = {}
    for folder, folders, files in os.walk(root):
        if ".git" in folders:
            folders.remove(".git")
        for name in (*folders, *files):
            path = f"{folder}/{name}"
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                data = os.fsencode(Path(path).readlink())
            else:
                data = Path(path).read_bytes() if stat.S_ISREG(mode) else b""
            found[path.removeprefix(f"{root}/")] = (mode, data)
    return found


@pytest.fixture(params=[True, False], ids=["git", "no-git"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return lay(tmp_path / "repository", git=request.param)


@pytest.fixture
def old(root: Path) -> Tree:
    return tree(root)


def tracked(root: Path) -> Tree:
    """The tree without the backup."""
    return {name: entry for name, entry in tree(root).items() if not name.startswith(".ms-migrate")}


def new(old: Tree) -> Tree:
    """What `old` is once all changes are made."""
    made = {name: entry for name, entry in old.items() if name not in ("Dockerfile.build", "gone")}
    return made | {
        "Dockerfile": (stat.S_IFREG | 0o640, b"FROM golang AS builder\r\n"),
        "build.sh": (stat.S_IFREG | 0o755, b"#!/bin/sh\n"),
        "docker/common": (stat.S_IFREG | 0o600, b"changed\n"),
        "docker/.dockerignore": (stat.S_IFREG | 0o644, b".git"),
    }


def test_all_changes_are_made_and_undone(root: Path, old: Tree) -> None:
    assert apply(root, ALL) == ()
    assert tracked(root) == new(old)
    assert undo(root) == tuple(each.path for each in ALL)
    assert tree(root) == old
    assert undo(root) == ()


def test_no_umask_reaches_a_new_file(root: Path) -> None:
    before = os.umask(0o077)
    try:
        assert apply(root, ALL) == ()
    finally:
        os.umask(before)
    assert stat.S_IMODE((root / "docker/.dockerignore").stat().st_mode) == 0o644


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_is_kept(root: Path) -> None:
    os.chown(root / "Dockerfile", 1234, 4321)
    assert apply(root, ALL) == ()
    status = (root / "Dockerfile").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 4321, 0o640)
    undo(root)
    status = (root / "Dockerfile").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 4321, 0o640)


def test_undo_goes_back_one_migration_at_a_time(root: Path, old: Tree) -> None:
    assert apply(root, ALL) == ()
    assert apply(root, (change("Dockerfile", b"FROM golang AS builder\r\n", b"FROM scratch"),)) == ()
    assert undo(root) == (PurePosixPath("Dockerfile"),)
    assert tracked(root) == new(old)
    undo(root)
    assert tree(root) == old


@pytest.mark.parametrize(
    "changes",
    [(), (change("Dockerfile", OLD["Dockerfile"][1], OLD["Dockerfile"][1]),), (change("none", None, None),)],
    ids=["none", "same contents", "stays away"],
)
def test_nothing_to_change_leaves_no_backup(root: Path, old: Tree, changes: tuple[FileChange, ...]) -> None:
    assert apply(root, changes) == ()
    assert tree(root) == old
    assert not backup_directory(root).exists()


def outside(root: Path) -> None:
    (root / "out").symlink_to(root.parent)
    (root.parent / "secret").write_text("secret")
    (root / "out-file").symlink_to("../secret")


def loop(root: Path) -> None:
    (root / "loop").symlink_to("loop")


REFUSED: tuple[tuple[str, Callable[[Path], object] | None, FileChange, str, str], ...] = (
    ("edited", lambda r: (r / "new").write_text("b"), change("new", b"a", b"c"), "MS601", "`new` changed since"),
    ("gone", None, change("new", b"a", b"c"), "MS601", "`new` is gone since"),
    ("appeared", lambda r: (r / "new").write_text("b"), change("new", None, b"c"), "MS601", "`new` appeared since"),
    ("no directory", None, change("no/new", None, b""), "MS602", "its directory does not exist"),
    ("file as directory", None, change("build.sh/new", None, b""), "MS602", "its directory does not exist"),
    ("a directory", None, change("docker", b"", b"c"), "MS602", "not a regular file"),
    ("a pipe", lambda r: os.mkfifo(r / "pipe"), change("pipe", b"", b"c"), "MS602", "not a regular file"),
    ("dot-dot", None, change("../new", None, b""), "MS602", "leads out of the repository"),
    ("absolute", None, change("/new", None, b""), "MS602", "leads out of the repository"),
    ("linked directory out", outside, change("out/secret", b"secret", b""), "MS602", "leads out of the repository"),
    ("linked file out", outside, change("out-file", b"secret", b""), "MS602", "leads out of the repository"),
    ("removed link out", outside, change("out-file", b"secret", None), "MS602", "leads out of the repository"),
    ("loop", loop, change("loop", b"", b"c"), "MS602", "Too many levels of symbolic links"),
    (
        "twice one file",
        None,
        change("docker/common", b"common\n", b"c"),
        "MS602",
        "another change writes the same file",
    ),
)


@pytest.mark.parametrize(
    ("prepare", "bad", "code", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_one_bad_change_refuses_all(
    root: Path, prepare: Callable[[Path], object] | None, bad: FileChange, code: str, words: str
) -> None:
    if prepare is not None:
        prepare(root)
    names = sorted(root.rglob("*"))
    diagnostics = apply(root, (*ALL, bad))
    assert [d.rule.code for d in diagnostics] == [code]
    assert words in diagnostics[0].message
    assert sorted(root.rglob("*")) == names
    assert (root / "Dockerfile").read_bytes() == OLD["Dockerfile"][1]


@pytest.mark.parametrize("name", ["build.sh", "Dockerfile.build"])
def test_a_read_only_file_stays(tmp_path: Path, name: str) -> None:
    """To be replaced or removed; a rename over it would succeed. Root has to go without what lets it write everything."""
    root = lay(tmp_path / "root", git=False)
    (root / name).chmod(0o444)
    old = tree(root)
    bound = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    if bound and shutil.which("setpriv") is None:
        pytest.skip("needs setpriv")
    command = [*bound, sys.executable, __file__, str(root), "read-only"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == f"MS602 `{name}` could not be written: the file is read-only\n"
    assert tree(root) == old


def failing(monkeypatch: pytest.MonkeyPatch, step: str, number: int, error: BaseException) -> list[int]:
    """Let the `number`-th call of os.`step` raise; the list holds the calls so far."""
    calls = [0]
    real = getattr(os, step)

    def call(*arguments: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == number:
            raise error
        return real(*arguments, **options)

    monkeypatch.setattr(os, step, call)
    return calls


@pytest.mark.parametrize("step", ["fsync", "replace", "rename", "unlink", "fchmod"])
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EROFS, "Read-only file system"),
        KeyboardInterrupt(),
    ],
    ids=["disk full", "read-only", "interrupt"],
)
def test_an_error_at_any_call_restores_the_old_state(tmp_path: Path, step: str, error: BaseException) -> None:
    for number in range(1, 100):
        root = lay(tmp_path / f"{step}{number}")
        old = tree(root)
        with pytest.MonkeyPatch.context() as monkeypatch:
            calls = failing(monkeypatch, step, number, error)
            if isinstance(error, OSError):
                diagnostics = apply(root, ALL)
                assert all(d.rule is rules.WRITE_FAILED and str(error.strerror) in d.message for d in diagnostics)
            else:
                try:
                    diagnostics = apply(root, ALL)
                except KeyboardInterrupt:
                    diagnostics = None
        if calls[0] < number:
            assert tree(root) == new(old)
            assert number > 1, f"os.{step} was never called"
            return
        committed = (backup_directory(root) / "000001/finished.json").exists()
        assert tree(root) == (new(old) if committed else old)
        assert diagnostics != () or committed
        assert committed or not backup_directory(root).exists()
    pytest.fail("apply never ended")


def test_a_failed_rollback_is_said_and_made_up_for(root: Path, old: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    full = OSError(errno.EIO, "Input/output error")
    with monkeypatch.context() as patch:
        calls = [0]
        real = os.replace

        def replace(*arguments: Any) -> None:
            calls[0] += 1
            if calls[0] > 2:
                raise full
            real(*arguments)

        patch.setattr(os, "replace", replace)
        diagnostics = apply(root, ALL)
    assert [d.rule.code for d in diagnostics] == ["MS602", "MS602"]
    assert str(backup_directory(root)) in diagnostics[1].notes[-1]
    assert tracked(root) != old
    assert recover(root) == ()
    assert tree(root) == old


def test_recovery_spares_what_someone_edited_since(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(room, "_roll_back_now", lambda _root, _directory: ())
        failing(patch, "rename", 2, OSError(errno.EIO, "Input/output error"))
        apply(root, ALL)
    (root / "Dockerfile").write_text("mine")
    for refuse in (recover, lambda r: apply(r, ALL)):
        (diagnostic,) = refuse(root)
        assert diagnostic.rule is rules.FILE_CHANGED
        assert "`Dockerfile`" in diagnostic.message
    assert (root / "Dockerfile").read_text() == "mine"


def become_link(root: Path) -> None:
    (root / "Dockerfile").rename(root / "x")
    (root / "Dockerfile").symlink_to("x")


EDITS: tuple[tuple[str, Callable[[Path], object]], ...] = (
    ("edited", lambda r: (r / "Dockerfile").write_text("mine")),
    ("removed", lambda r: (r / "build.sh").unlink()),
    ("created again", lambda r: (r / "Dockerfile.build").write_text("mine")),
    ("link created again", lambda r: (r / "gone").symlink_to("nowhere")),
    ("became a link", become_link),
)


@pytest.mark.parametrize("edit", [edit for _, edit in EDITS], ids=[name for name, _ in EDITS])
def test_undo_spares_what_someone_edited_since(root: Path, edit: Callable[[Path], object]) -> None:
    apply(root, ALL)
    edit(root)
    edited = tree(root)
    with pytest.raises(RefusedError, match="changed since the migration wrote it") as refusal:
        undo(root)
    assert [d.rule for d in refusal.value.diagnostics] == [rules.FILE_CHANGED]
    assert tree(root) == edited


def test_undo_on_a_full_disk_leaves_the_new_state(root: Path, old: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(root, ALL)
    with monkeypatch.context() as patch:
        failing(patch, "fsync", 3, OSError(errno.ENOSPC, "No space left on device"))
        with pytest.raises(RefusedError, match="No space left on device"):
            undo(root)
    assert tracked(root) == new(old)
    undo(root)
    assert tree(root) == old


def test_a_second_run_waits_for_no_one(root: Path, old: Tree) -> None:
    apply(root, ALL)
    with (backup_directory(root) / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (diagnostic,) = apply(root, (change("Dockerfile", b"FROM golang AS builder\r\n", b""),))
        assert "another run is writing here" in diagnostic.message
    assert tracked(root) == new(old)


FORGED: tuple[tuple[str, dict[str, object], str], ...] = (
    ("out of the root", {"place": "../secret"}, "MS602"),
    ("absolute", {"place": "/secret"}, "MS602"),
    ("through a link", {"place": "out/secret"}, "MS602"),
    ("set-user-id", {"mode": 0o4755}, "MS602"),
    ("unknown field", {"more": 1}, "MS602"),
    ("another type", {"mode": "0644"}, "MS602"),
)


@pytest.mark.parametrize(("forged", "code"), [case[1:] for case in FORGED], ids=[case[0] for case in FORGED])
def test_a_forged_journal_writes_nothing(tmp_path: Path, forged: dict[str, object], code: str) -> None:
    root = lay(tmp_path / "repository", git=False)
    outside(root)
    folder = backup_directory(root) / "000001"
    folder.mkdir(parents=True)
    entry = {
        "path": "x", "place": "x", "existed": True, "link": None, "mode": 0o644, "uid": 0, "gid": 0, "after": None
    }  # fmt: skip
    (folder / "journal.json").write_text(json.dumps({"token": "0" * 16, "entries": [entry | forged]}))
    (folder / "0").write_text("forged")
    laid = tree(root)
    (diagnostic,) = recover(root)
    assert diagnostic.rule.code == code
    assert {
        name: entry for name, entry in tree(root).items() if "lock" not in name and ".gitignore" not in name
    } == laid
    assert (root.parent / "secret").read_text() == "secret"


@pytest.mark.parametrize("linked", [".ms-migrate", ".ms-migrate/backup"])
def test_a_linked_backup_directory_is_not_used(tmp_path: Path, linked: str) -> None:
    root = lay(tmp_path / "repository", git=False)
    (tmp_path / "elsewhere").mkdir()
    (root / linked).parent.mkdir(exist_ok=True)
    (root / linked).symlink_to(tmp_path / "elsewhere")
    (diagnostic,) = apply(root, ALL)
    assert "is a symbolic link" in diagnostic.message
    assert (root / "Dockerfile").read_bytes() == OLD["Dockerfile"][1]
    assert [path.name for path in (tmp_path / "elsewhere").rglob("*") if path.is_file()] == []


def git(*arguments: str, cwd: Path) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"]
    return subprocess.run([*command, *arguments], cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("kind", ["top", "subfolder", "worktree", "submodule"])
def test_git_says_where_the_backup_stands(tmp_path: Path, kind: str) -> None:
    main = tmp_path / "main"
    git("init", "-q", str(main), cwd=tmp_path)
    (main / "sub").mkdir()
    (main / "sub/file").write_text("a")
    git("add", ".", cwd=main)
    git("commit", "-qm", "one", cwd=main)
    git("worktree", "add", "-q", "../tree", cwd=main)
    git("init", "-q", "outer", cwd=tmp_path)
    git("submodule", "--quiet", "add", str(main), "module", cwd=tmp_path / "outer")
    root = {
        "top": main,
        "subfolder": main / "sub",
        "worktree": tmp_path / "tree",
        "submodule": tmp_path / "outer/module",
    }[kind]
    file = "file" if kind == "subfolder" else "sub/file"
    assert apply(root, (change(file, b"a", b"b"),)) == ()
    said = Path(git("rev-parse", "--absolute-git-dir", cwd=root))
    assert backup_directory(root).parent == said / "ms-migrate"
    assert git("status", "--porcelain", cwd=root) == f"M {file if kind != 'subfolder' else 'sub/file'}"
    undo(root)
    assert git("status", "--porcelain", cwd=root) == ""
    assert not (said / "ms-migrate").exists()


def test_git_ignores_the_backup_of_a_folder_that_joins_it_later(tmp_path: Path) -> None:
    root = lay(tmp_path / "repository", git=False)
    apply(root, ALL)
    git("init", "-q", cwd=root)
    assert ".ms-migrate" not in git("status", "--porcelain", "-uall", cwd=root)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_git_directory_of_someone_else_is_passed_over(tmp_path: Path) -> None:
    root = lay(tmp_path / "repository")
    os.chown(root / ".git", 1234, 1234)
    assert backup_directory(root) == root / ".ms-migrate/backup"


# Kills


def run_killer(folder: Path, action: str) -> list[str]:
    command = [sys.executable, __file__, str(folder), action]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout.splitlines()


@pytest.mark.parametrize("action", ["apply", "undo"])
def test_a_kill_at_any_line_leaves_the_old_state_or_the_new(tmp_path: Path, action: str) -> None:
    """Every line that `apply` and `undo` run is a moment to die at; so is, for each third, a line of the recovery."""
    lines = run_killer(tmp_path, action)
    assert len(lines) >= 200
    assert [line for line in lines if not line.endswith(("old", "new"))] == []
    assert {line.rsplit(maxsplit=1)[1] for line in lines} == {"old", "new"}


def die_at(number: int, action: Callable[[], object]) -> bool:
    """Fork; the child does `action` and kills itself before the `number`-th line of the room, or
    of the removal of a backup. True where it died."""
    child = os.fork()
    if child == 0:
        left = number

        def trace(frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal left
            code = frame.f_code
            if code.co_filename != room.__file__ and "rmtree" not in code.co_name:
                return None
            if event == "line":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        action()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def whole(root: Path, old: Tree) -> bool:
    """No file is anything but its old self or its new one, even before recovery."""
    return all(
        entry in (old.get(name), new(old).get(name)) or ".ms-migrate-" in name for name, entry in tree(root).items()
    )


def kill_everywhere(folder: Path, action: str) -> Iterator[str]:
    chance = random.Random(1)  # noqa: S311
    for number in range(1, 100_000):
        root = lay(folder / f"{number}")
        old = tree(root)
        if action == "undo":
            apply(root, ALL)
        died = die_at(number, lambda root=root: apply(root, ALL) if action == "apply" else undo(root))  # type: ignore[misc]
        sound = whole(root, old)
        again = number % 3 == 0 and die_at(chance.randrange(1, 300), lambda root=root: recover(root))  # type: ignore[misc]
        sound = sound and whole(root, old)
        diagnostics = recover(root)
        state = "old" if tree(root) == old else "new" if tree(root) == new(old) else "between"
        if diagnostics or not sound:
            state = f"broken: {diagnostics} {sorted(tree(root))}"
        yield f"{number} {'recovery killed too' if again else ''} {state}"
        if not died:
            return


if __name__ == "__main__":
    os.fsync = lambda fd: None  # noqa: ARG005  a kill loses nothing that was written, and the disk is what takes the time
    if sys.argv[2] == "read-only":
        for diagnostic in apply(Path(sys.argv[1]), ALL):
            print(diagnostic.rule.code, diagnostic.message)
        sys.exit()
    for line in kill_everywhere(Path(sys.argv[1]), sys.argv[2]):
        print(line)
