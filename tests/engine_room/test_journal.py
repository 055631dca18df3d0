"""What a run writes down before it makes anything: whole or not at all, and never taken for somebody else's."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from migrate.engine import journal
from migrate.engine.journal import Entry, JournalError

PREFIX = "ms-migrate-0123456789ab"


def entry(pid: int | None = None, **changes: Any) -> Entry:
    number = os.getpid() if pid is None else pid
    made = Entry(
        prefix=PREFIX,
        folder=f"/tmp/{PREFIX}",
        connection={"DOCKER_HOST": "unix:///here", "DOCKER_CONTEXT": None},
        engine="ABC",
        pid=number,
        started=journal.process_start(number),
        boot=journal.boot_id(),
        time=time.time(),
        there=("sha256:aa",),
    )
    return replace(made, **changes)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return journal.open_folder({"XDG_STATE_HOME": str(tmp_path / "state")})


def test_an_entry_is_read_as_it_was_written(kept: Path, tmp_path: Path) -> None:
    assert kept == tmp_path / "state/ms-migrate/runs"
    assert kept.stat().st_mode & 0o777 == 0o700
    journal.write(kept, entry())
    journal.write(kept, replace(entry(time=5.0), closed=True, made=("sha256:bb",)))
    (found,), corrupt = journal.read(kept)
    assert found == replace(entry(time=5.0), closed=True, made=("sha256:bb",))
    assert corrupt == ()
    journal.remove(kept, found)
    journal.remove(kept, found)
    assert journal.read(kept) == ((), ())
    assert list(kept.iterdir()) == []


def test_only_a_whole_entry_ever_stands_there(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that is ended in the middle leaves the entry as it was, and no `.new` for ever."""
    journal.write(kept, entry())

    def killed(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", killed)
        with pytest.raises(JournalError, match="No space left"):
            journal.write(kept, entry(closed=True))
    assert [e.closed for e in journal.read(kept)[0]] == [False]
    (new,) = kept.glob("*.new")
    journal.sweep(kept)
    assert new.exists()
    os.utime(new, (1, 1))
    journal.sweep(kept)
    assert not new.exists()


def child() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
def test_a_process_is_known_by_more_than_its_number() -> None:
    assert entry().alive
    assert not entry(started=1).alive
    assert not entry(boot="another").alive
    process = child()
    try:
        theirs = entry(pid=process.pid)
        assert theirs.alive
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not theirs.alive, "it waits to be asked for its exit code"
    finally:
        process.kill()
        process.wait()
    assert not theirs.alive


def test_without_proc_the_number_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    process = child()
    monkeypatch.setattr(journal, "_PROC", tmp_path)
    theirs = entry(pid=process.pid)
    assert (theirs.started, theirs.boot) == (None, None)
    assert theirs.alive
    process.kill()
    process.wait()
    assert not theirs.alive


SPOILT: dict[str, Callable[[dict[str, Any]], object]] = {
    "nothing": lambda _: "",
    "cut off": lambda e: json.dumps(e)[:40],
    "no entry": lambda _: "[]",
    "deep": lambda _: "[" * 100_000,
    "no text": lambda _: b"\xff\xfe\x00",
    "prefix of everything": lambda e: e | {"prefix": ""},
    "prefix of all runs": lambda e: e | {"prefix": "ms-migrate-"},
    "another's prefix": lambda e: e | {"prefix": "ms-migrate-ba9876543210"},
    "root": lambda e: e | {"folder": "/"},
    "home": lambda e: e | {"folder": str(Path.home())},
    "relative": lambda e: e | {"folder": PREFIX},
    "connection": lambda e: e | {"connection": "unix:///here"},
    "connection of numbers": lambda e: e | {"connection": {"DOCKER_HOST": 1}},
    "images": lambda e: e | {"there": "all"},
    "images of numbers": lambda e: e | {"made": [1]},
    "no number": lambda e: e | {"pid": "x"},
    "no time": lambda e: {k: v for k, v in e.items() if k != "time"},
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_no_entry_is_told_and_put_aside(name: str, kept: Path) -> None:
    journal.write(kept, entry())
    path = kept / f"{PREFIX}.json"
    spoilt = SPOILT[name](json.loads(path.read_text()))
    match spoilt:
        case bytes():
            path.write_bytes(spoilt)
        case str():
            path.write_text(spoilt)
        case _:
            path.write_text(json.dumps(spoilt))
    entries, (corrupt,) = journal.read(kept)
    assert entries == ()
    assert corrupt.path == path
    assert corrupt.reason
    assert "\n" not in corrupt.reason
    aside = journal.move_aside(corrupt)
    assert aside is not None
    assert aside.exists()
    assert journal.read(kept) == ((), ())


def test_where_the_first_place_cannot_be_made_the_second_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "file").touch()
    environment = {"XDG_STATE_HOME": str(tmp_path / "file")}
    kept = journal.open_folder(environment)
    assert kept == tmp_path / f"ms-migrate-runs-{os.getuid()}"
    assert kept.stat().st_mode & 0o777 == 0o700
    assert kept in journal.folders(environment)


@pytest.mark.parametrize("how", ["link", "open to all"])
def test_a_place_that_another_could_write_to_is_none(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry says what is removed: whoever can write one, removes with it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "file").touch()
    environment = {"XDG_STATE_HOME": str(tmp_path / "file")}
    second = journal.folders(environment)[1]
    (tmp_path / "theirs").mkdir()
    journal.write(tmp_path / "theirs", entry())
    if how == "link":
        second.symlink_to(tmp_path / "theirs")
    else:
        (tmp_path / "theirs").rename(second)
        second.chmod(0o777)
    with pytest.raises(JournalError, match="another user's, or others may write"):
        journal.open_folder(environment)
    assert journal.read(second) == ((), ())


def test_a_relative_state_folder_is_ignored(tmp_path: Path) -> None:
    """As the XDG base directory specification says."""
    first, _ = journal.folders({"XDG_STATE_HOME": "state", "HOME": str(tmp_path)})
    assert first == tmp_path / ".local/state/ms-migrate/runs"
