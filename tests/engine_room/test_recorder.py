"""Notes that several processes write, and a kill may cut off."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from migrate.engine import recorder

WRITER = """
import sys
from pathlib import Path
from migrate.engine import recorder
for number in range(200):
    recorder.append(Path(sys.argv[1]), {"who": sys.argv[2], "number": number, "long": "x" * 5000})
"""


def test_lines_of_several_writers_are_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(log), str(i)]) for i in range(4)]
    assert [w.wait() for w in writers] == [0, 0, 0, 0]
    notes = recorder.read(log)
    assert len(notes) == 800
    for who in "0123":
        assert [n["number"] for n in notes if n["who"] == who] == list(range(200))


def test_a_line_that_was_cut_off_spoils_nothing_else(tmp_path: Path) -> None:
    log = tmp_path / "log"
    recorder.append(log, {"a": 1})
    recorder.append(log, {"b": 2})
    log.write_bytes(log.read_bytes()[:-5])
    recorder.append(log, {"c": 3})
    assert recorder.read(log) == [{"a": 1}, {"c": 3}]
    assert recorder.read(tmp_path / "none") == []


def test_a_digest_tells_all_that_a_copy_keeps(tmp_path: Path) -> None:
    def tree(name: str) -> Path:
        root = tmp_path / name
        (root / "d").mkdir(parents=True)
        (root / "d/f").write_text("text")
        (root / "l").symlink_to("/nowhere")
        return root

    first, other = tree("first"), tree("other")
    assert recorder.digest(first) == recorder.digest(other)
    seen = {recorder.digest(first)}
    changes: tuple[Callable[[Path], object], ...] = (
        lambda r: (r / "d/f").write_text("texT"),
        lambda r: (r / "d/f").chmod(0o755),
        lambda r: (r / "d/f").rename(r / "d/g"),
        lambda r: (r / "l").rename(r / "d/l"),
        lambda r: (r / "new").mkdir(),
    )
    for number, change in enumerate(changes):
        changed = tree(f"changed-{number}")
        change(changed)
        seen.add(recorder.digest(changed))
    assert len(seen) == 6
    os.mkfifo(other / "fifo")
    assert recorder.digest(other) not in seen
    assert recorder.digest(tmp_path / "none") is None
