"""What goes on, as it goes: a plain line for each thing that is over, and each RUN that begins, on standard error; on a terminal
a line below them that says what is going on instead.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self, TextIO

from migrate.engine.steps import Step
from migrate.report.terminal import Screen, encodable, visible

_WIDEST = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """What a side is at since `since`, which steps of its builds run, since when, and how many are over."""

    name: str
    at: str
    since: float
    running: tuple[tuple[str, float], ...] = ()
    steps: int = 0
    cached: int = 0

    def told(self, what: str | Step, now: float) -> "_Side":
        """The side after a report."""
        if not isinstance(what, Step):
            return replace(self, at=what, since=now, running=())
        if what.seconds is None:
            return replace(self, running=(*self.running, (what.name, now)))
        # stages are built side by side: others may go on
        running = tuple(each for each in self.running if each[0] != what.name)
        return replace(self, running=running, steps=self.steps + 1, cached=self.cached + what.cached)


class Progress:
    """Writes `[seconds] what` lines; seconds count from its making. To be closed, or the terminal keeps the line below."""

    def __init__(
        self,
        stream: TextIO,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._start = clock()
        self._side: _Side | None = None
        live = stream.isatty() and environment.get("TERM", "dumb") != "dumb"
        self._screen = Screen(stream, self._line_below) if live else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._screen is not None:
            self._screen.close()

    def __call__(self, side: str, what: str | Step) -> None:
        now = self._clock()
        if self._side is None or self._side.name != side:
            self._side = _Side(name=side, at="", since=now)
        self._side = self._side.told(what, now)
        if not isinstance(what, Step):
            self._write(side, what)
        elif what.seconds is None:
            if self._screen is None and " RUN " in f" {what.name}":
                self._write(side, what.name)  # it may take long: who reads a log sees what for
        else:
            how = "failed" if what.failed else "cached" if what.cached else f"{what.seconds:.1f} s"
            self._write(side, what.name, f" ({how})")

    def _write(self, side: str, what: str, behind: str = "") -> None:
        line = f"[{self._clock() - self._start:6.1f}s] {side:<9}{_cut(what, _WIDEST - len(behind))}{behind}"
        if self._screen is not None:
            self._screen.above(line)
        else:
            self._stream.write(encodable(line, self._stream) + "\n")
            self._stream.flush()

    def _line_below(self) -> str:
        side = self._side
        if side is None:
            return ""
        now = self._clock()
        at, since = side.running[-1] if side.running else (side.at, side.since)
        counted = f", {side.cached} cached" if side.cached else ""
        steps = f"{side.steps} step{'s' if side.steps != 1 else ''} done{counted}; " if side.steps else ""
        return f"[{now - self._start:6.1f}s] {side.name:<9}{steps}{_cut(at, _WIDEST)} ({now - since:.0f} s)"


def _cut(text: str, width: int) -> str:
    shown = visible(text.rstrip())
    return shown if len(shown) <= width else shown[: width - 3] + "..."
