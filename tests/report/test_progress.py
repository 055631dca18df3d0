"""What is seen of a run as it goes: on a pipe, and on a terminal."""

import io
import os
import pty
import re
import threading
from collections.abc import Callable, Iterator
from typing import TextIO

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
        told("migrated", "runs ./build.sh")
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
    assert lines[4] == "migrated runs ./build.sh"
    assert re.fullmatch(r"migrated 1/1 RUN x{100,}\.\.\. \(failed\)", lines[5])
    assert len(lines) == 6


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
        assert "migrated 1 step done; runs ./build.sh" in shown
        assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "the cursor is back"


def test_the_line_below_shows_what_still_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of stages that are built side by side, and between two builds."""
    below: list[Callable[[], str]] = []

    class Shown:
        def __init__(self, _: TextIO, line: Callable[[], str]) -> None:
            below.append(line)

        def above(self, line: str) -> None: ...

        def close(self) -> None: ...

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("migrate.report.progress.Screen", Shown)
    now = 0.0
    with Progress(Terminal(), {"TERM": "xterm"}, lambda: now) as told:
        told("legacy", "runs ./build.sh")
        now = 1
        told("legacy", Step(name="a 2/2 RUN slow"))
        now = 2
        told("legacy", Step(name="b 2/2 RUN fast"))
        assert below[0]() == "[   2.0s] legacy   b 2/2 RUN fast (0 s)"
        now = 3
        told("legacy", Step(name="b 2/2 RUN fast", seconds=1))
        assert below[0]() == "[   3.0s] legacy   1 step done; a 2/2 RUN slow (2 s)"
        told("legacy", Step(name="a 2/2 RUN slow", seconds=0, cached=True))
        assert below[0]() == "[   3.0s] legacy   2 steps done, 1 cached; runs ./build.sh (3 s)"
