"""One byte changed on purpose, at place after place: whether it is found."""

import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from migrate.compare.normalise import Circumstances, equal_under

NOW = 1_795_718_130.0  # 2026-11-26 18:35:30 UTC
HERE = Circumstances(window=(NOW, NOW + 60), scratch=(b"/scratch/migrated-k2", b"/scratch/legacy-71"))
NONE = Circumstances(window=(0, 0), scratch=())


def named(*names: str) -> frozenset[str]:
    return frozenset(names)


def sweep(
    legacy: bytes,
    migrated: bytes,
    given: Circumstances,
    ignored: Iterable[tuple[int, int]],
    *,
    harmless: Callable[[bytes], bool] = lambda _: False,
    samples: int = 300,
) -> None:
    """Change one byte of `migrated` at each place, or at so many, and all those that are ignored. It may go unfound only where
    `ignored` says so, or where an oracle finds it `harmless`; there it must, at some place of each stretch."""
    assert equal_under(legacy, migrated, given) is not None
    stretches = sorted({*ignored})
    chance = random.Random(len(migrated))  # noqa: S311  a sample, no secret
    inside = {n for start, end in stretches for n in range(start, end)}
    outside = [n for n in range(len(migrated)) if n not in inside]
    assert len(outside) >= 50
    unfound, through = [], set()
    for place in [*chance.sample(outside, min(samples, len(outside))), *sorted(inside)]:
        changed = bytearray(migrated)
        changed[place] ^= chance.choice((1, 1, 2, 4, 8, 255))
        if equal_under(legacy, bytes(changed), given) is not None:
            if place in inside:
                through.add(place)
            elif not harmless(bytes(changed)):
                unfound.append(place)
    assert unfound == []
    assert [(a, b) for a, b in stretches if not through & set(range(a, b))] == []


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} here")
    return found


def run(*command: str | Path, cwd: Path | None = None) -> bytes:
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, cwd=cwd).stdout


def until_next_second() -> None:
    time.sleep(1.02 - time.time() % 1)
