"""What is seen of a run as it goes: on a pipe, and on a terminal."""

import io
import os
import pty
import re
import threading
from collections.abc import Iterator

import pytest

from migrate.engine.steps import Step
from migrate.report.progress import Progress


def clocked() -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += 0.5


def tell(progress: Progress) -> None:
    with progress as told:
        told("legacy", "runs ./build.sh")
        told("legacy", Step(name="1/2 FROM busybox"))
        told("legacy", Step(name="1/2 FROM busybox", seconds=0, cached=True))
        told("legacy", Step(name="2/2 RUN [bold]make[/bold] \x1b[31m"))
        told("legacy", Step(name="2/2 RUN [bold]make[/bold] \x1b[31m", seconds=1.26))
        told("migrated", Step(name=f"1/1 RUN {'x' * 200}", seconds=2, failed=True))


def test_a_pipe_gets_a_line_for_what_is_over_and_for_a_run_that_begins() -> None:
    stream = io.StringIO()
    clock = clocked()
    tell(Progress(stream, {"TERM": "xterm"}, lambda: next(clock)))
    lines = [line.partition("] ")[2] for line in stream.getvalue().splitlines()]
    assert lines[:4] == [
        "legacy   runs ./build.sh",
        "legacy   1/2 FROM busybox (cached)",
        r"legacy   2/2 RUN [bold]make[/bold] \x1b[31m",
        r"legacy   2/2 RUN [bold]make[/bold] \x1b[31m (1.3 s)",
    ]
    assert re.fullmatch(r"migrated 1/1 RUN x{100,}\.\.\. \(failed\)", lines[4])
    assert len(lines) == 5


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_a_terminal_has_a_line_below_and_is_left_as_it_was(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLUMNS", "200")
    main, other = pty.openpty()
    pieces: list[bytes] = []

    def read() -> None:
        try:
            while piece := os.read(main, 4096):
                pieces.append(piece)
        except OSError:
            pass

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(other, "w") as stream:
        tell(Progress(stream))
    reader.join(timeout=5)
    os.close(main)
    shown = b"".join(pieces).decode()
    assert "legacy   1/2 FROM busybox (cached)" in shown
    assert r"RUN [bold]make[/bold] \x1b[31m (1.3 s)" in shown, "what a repository holds is neither markup nor a control"
    assert ("\x1b" in shown) == (term == "xterm")
    if term == "xterm":
        assert "2 steps done, 1 cached; 2/2 RUN" in shown
        assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "the cursor is back"
