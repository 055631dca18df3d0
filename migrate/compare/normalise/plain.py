"""One content without what its run alone put into it, for what is told apart by more than two builds."""

from migrate.compare.normalise.circumstances import Circumstances
from migrate.compare.normalise.dates import dates_in
from migrate.compare.normalise.scratch import folders_in

_LARGEST = 16 << 20


def plain(data: bytes, circumstances: Circumstances, disabled: frozenset[str] = frozenset()) -> bytes:
    """`data` with its form in place of every date of the window and every scratch folder; as it is where it has more than 16 MiB,
    which is too much to look through for dates."""
    if len(data) > _LARGEST:
        return data
    tokens = [] if "scratch-paths" in disabled else folders_in(data, circumstances)
    if "dates" not in disabled:
        tokens += dates_in(data, circumstances)
    pieces: list[bytes] = []
    at = 0
    for first, last, form in sorted(tokens, key=lambda t: t[:2]):
        if first >= at:
            pieces += [data[at:first], b"\0", repr(form).encode("ascii", "backslashreplace"), b"\0"]
            at = last
    return b"".join([*pieces, data[at:]])
