"""Two contents → the normalisers that they need to be equal. All formats nest: a date in a jar in a tar in a gzip."""

from collections.abc import Callable

from migrate.compare.normalise import ar_archive, elf_file, gzip_stream, pyc_file, tar_archive, zip_archive
from migrate.compare.normalise.budget import Budget
from migrate.compare.normalise.circumstances import Circumstances
from migrate.compare.normalise.inside import Inside
from migrate.compare.normalise.text import equal_text

_DEEPEST = 8
_FORMATS: tuple[tuple[str, Callable[[bytes, bytes, Budget, Inside], frozenset[str] | None]], ...] = (
    ("elf-build-id", elf_file.compare),
    ("ar", ar_archive.compare),
    ("zip", zip_archive.compare),
    ("gzip", gzip_stream.compare),
    ("tar", tar_archive.compare),
    ("pyc", pyc_file.compare),
)
# in the order in which they are tried, but for the last two, which are tried on every content first
NAMES: tuple[str, ...] = (*(name for name, _ in _FORMATS), "dates", "scratch-paths")


def equal_under(
    legacy: bytes, migrated: bytes, circumstances: Circumstances, disabled: frozenset[str] = frozenset()
) -> frozenset[str] | None:
    """The normalisers that were needed for the two contents to be equal, at all levels; empty where they are the same bytes. None
    where they differ all the same, also under those that are not in `disabled`, and where it would cost too much to tell: more
    than 1 GiB or 200 times their size to unpack, more than 100,000 dates, more than 8 levels."""
    budget = Budget.of(len(legacy) + len(migrated))

    def equal(one: bytes, other: bytes, depth: int) -> frozenset[str] | None:
        if one == other:
            return frozenset()
        needed = equal_text(one, other, circumstances, disabled, budget)
        if needed is not None or depth == _DEEPEST:
            return needed
        for name, compare in _FORMATS:
            if name not in disabled:
                needed = compare(one, other, budget, lambda a, b: equal(a, b, depth + 1))
                if needed is not None:
                    return needed | {name}
        return None

    return equal(legacy, migrated, 0)
