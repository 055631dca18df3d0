"""Folders in which the two sides ran."""

import pytest

from migrate.compare.normalise import Circumstances, equal_under
from tests.compare.normalise.sweep import HERE, NOW, named, sweep

SCRATCH = named("scratch-paths")
LEGACY, MIGRATED = b"/scratch/legacy-71", b"/scratch/migrated-k2"


def test_folders_of_other_lengths() -> None:
    text = b"".join(b"cc -I@/include%d -o @/out%d: done in @.\n" % (n, n) for n in range(50)) + b"@"
    one, other = text.replace(b"@", LEGACY), text.replace(b"@", MIGRATED)
    assert equal_under(one, other, HERE) == SCRATCH
    assert equal_under(other, one, HERE) == SCRATCH
    assert equal_under(one, other, HERE, SCRATCH) is None
    assert equal_under(one, other, Circumstances(window=(NOW, NOW), scratch=(b"/scratch/other",))) is None
    sweep(one, other, HERE, [])


@pytest.mark.parametrize("after", [b"2", b"x", b"-2", b"_", b".bak", b".1"])
def test_a_folder_that_only_begins_so(after: bytes) -> None:
    assert equal_under(LEGACY + after, MIGRATED + after, HERE) is None


@pytest.mark.parametrize("after", [b"", b"/", b"/a", b".", b". ", b"\0", b"\n", b'"', b":"])
def test_a_folder_and_what_follows_it(after: bytes) -> None:
    assert equal_under(LEGACY + after, MIGRATED + after, HERE) == SCRATCH
    assert equal_under(b"x" + LEGACY + after, b"y" + MIGRATED + after, HERE) is None
    assert equal_under(LEGACY + after, after, HERE) is None


def test_the_longest_counts() -> None:
    """One side ran within the folder of both."""
    given = Circumstances(window=(0, 0), scratch=(b"/scratch/both/legacy", b"/scratch/both", b"/", b""))
    assert equal_under(b"/scratch/both/legacy/x", b"/scratch/both/x", given) == SCRATCH
    assert equal_under(b"/scratch/both/legacy/x", b"/scratch/both/other/x", given) is None
    assert equal_under(b"/x", b"x", given) is None


def test_beside_a_date() -> None:
    one = b"built in " + LEGACY + b" at 2026-11-26T18:35:30Z"
    other = b"built in " + MIGRATED + b" at 2026-11-26T18:35:39Z"
    assert equal_under(one, other, HERE) == named("scratch-paths", "dates")
    assert equal_under(one, other, HERE, named("dates")) is None
