"""Whatever the bytes are, there is an answer: never an error, and never `equal` for what no normaliser touches."""

import gzip
import sys
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from migrate.compare.normalise import NAMES, Circumstances, equal_under
from tests.compare.normalise.sweep import HERE
from tests.compare.normalise.test_nested import tarred, zipped

HEADS = [
    b"",
    b"\x7fELF\2\1\1",
    b"!<arch>\n",
    b"PK\3\4",
    b"PK\5\6",
    b"\x1f\x8b\x08",
    b"\xa7\x0d\r\n",
    b"2026-11-26T18:35:30Z",
    HERE.scratch[0],
]
WHOLE = [
    gzip.compress(b"content " * 9, mtime=1),
    zipped("a", b"content " * 9, 2001),
    tarred("a", b"content " * 9, 1),
    b"!<arch>\n" + b"a/".ljust(16) + b"1".ljust(12) + b"0".ljust(6) * 2 + b"644".ljust(8) + b"4".ljust(10) + b"`\nabcd",
    b"at 2026-11-26T18:35:30Z in " + HERE.scratch[0] + b"/x",
    Path(sys.executable).read_bytes()[:4096],
]


def answer(one: bytes, other: bytes, disabled: frozenset[str] = frozenset()) -> frozenset[str] | None:
    needed = equal_under(one, other, HERE, disabled)
    assert needed is None or needed <= set(NAMES) - disabled
    assert (needed == frozenset()) == (one == other)
    # the two sides are alike
    assert equal_under(other, one, HERE, disabled) == needed
    return needed


@given(st.sampled_from(HEADS), st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes(head: bytes, one: bytes, other: bytes) -> None:
    answer(head + one, head + other)
    answer(one + head, other + head)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=9), st.integers(0, 9)), max_size=4),
    st.sets(st.sampled_from(NAMES)),
)
def test_broken_ones(whole: bytes, edits: list[tuple[int, bytes, int]], disabled: set[str]) -> None:
    broken = bytearray(whole)
    for place, new, gone in edits:
        at = place % (len(broken) + 1)
        broken[at : at + gone] = new
    answer(whole, bytes(broken), frozenset(disabled))


@given(
    st.text(alphabet="0123456789-:T Z.+/JanNovThu,\0\\", max_size=60),
    st.text(alphabet="0123456789-:T Z.+/JanNovThu,\0\\", max_size=60),
)
@example("9999-12-31T23:59:60Z", "9999-12-31T23:59:59Z")
def test_what_is_nearly_a_date(one: str, other: str) -> None:
    answer(one.encode(), other.encode())
    equal_under(
        one.encode(), other.encode(), Circumstances(window=(float("-inf"), float("inf")), scratch=(b"00", b"//"))
    )


def test_cut_at_every_place() -> None:
    for whole in WHOLE[:-1]:
        for end in range(len(whole)):
            assert answer(whole, whole[:end]) is None
