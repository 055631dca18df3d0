"""How long the proof takes: both versions of every sample evaluated and compared, once they were followed.

Output: a table on standard output; exit code 1 where the textbook trio takes 20 ms, or any sample 200 ms.
"""

import statistics
import sys
import time
from pathlib import Path

from migrate.proof.prove import prove
from tests.proof.sides import analysed, sides_of

SAMPLES = Path(__file__).parents[2] / "samples"
TEXTBOOK = ("seed-trio", "href-counter")
LIMITS = (20, 200)
"""Milliseconds: the textbook trio, any other sample."""


def milliseconds(sample: str, runs: int = 21) -> float:
    """The median of `runs`."""
    tree = SAMPLES / sample / "legacy"
    analysis = analysed(tree)
    legacy, migrated, given = sides_of(tree, analysis, analysis.changes)
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        prove(legacy, migrated, analysis.changes, given)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def main() -> int:
    found = {p.name: milliseconds(p.name) for p in sorted(SAMPLES.iterdir())}
    slow = 0
    print(f"{'proof of':<28}{'ms':>8}")
    for sample, taken in sorted(found.items(), key=lambda item: -item[1]):
        limit = LIMITS[0] if sample in TEXTBOOK else LIMITS[1]
        slow += taken >= limit
        print(f"{sample:<28}{taken:>8.1f}{'  too slow' if taken >= limit else ''}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
