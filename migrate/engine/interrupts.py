"""Signals that ask the process to end, held back while something has to be brought to its end."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = tuple(getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n))
_PATIENCE_SECONDS = 3.0
"""A terminal that is closed, or somebody in a hurry, sends several at once; who still asks after this long is heeded."""


@contextmanager
def held() -> Iterator[None]:
    """What comes during the block is carried out after it. Where the block takes longer than _PATIENCE_SECONDS, the next signal
    ends it with KeyboardInterrupt. Other threads than the main one never get signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    began = time.monotonic()
    arrived: list[int] = []

    def hold(number: int, _frame: FrameType | None) -> None:
        arrived.append(number)
        if time.monotonic() - began > _PATIENCE_SECONDS:
            raise KeyboardInterrupt

    before = {s: h for s in _SIGNALS if (h := signal.getsignal(s)) not in (None, signal.SIG_IGN)}
    try:
        for number in before:
            signal.signal(number, hold)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if arrived:
            signal.raise_signal(arrived[0])
