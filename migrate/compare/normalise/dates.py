"""Dates and times in a content: as they are usually spelled, and of a moment at which the builds ran.

The spellings are those of ISO 8601 and RFC 3339, RFC 2822 and HTTP, `date` and ctime, C's `__DATE__` and `__TIME__`, Java's,
JavaScript's and Go's ways to print a time, names such as `20261126-183530`, and epoch seconds, milli-, micro- and nanoseconds.
A date that says no zone may be of any: zones are -12 to +14 hours from UTC, in quarters of an hour.
"""

import re
from datetime import UTC, datetime, timedelta

from migrate.compare.normalise.circumstances import Circumstances

_LONGEST = 72  # bytes; `Wednesday, September 30, 2026 at 06:35:30.123456789 PM GMT+01:00` has 64
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ZONES = range(-12 * 4, 14 * 4 + 1)
_QUARTER = 900
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_NAMED = (
    r"(?P<named>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_WEEKDAY = r"(?P<weekday>Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)"
_DAY = r"(?P<day>[ 0-3]?\d)"
_CLOCK = (  # the colons of a .properties file come with a backslash; a comma is that of a log line, not of a table's next column
    r"(?P<hour>[012]?\d)\\?:(?P<minute>[0-5]\d)(?:\\?:(?P<second>[0-5]\d)"
    r"(?:(?:\.|,(?=\d{3}[ \]]|\d+(?:Z|[+-]\d\d)))(?P<fraction>\d{1,9}))?)?(?: (?P<half>[AP]M))?"
)
_ZONE = r"(?: ?(?P<zone>Z|(?:UTC|GMT)?[+-]\d\d(?:\\?:?\d\d)?|UTC|GMT)(?![A-Za-z\d]))?"
_ZONE_WORD = r"(?: (?P<zone>[A-Z]{2,5}|[+-]\d{4}))?"
_WORD = r"(?<![A-Za-z\d])"
_SPELLINGS = tuple(
    re.compile(rf"{spelling}(?!\d)".encode())
    for spelling in (
        # 2026-11-26T18:35:30.5Z, 2026/11/26 18:35, 2026-11-26
        rf"(?<!\d){_YEAR}(?P<dash>[-/.])(?P<month>\d\d)(?P=dash)(?P<day>\d\d)(?:(?:T|,? |_){_CLOCK}{_ZONE})?",
        # 2026-11-26_18-35-30
        (
            rf"(?<!\d){_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)[T _.-]"
            rf"(?P<hour>\d\d)(?P<dash>[-_.]?)(?P<minute>\d\d)(?P=dash)(?P<second>\d\d){_ZONE}"
        ),
        # 20261126T183530Z, 20261126-183530, 20261126
        (
            rf"(?<!\d){_YEAR}(?P<month>[01]\d)(?P<day>[0-3]\d)"
            rf"(?:[T_.-](?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d){_ZONE})?"
        ),
        # 202611261835, 20261126183530, 20261126183530250
        (
            rf"(?<!\d){_YEAR}(?P<month>[01]\d)(?P<day>[0-3]\d)"
            rf"(?P<hour>\d\d)(?P<minute>\d\d)(?:(?P<second>\d\d)(?P<fraction>\d\d\d)?)?{_ZONE}"
        ),
        # Thu Nov 26 18:35:30 UTC 2026
        rf"{_WORD}(?:{_WEEKDAY} )?{_NAMED} {_DAY} {_CLOCK}{_ZONE_WORD} {_YEAR}",
        # Thu, 26 Nov 2026 18:35:30 +0000, 26/Nov/2026:18:35:30 +0000, 26 Nov 2026
        rf"{_WORD}(?:{_WEEKDAY},? )?{_DAY}(?P<dash>[ /-]){_NAMED}(?P=dash){_YEAR}(?:(?:,? |:){_CLOCK}{_ZONE})?",
        # Thu 26 Nov 18:35:30 UTC 2026
        rf"{_WORD}(?:{_WEEKDAY} )?{_DAY} {_NAMED} {_CLOCK}{_ZONE_WORD} {_YEAR}",
        # Nov 26 2026 18:35:30, Thu Nov 26 2026 18:35:30 GMT+0100, November 26, 2026; in a program with a NUL between the two
        rf"{_WORD}(?:{_WEEKDAY},? )?{_NAMED} {_DAY},? {_YEAR}(?:(?:,? | at |\x00){_CLOCK}{_ZONE})?",
        # 18:35:30 Nov 26 2026
        rf"{_WORD}{_CLOCK}[ \x00]{_NAMED} {_DAY} {_YEAR}",
        # 1795718130, 1795718130.250
        r"(?<!\d)(?P<epoch>\d{10})(?:\.(?P<fraction>\d{3,9}))?",
        # 1795718130250, microseconds, nanoseconds
        r"(?<!\d)(?P<epoch>\d{10})(?P<thousandths>\d{3}|\d{6}|\d{9})",
    )
)
# what a moment is told by, as against the separators, the zone and the like, which count
_MOMENT = (
    "year",
    "month",
    "named",
    "day",
    "weekday",
    "hour",
    "minute",
    "second",
    "fraction",
    "half",
    "epoch",
    "thousandths",
)


def dates_at(data: bytes, start: int, place: int, circumstances: Circumstances) -> list[tuple[int, int, object]]:
    """Every date that begins from `start` on, at or ahead of `place`, isn't over ahead of it, and lies in the window. One that is
    part of a longer one is none: `2026-11-27` of `2026-11-27T18:35:30` doesn't stand for a day."""
    begin = max(start, place - _LONGEST)
    found: list[tuple[int, int, int, re.Match[bytes]]] = []
    for number, spelling in enumerate(_SPELLINGS):
        for match in spelling.finditer(data, begin, place + _LONGEST):
            if match.start() > place:
                break
            if match.end() >= place:
                found.append((match.start(), match.end(), number, match))
    return [
        (first, last, _form(number, match))
        for first, last, number, match in found
        if not any(a <= first and last <= b and (a, b) != (first, last) for a, b, _, _ in found)
        and _within(match, circumstances.window)
    ]


def dates_in(data: bytes, circumstances: Circumstances) -> list[tuple[int, int, object]]:
    """Every date that lies in the window, in order, none of them part of another or over its end."""
    found = [
        (match.start(), -match.end(), number, match)
        for number, spelling in enumerate(_SPELLINGS)
        for match in spelling.finditer(data)
    ]
    kept: list[tuple[int, int, object]] = []
    over = 0
    for first, last, number, match in sorted(found, key=lambda f: f[:3]):
        if first >= over:
            over = -last
            if _within(match, circumstances.window):
                kept.append((first, over, _form(number, match)))
    return kept


def _form(number: int, match: re.Match[bytes]) -> object:
    """The spelling: which it is, what it tells, and the text around that."""
    told = sorted((match.span(name), name) for name in _MOMENT if match.groupdict().get(name) is not None)
    around: list[bytes] = []
    at = match.start()
    for (first, last), _ in told:
        around.append(match.string[at:first])
        at = last
    return number, tuple(name for _, name in told), (*around, match.string[at : match.end()])


def _within(match: re.Match[bytes], window: tuple[float, float]) -> bool:
    """Whether the span of time that it names (a day, a minute, a thousandth) and the window have a moment in common."""
    parts = {name: text.decode() for name, text in match.groupdict().items() if text is not None}
    fraction = parts.get("fraction", "")
    beyond = float(f"0.{fraction}") if fraction else 0.0
    width = 10.0 ** -len(fraction)
    if "epoch" in parts:
        rest = parts.get("thousandths", "")
        if rest:
            beyond, width = int(rest) / 10 ** len(rest), 10.0 ** -len(rest)
        return _touches(int(parts["epoch"]) + beyond, width, window)
    moment = _moment(parts)
    if moment is None:
        return False
    if "hour" not in parts:
        width = 86400
    elif "second" not in parts:
        width = 60
    offset = _offset(parts.get("zone", ""))
    if offset is not None:
        return _touches(moment + beyond - offset, width, window)
    return any(_touches(moment + beyond - quarters * _QUARTER, width, window) for quarters in _ZONES)


def _touches(moment: float, width: float, window: tuple[float, float]) -> bool:
    return moment <= window[1] and moment + width > window[0]


def _moment(parts: dict[str, str]) -> float | None:
    """Epoch seconds as if it were of UTC. None where the calendar has no such day, or not on that day of the week."""
    named = parts.get("named")
    month = _MONTHS.index(named[:3].lower()) + 1 if named else int(parts["month"])
    hour = int(parts.get("hour", "0"))
    if "half" in parts:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if parts["half"] == "PM" else 0)
    try:
        moment = datetime(
            int(parts["year"]),
            month,
            int(parts["day"]),
            hour,
            int(parts.get("minute", "0")),
            int(parts.get("second", "0")),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    if "weekday" in parts and _DAYS[moment.weekday()] != parts["weekday"][:3].lower():
        return None
    return moment.timestamp()


def _offset(zone: str) -> float | None:
    """Seconds east of UTC. None where it says none, or by a name that isn't the same everywhere (CST)."""
    if zone in ("Z", "UTC", "GMT"):
        return 0.0
    digits = re.fullmatch(r"(?:UTC|GMT)?([+-])(\d\d)\\?:?(\d\d)?", zone)
    if digits is None:
        return None
    ahead = timedelta(hours=int(digits[2]), minutes=int(digits[3] or 0)).total_seconds()
    return -ahead if digits[1] == "-" else ahead
