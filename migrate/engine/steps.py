"""What builders print → their steps, as they begin and end.

The classic builder's are `Step 2/4 : RUN …`, and end where the next one begins, or the build; ` ---> Using cache` says that
nothing was done. BuildKit's plain progress (20.10 up to buildx) has `#7 [builder 2/4] RUN …`, then `#7 CACHED`, `#7 DONE 1.2s` or
`#7 ERROR: …`; those of stages that are built side by side come mixed, and the numbers begin anew with each build.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_CLASSIC = re.compile(r"Step (\d+/\d+) : (.*)")
_CLASSIC_CACHED = " ---> Using cache"
_CLASSIC_OVER = re.compile(r"Successfully built [0-9a-f]{12}")
_BUILDKIT = re.compile(r"#(\d+) \[([^\]]*\d+/\d+)\] (.*)")
_BUILDKIT_FIRST = re.compile(r"#\d+ \[internal\] load (?:build definition|\.dockerignore)")
_BUILDKIT_END = re.compile(r"#(\d+) (?:(CACHED)|DONE (\d+(?:\.\d+)?)s|(ERROR|CANCELED)\b.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`name` is its place and its instruction (`builder 2/4 RUN make`). `seconds` is None where it has only begun; one that is
    `cached` was not carried out, one that `failed` ends the build."""

    name: str
    seconds: float | None = None
    cached: bool = False
    failed: bool = False


Report = Callable[[str, str | Step], None]
"""What is told of a run as it goes: which side, and what it does, in words or as a step of a build."""


class Steps:
    """The steps of a script's builds, one build after the other. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._classic: tuple[str, float, bool] | None = None
        self._open: dict[str, tuple[str, float]] = {}
        self._over: set[str] = set()

    def feed(self, line: str) -> Iterator[Step]:
        """What a line of output says."""
        if found := _CLASSIC.fullmatch(line):
            yield from self._classic_over(failed=found[1].startswith("1/"))
            self._classic = (f"{found[1]} {found[2]}", self._clock(), False)
            yield Step(name=self._classic[0])
        elif self._classic is not None and line == _CLASSIC_CACHED:
            self._classic = (*self._classic[:2], True)
        elif _CLASSIC_OVER.fullmatch(line):
            yield from self._classic_over(failed=False)
        elif line.startswith("#"):
            yield from self._buildkit(line)

    def end(self) -> Iterator[Step]:
        """What is still open when the output is over."""
        yield from self._classic_over(failed=True)
        for name, start in self._open.values():
            yield Step(name=name, seconds=self._clock() - start, failed=True)
        self._open.clear()

    def _classic_over(self, *, failed: bool) -> Iterator[Step]:
        if self._classic is not None:
            name, start, cached = self._classic
            self._classic = None
            yield Step(name=name, seconds=self._clock() - start, cached=cached, failed=failed)

    def _buildkit(self, line: str) -> Iterator[Step]:
        if _BUILDKIT_FIRST.match(line):
            self._open.clear()
            self._over.clear()
        elif found := _BUILDKIT.fullmatch(line):
            number, name = found[1], f"{found[2]} {found[3]}"
            if number not in self._open and number not in self._over:
                self._open[number] = (name, self._clock())
                yield Step(name=name)
        elif (found := _BUILDKIT_END.fullmatch(line)) and found[1] in self._open:
            self._over.add(found[1])
            yield Step(
                name=self._open.pop(found[1])[0],
                seconds=float(found[3] or 0),
                cached=found[2] is not None,
                failed=found[4] is not None,
            )
