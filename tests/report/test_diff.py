"""The diff, judged by git: applied to the old files it gives the new ones, byte for byte."""

import os
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate.report.diff import unified_diff
from migrate.source import FileChange

Change = tuple[bytes, bytes | None, bytes | None]

LONG = b"".join(b"%d\n" % i for i in range(50))

CASES: tuple[tuple[str, tuple[Change, ...]], ...] = (
    ("changed", ((b"Dockerfile", b"FROM a\nCOPY b .\n", b"FROM a\nCOPY --from=builder b .\n"),)),
    ("new", ((b"new", None, b"a\nb\n"),)),
    ("removed", ((b"old", b"a\nb\n", None),)),
    ("one line new and removed", ((b"new", None, b"a"), (b"old", b"a\n", None))),
    ("empty comes and goes", ((b"new", None, b""), (b"old", b"", None))),
    ("filled and emptied", ((b"filled", b"", b"a\n"), (b"emptied", b"a", b""))),
    ("last line end lost", ((b"f", b"a\nb\n", b"a\nb"),)),
    ("last line end gained", ((b"f", b"a\nb", b"a\nb\n"),)),
    ("no last line end, before and after", ((b"f", b"a\nb", b"c\nb"), (b"g", b"a\nb", b"a\nc"))),
    ("CRLF", ((b"f", b"a\r\nb\r\nc\r\n", b"a\r\nx\r\nc\r\n"),)),
    ("CRLF to LF", ((b"f", b"a\r\nb\r\n", b"a\nb\n"),)),
    ("lone CR and form feed", ((b"f", b"a\rb\x0cc\n\x85d\n", b"a\rx\x0cc\n\x85d\n"),)),
    ("not UTF-8", ((b"f", b"\xff\xfe\n", b"\xfe\xff\n"),)),
    ("NUL", ((b"f", b"\x00a\n\x00b\n", b"\x00a\n\x00c"),)),
    ("no line ends at all", ((b"f", bytes(range(11, 256)), bytes(range(255, 10, -1))),)),
    ("far apart", ((b"f", LONG, LONG.replace(b"3\n", b"x\n").replace(b"40\n", b"")),)),
    ("first and last line", ((b"f", LONG, b"x\n" + LONG[2:] + b"y\n"),)),
    ("lines that look like headers", ((b"f", b"-- a/x\n++ b/x\n", b"@@ -1 +1 @@\ndiff --git a/x b/x\n"),)),
    ("in a folder", ((b"a/b/Dockerfile", b"a\n", b"b\n"), (b"c/new", None, b"a\n"), (b"d/old", b"a\n", None))),
    ("spaces in names", ((b"a b c", b"a\n", b"b\n"), (b"new one", None, b"a\n"), (b"old one", b"a\n", None))),
    ("odd names", ((b'q"uote', b"a\n", b"b\n"), (b"back\\slash", None, b""), (b"tab\tname\n2", b"a\n", None))),
    ("name not ASCII", (("näme".encode(), b"a\n", b"b\n"), (b"la\xe9tin", None, b"a\n"))),
)


def changes(given: tuple[Change, ...]) -> tuple[FileChange, ...]:
    return tuple(FileChange(path=PurePosixPath(os.fsdecode(n)), before=b, after=a) for n, b, a in given)


def git_apply(folder: Path, given: tuple[Change, ...]) -> str:
    """Lay the old files, apply the diff for real, compare all files with the new ones; git's words on the way."""
    subprocess.run(["git", "init", "-q", folder], check=True)
    for name, before, _ in given:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if before is not None:
            path.write_bytes(before)
    diff = unified_diff(changes(given))
    words = ""
    for option in ("--check", "--verbose"):
        command = ["git", "apply", "--whitespace=nowarn", option, "-"]
        done = subprocess.run(command, cwd=folder, input=diff, capture_output=True, check=False)
        assert done.returncode == 0, (done.stderr, diff)
        words += done.stderr.decode(errors="replace")
    made = {
        os.fsencode(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }
    assert made == {name: after for name, _, after in given if after is not None}
    return words


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_git_applies_it(tmp_path: Path, case: tuple[Change, ...]) -> None:
    git_apply(tmp_path / "repository", case)


@settings(max_examples=60, deadline=None)
@given(
    before=st.lists(st.sampled_from([b"a\n", b"b\n", b"\n", b"c\r\n"])).map(b"".join),
    after=st.lists(st.sampled_from([b"a\n", b"b\n", b"\n", b"d"])).map(b"".join),
)
def test_git_applies_any(tmp_path_factory: pytest.TempPathFactory, before: bytes, after: bytes) -> None:
    if before != after:
        git_apply(tmp_path_factory.mktemp("any") / "repository", ((b"f", before, after),))


def test_only_a_warning_where_a_removed_file_was_executable(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"a\n")
    (tmp_path / "old").chmod(0o755)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    diff = unified_diff(changes(((b"old", b"a\n", None),)))
    done = subprocess.run(["git", "apply"], cwd=tmp_path, input=diff, capture_output=True, check=True)
    assert b"warning" in done.stderr
    assert not (tmp_path / "old").exists()


def test_the_text() -> None:
    given: tuple[Change, ...] = (
        (b"Dockerfile", b"FROM alpine\nCOPY app /\nCMD app", b"FROM golang\nFROM alpine\nCOPY app /\nCMD app\n"),
        (b"Dockerfile.build", b"FROM golang\n", None),
        (b"same", b"a", b"a"),
    )
    assert unified_diff(changes(given)).decode() == (
        "diff --git a/Dockerfile b/Dockerfile\n"
        "--- a/Dockerfile\n"
        "+++ b/Dockerfile\n"
        "@@ -1,3 +1,4 @@\n"
        "+FROM golang\n"
        " FROM alpine\n"
        " COPY app /\n"
        "-CMD app\n"
        "\\ No newline at end of file\n"
        "+CMD app\n"
        "diff --git a/Dockerfile.build b/Dockerfile.build\n"
        "deleted file mode 100644\n"
        "--- a/Dockerfile.build\n"
        "+++ /dev/null\n"
        "@@ -1 +0,0 @@\n"
        "-FROM golang\n"
    )
    assert unified_diff(()) == b""
