"""What is written, over all samples: the diff is what git takes, twice is once, undo gives every byte back, shells read the scripts.

Run as a program (`python test_written.py FOLDER COUNT`) this file kills a migration COUNT times, each at a random moment: it forks,
which a test process with threads must not.
"""

import itertools
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate.outcome import MigrationOutcome, Status, exit_code
from migrate.pipeline.run import Mode, Request, migrate, undo_migration
from migrate.report.diff import unified_diff
from tests.pipeline.legacy import SCRIPT, lay
from tests.trios import FOLDER, NAMES

KILLS = 400 if "MS_FUZZ" in os.environ else 60
Tree = dict[str, tuple[int, bytes]]


def migrated(root: Path, mode: Mode = Mode.WRITE) -> MigrationOutcome:
    return migrate(Request(root=root, mode=mode, verify=False), lambda _side, _line: None)


def tree(root: Path) -> Tree:
    """Type, mode and contents of all but git's folder, the backup, and folders that hold nothing, of which git knows nothing."""
    found: Tree = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in (".git", ".ms-migrate")]
        for name in (*folders, *names):
            path = Path(folder, name)
            mode = path.lstat().st_mode
            data = os.fsencode(path.readlink()) if stat.S_ISLNK(mode) else path.read_bytes() if path.is_file() else b""
            found[str(path.relative_to(root))] = (mode, data)
    return {n: e for n, e in found.items() if not stat.S_ISDIR(e[0]) or any(m.startswith(f"{n}/") for m in found)}


def executable(found: Tree) -> dict[str, tuple[bool, bytes]]:
    """All that git knows of a mode."""
    return {name: (bool(mode & 0o100), data) for name, (mode, data) in found.items()}


def repository(root: Path) -> Path:
    """The tree as git's first commit."""
    for words in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-qm", "legacy"]):
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "core.autocrlf=false", *words]
        subprocess.run(command, cwd=root, check=True, capture_output=True)
    return root


def strange(root: Path) -> None:
    """Line ends of Windows, no last line end, bytes that are no UTF-8, a mode and an owner of its own, a link beside."""
    lay(root)
    (root / "Dockerfile.build").write_bytes(
        b"# caf\xe9\r\nFROM gcc:12\r\nWORKDIR /src\r\nCOPY main.c .\r\nRUN cc -static -o app main.c"
    )
    (root / "build.sh").write_bytes(SCRIPT.rstrip("\n").replace("docker rm extract", "\tdocker rm extract").encode())
    (root / "build.sh").chmod(0o750)
    (root / "Dockerfile").chmod(0o600)
    (root / "my build.sh").symlink_to("build.sh")


def laid(name: str, root: Path) -> Path:
    if name == "strange":
        root.mkdir()
        strange(root)
    else:
        shutil.copytree(FOLDER / name / "legacy", root, symlinks=True)
    return repository(root)


@pytest.mark.parametrize("name", [*NAMES, "strange"])
def test_a_migration_is_a_commit(name: str, tmp_path: Path) -> None:
    root = laid(name, tmp_path / "tree")
    old = tree(root)
    planned = migrated(root, Mode.DRY_RUN)
    assert tree(root) == old
    if {b.status for b in planned.builds} == {Status.REFUSED}:
        pytest.skip("needs an engine")
    other = laid(name, tmp_path / "other")
    diff = b"".join(unified_diff(b.changes) for b in planned.builds)
    for words in (["--check"], ["--index"]):
        subprocess.run(["git", "apply", *words, "-"], input=diff, cwd=other, check=True, capture_output=True)
    outcome = migrated(root)
    assert {b.status for b in outcome.builds} == {Status.WRITTEN}
    new = tree(root)
    assert executable(tree(other)) == executable(new)
    for path, (mode, data) in new.items():
        first = data.partition(b"\n")[0]
        if path.endswith(".sh") and stat.S_ISREG(mode):
            shell = "bash" if b"bash" in first else "sh"
            subprocess.run([shell, "-n"], input=data, check=True)
            assert mode == old[path][0]
    again = migrated(other)
    assert (again.builds, exit_code(again, check=False)) == ((), 0)
    assert executable(tree(other)) == executable(new)
    assert undo_migration(root).diagnostics == ()
    assert tree(root) == old
    status = subprocess.run(["git", "status", "--porcelain"], cwd=root, check=True, capture_output=True, text=True)
    assert status.stdout == ""


@pytest.mark.parametrize("name", [*NAMES, "strange"])
def test_the_authors_lines_are_all_there(name: str, tmp_path: Path) -> None:
    """Every comment and instruction of each Dockerfile stands in one that is written, in order, but for what a migration edits;
    between stages there is a blank line, and no other is new."""
    root = laid(name, tmp_path / "tree")
    changes = [c for b in migrated(root).builds for c in b.changes if "dockerfile" in c.path.name.lower()]
    written = [lines(c.after) for c in changes if c.after is not None and c.path.suffix != ".dockerignore"]
    for change in changes:
        # what stands behind a `--target` is no part of the image
        mine = list(itertools.takewhile(lambda line: line != "FROM compile AS release", lines(change.before)))
        kept = [m for m in mine if m.strip() and not EDITED.match(m)]
        assert any(is_within(kept, each) for each in written), (change.path, kept)
    for each in written:
        assert all((each[0], each[-1]))
        double = any(not one.strip() and not two.strip() for one, two in itertools.pairwise(each))
        assert not double or any("\n\n\n" in (c.before or b"").decode("latin-1") for c in changes)


def written_to(root: Path, output: Path) -> list[str]:
    """What is said of a migration that is written to a folder of its own."""
    outcome = migrate(Request(root=root, output=output, verify=False), lambda _side, _line: None)
    return [d.message for b in outcome.builds for d in b.diagnostics if d.rule.code == "MS602"]


def test_the_backup_of_a_tree_is_not_what_is_written_elsewhere(tmp_path: Path) -> None:
    root = lay(tmp_path / "tree")
    (root / ".ms-migrate/backup").mkdir(parents=True)
    assert written_to(root, tmp_path / "out") == []
    assert not (tmp_path / "out/.ms-migrate").exists()


def test_a_tree_that_cannot_be_copied_is_one_reason(tmp_path: Path) -> None:
    root = lay(tmp_path / "tree")
    os.mkfifo(root / "pipe")
    (said,) = written_to(root, tmp_path / "out")
    assert said == f"`{tmp_path / 'out'}` could not be written: `{root / 'pipe'}` is a named pipe"
    assert not (tmp_path / "out").exists()


EDITED = re.compile(r"(?i)\s*(?:FROM|COPY|ADD|ARG|#\s*(?:syntax|escape|check)\s*=)")


def lines(data: bytes | None) -> list[str]:
    return (data or b"").decode("latin-1").splitlines()


def is_within(wanted: list[str], found: list[str]) -> bool:
    rest = iter(found)
    return all(w in rest for w in wanted)


def test_a_kill_at_any_moment_leaves_the_old_state_or_the_new(tmp_path: Path) -> None:
    """From the first line that is read to the last file that is written; the next run finds one or the other."""
    command = [sys.executable, __file__, str(tmp_path), str(KILLS)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=500, env=environment)
    found = done.stdout.split()
    assert len(found) == KILLS
    assert set(found) == {"old", "new"}, found
    assert found.count("old") > KILLS / 10


def killed(folder: Path, count: int) -> Iterator[str]:
    chance = random.Random(3)  # noqa: S311
    lay(folder / "model")
    old = tree(folder / "model")
    begin = time.monotonic()
    migrated(folder / "model")
    new, span = tree(folder / "model"), time.monotonic() - begin
    latest: list[str] = []
    for number in range(count):
        # a busy machine takes longer than the one run that was measured: both states have to come up
        if len(latest) == 5:
            span *= {frozenset({"old"}): 1.5, frozenset({"new"}): 0.7}.get(frozenset(latest), 1)
            latest = []
        root = lay(folder / str(number))
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            migrated(root)
            os._exit(0)
        time.sleep(chance.uniform(0, 1.2 * span))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        migrated(root, Mode.CHECK)
        state = tree(root)
        latest.append("old" if state == old else "new" if state == new else f"between:{sorted(state)}")
        yield latest[-1]
        shutil.rmtree(root)


if __name__ == "__main__":
    migrated(lay(Path(sys.argv[1]) / "warm"))  # all is imported
    for each in killed(Path(sys.argv[1]), int(sys.argv[2])):
        print(each)
