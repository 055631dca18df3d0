"""Dates of the builds, in the spellings of those who write them: `date`, Python, Node, Java and Go (their formats, not their runs)."""

import email.utils
import random
import subprocess
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from migrate.compare.normalise import Circumstances, equal_under
from tests.compare.normalise.sweep import HERE, NOW, named

DATES = named("dates")
FORMATS = (
    "",
    "+%c",
    "+%D %T",
    "+%F",
    "+%F %T",
    "+%F_%H-%M-%S",
    "+%FT%T%:z",
    "+%FT%TZ",
    "+%FT%T.%NZ",
    "+%F %T,%3N INFO started",
    "+%Y/%m/%d %T",
    "+%Y.%m.%d",
    "+%Y%m%d",
    "+%Y%m%d%H%M%S",
    "+%Y%m%d%H%M%S%3N",
    "+%Y%m%d%H%M",
    "+%Y%m%dT%H%M%SZ",
    "+%Y%m%d-%H%M%S",
    "+%s",
    "+%s%3N",
    "+%s%N",
    "+%s.%N",
    "+%a %b %e %T %Y",
    "+%a %b %e %T %Z %Y",
    "+%a %b %e %r %Z %Y",
    "+%a %d %b %Y %r %Z",
    "+%a, %d %b %Y %T GMT",
    "+%a %b %d %Y %T GMT+0000",
    "+%d/%b/%Y:%T +0000",
    "+%d-%b-%Y %H:%M",
    "+%b %e %Y",
    "+%B %e, %Y at %I:%M %p",
    "+%T %b %e %Y",
    "+%F %T.%N +0000 UTC",
    "+%F %H\\:%M\\:%S",
    "-R",
    "-Ins",
    "--rfc-3339=ns",
)
FOUND_ANYWAY = {"+%D %T"}  # 11/26/26 may be of November or of a 26th month: it isn't read


def said(option: str, moment: float) -> bytes:
    """By `date`, in UTC."""
    return all_said(option, [moment])[0]


def all_said(option: str, moments: Iterable[float]) -> list[bytes]:
    """The same of many, each with its line's end."""
    lines = "".join(f"@{moment:.9f}\n" for moment in moments).encode()
    command = ["date", "-u", "-f", "-", *([option] if option else [])]
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, check=True, capture_output=True, env=environment, input=lines).stdout.splitlines(
        True
    )


@pytest.mark.parametrize("option", FORMATS)
def test_a_date_of_the_builds(option: str) -> None:
    """Two moments of the window; then the first, and one that is a year and some days off, and one that is some minutes off."""
    one, other = said(option, NOW + 0.25), said(option, NOW + 21.5)
    text = (b"built: " + one, b"built: " + other)
    expected = None if option in FOUND_ANYWAY else (DATES if one != other else frozenset())
    assert equal_under(text[0], text[1], HERE) == expected
    assert equal_under(b"(" + one.strip() + b")", b"(" + other.strip() + b")", HERE) == expected
    for off in (-366 * 86400 - 127, 366 * 86400 + 127, -10 * 86400, 10 * 86400):
        assert equal_under(one, said(option, NOW + off), HERE) is None
        assert equal_under(said(option, NOW + off), one, HERE) is None
        assert equal_under(said(option, NOW + off), said(option, NOW + off + 86400), HERE) is None
    if one != other:
        assert equal_under(text[0], text[1], HERE, DATES) is None
        assert equal_under(one, said(option, NOW - 127), HERE) is None
        assert equal_under(one, said(option, NOW + 60 + 127), HERE) is None


@pytest.mark.parametrize("option", FORMATS)
def test_a_changed_date_is_found_unless_it_is_of_the_builds(option: str) -> None:
    """Any one byte: what goes unfound is a date that `date` reads as one of the window, in some zone."""
    if option in FOUND_ANYWAY:
        return
    one, other = said(option, NOW + 0.25), said(option, NOW + 21.5)
    if one == other:
        other = said(option, NOW + 20 * 3600)  # a day alone, and the next
    unfound = []
    for place in range(len(other) - 1):
        for byte in b"0123456789 :-ZAx":
            changed = other[:place] + bytes([byte]) + other[place + 1 :]
            if changed != other and equal_under(one, changed, HERE) is not None:
                unfound.append(changed)
    # never what tells the month or the zone; the other half of the day is that of another zone
    digits = [c.translate(None, b"0123456789 ").replace(b"AM", b"PM") for c in unfound]
    assert set(digits) <= {other.translate(None, b"0123456789 ")}
    if "n" not in option.lower():  # fractions have more digits than can be listed
        moments = [NOW + n / 4 for n in range(241)]
        shifts = [900 * quarters for quarters in range(-48, 57)]
        of_the_window = {line for shift in shifts for line in all_said(option, (m + shift for m in moments))}
        assert set(unfound) <= of_the_window


def test_zones() -> None:
    """Of a date without one any is thought of, -12 to +14 hours in quarters; one that is told counts."""
    local = datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None)

    def at(hours: float, zone: str = "") -> bytes:
        return (f"{local + timedelta(hours=hours):%Y-%m-%d %H:%M:%S}{zone}").encode()

    now = at(0)
    for hours in (-12, -3.5, 5.75, 14):
        assert equal_under(now, at(hours), HERE) == DATES
    for hours in (-12.25, 14.25, 0.1):
        assert equal_under(now, at(hours), HERE) is None
    for zone in ("Z", " UTC", "+00:00", "+0000"):
        assert equal_under(at(0, zone), at(0.01, zone), HERE) == DATES
        assert equal_under(at(0, zone), at(1, zone), HERE) is None
    assert equal_under(at(2, "+02:00"), at(2.01, "+02:00"), HERE) == DATES
    assert equal_under(at(2, "+02:00"), at(1.01, "+01:00"), HERE) is None
    assert equal_under(at(0, "+02:00"), at(0.01, "+02:00"), HERE) is None
    assert equal_under(at(-5, " EST"), at(-4.99, " EST"), HERE) == DATES


def test_a_day_alone() -> None:
    """The window lies on the 26th and 27th, west and east of Greenwich."""
    assert equal_under(b"2026-11-26", b"2026-11-27", HERE) == DATES
    assert equal_under(b"2026-11-26", b"2026-11-25", HERE) is None
    assert equal_under(b"2026-11-26", b"2026-11-28", HERE) is None
    assert equal_under(b"2026-11-26T18:35:30Z", b"2026-11-27T18:35:30Z", HERE) is None, (
        "the day of a moment is no day alone"
    )
    assert equal_under(b"20261126-183530", b"20261127-183530", HERE) is None


def test_spellings_count() -> None:
    pairs = [
        (b"2026-11-26T18:35:30Z", b"2026-11-26 18:35:31Z"),
        (b"2026-11-26 18:35:30", b"2026/11/26 18:35:31"),
        (b"2026-11-26T18:35:30Z", b"2026-11-26T18:35:31"),
        (b"Thu Nov 26 18:35:30 2026", b"Nov 26 18:35:31 2026"),
        (b"Thu Nov 26 18:35:30 2026", b"Fri Nov 26 18:35:31 2026"),
        (b"1795718130", b"1795718131000"),
        (b"1795718130", b"2026-11-26"),
        (b"0000-00-00T00:00:00Z", b"2026-11-26T18:35:31Z"),
    ]
    for one, other in pairs:
        assert equal_under(one, other, HERE) is None
        assert equal_under(other, one, HERE) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"17957181301", b"17957181302"),
        (b"91795718130", b"81795718130"),
        (b"2016-11-26", b"2017-11-26"),
        (b"v1.2.3", b"v1.2.4"),
        (b"1795718130.1", b"1795718130.2"),
        (b"2026-11-26 18:35:30,100\n", b"2026-11-26 18:35:30,200\n"),
        (b"12026-11-26T18:35:30Z", b"12026-11-26T18:35:31Z"),
        (b"2026-11-26T18:35:30Z1", b"2026-11-26T18:35:30Z2"),
        (b"2026-13-26T18:35:30Z", b"2026-13-26T18:35:31Z"),
        (b"2026-11-26T18:35:61Z", b"2026-11-26T18:35:62Z"),
        (b"18:35:30", b"18:35:31"),
    ],
)
def test_what_is_no_date_of_the_builds(one: bytes, other: bytes) -> None:
    assert equal_under(one, other, HERE) is None


def test_what_python_writes() -> None:
    writers: list[Callable[[float], str]] = [
        lambda m: datetime.fromtimestamp(m, UTC).isoformat(),
        lambda m: datetime.fromtimestamp(m, timezone(timedelta(hours=5, minutes=30))).isoformat(),
        lambda m: str(datetime.fromtimestamp(m, UTC)),
        time.ctime,
        email.utils.formatdate,
        lambda m: email.utils.formatdate(m, usegmt=True),
        repr,
    ]
    for write in writers:
        one, other = (write(NOW + n).encode() for n in (0.123457, 33.76543))
        assert equal_under(one, other, HERE) == DATES


def test_lengths_of_a_fraction() -> None:
    """Go leaves out zeros at its end."""
    assert equal_under(b"at 2026-11-26T18:35:30.12Z, ok", b"at 2026-11-26T18:35:31.123456789Z, ok", HERE) == DATES
    assert equal_under(b"2026-11-26 18:35:30.12", b"2026-11-26 18:35:30.1234", HERE) == DATES


def test_many_in_a_row_and_all_else_between_them() -> None:
    chance = random.Random(7)  # noqa: S311
    lines = [f"{{}} step {n} of {chance.random()}\n" for n in range(500)]
    one, other = (
        "".join(
            line.format(f"{datetime.fromtimestamp(NOW + chance.random() * 60, UTC):%FT%TZ}") for line in lines
        ).encode()
        for _ in range(2)
    )
    assert equal_under(one, other, HERE) == DATES
    places = [n for n in range(len(other)) if other[n : n + 1].isalpha() and other[n] not in b"TZ"]
    for place in chance.sample(places, 60):
        assert equal_under(one, other[:place] + b"X" + other[place + 1 :], HERE) is None


def test_no_window() -> None:
    for window in ((0.0, 0.0), (float("nan"), float("nan")), (NOW + 60, NOW)):
        assert (
            equal_under(b"2026-11-26T18:35:30Z", b"2026-11-26T18:35:31Z", Circumstances(window=window, scratch=()))
            is None
        )
    always = Circumstances(window=(float("-inf"), float("inf")), scratch=())
    assert equal_under(b"1999-11-26T18:35:30Z", b"2026-11-26T18:35:31Z", always) == DATES
