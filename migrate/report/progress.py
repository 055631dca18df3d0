"""Steps as they happen, a plain line each, on standard error."""

import time
from typing import TextIO

from migrate.report.terminal import visible

_WIDEST = 160


class Progress:
    """Writes `[seconds] what` lines; seconds count from its making."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._start = time.monotonic()

    def __call__(self, side: str, text: str) -> None:
        shown = visible(text.rstrip())
        if len(shown) > _WIDEST:
            shown = shown[: _WIDEST - 3] + "..."
        self._stream.write(f"[{time.monotonic() - self._start:6.1f}s] {side:<9}{shown}\n")
        self._stream.flush()
