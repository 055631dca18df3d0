"""Two contents walked side by side: equal but for tokens (dates, scratch folders) that stand at the same places.

Nothing is replaced: where the two part, both must hold a token of the same form that starts in what is still equal, and the
walk goes on behind both. So the cost lies where they differ, and a word that only looks like a replacement means nothing.
"""

from collections.abc import Callable

from migrate.compare.normalise.budget import Budget
from migrate.compare.normalise.circumstances import Circumstances
from migrate.compare.normalise.dates import dates_at
from migrate.compare.normalise.scratch import folders_at

# a content, from where, around which place, and what may differ → start, end and form of the tokens: two of one form can stand
# for each other
Finder = Callable[[bytes, int, int, Circumstances], list[tuple[int, int, object]]]
# what is exact comes first
_KINDS: tuple[tuple[str, Finder], ...] = (("scratch-paths", folders_at), ("dates", dates_at))


def equal_text(
    legacy: bytes, migrated: bytes, circumstances: Circumstances, disabled: frozenset[str], budget: Budget
) -> frozenset[str] | None:
    """The kinds of tokens that differ, where nothing else does."""
    used: set[str] = set()
    i = j = 0
    while True:
        same = _common(legacy, i, migrated, j)
        p, q = i + same, j + same
        if p == len(legacy) and q == len(migrated):
            return frozenset(used)
        if budget.tokens <= 0:
            return None
        budget.tokens -= 1
        for name, find in _KINDS:
            step = None if name in disabled else _step(find, legacy, migrated, (i, p), (j, q), circumstances)
            if step is not None:
                used.add(name)
                i, j = step
                break
        else:
            return None


def _step(
    find: Finder, legacy: bytes, migrated: bytes, left: tuple[int, int], right: tuple[int, int], given: Circumstances
) -> tuple[int, int] | None:
    """The ends of the longest pair of tokens that start at one place of what is equal. One of them at least goes past where
    that ends: `/a/b` and `/a` are both followed by `/b`."""
    (i, p), (j, q) = left, right
    others = {(start - q, form): end for start, end, form in find(migrated, j, q, given)}
    ends = [
        (end, others[start - p, form]) for start, end, form in find(legacy, i, p, given) if (start - p, form) in others
    ]
    return max((pair for pair in ends if pair[0] > p or pair[1] > q), default=None)


def _common(one: bytes, i: int, other: bytes, j: int) -> int:
    """How many bytes are equal from there on."""
    start, step = i, 64
    while True:
        a, b = one[i : i + step], other[j : j + step]
        if a == b:
            if len(a) < step:
                return i + len(a) - start
            i, j = i + step, j + step
            step = min(2 * step, 1 << 20)
        else:
            return i - start + _first_difference(a, b)


def _first_difference(a: bytes, b: bytes) -> int:
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
