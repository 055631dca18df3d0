"""What differs between two builds of the legacy side is the project's own noise; how far that goes is told here.

A file of the migrated image is excused only where it differs from the legacy one at places at which two legacy builds differ
from each other: a change anywhere else in the same file is a difference as before. Where the two legacy builds differ in a way
that has no such places (another length without lines or words to go by), nothing is excused.
"""

import re
import struct
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

_WORD = re.compile(rb"[0-9A-Za-z]+|[^0-9A-Za-z]")
_LONGEST_WORD = 128
_GAP = 3
"""Bytes between two that differ which are noise too: one byte in 256 of a random run is the same by chance."""
_EPOCHS = ("<I", ">I", "<Q", ">Q")


def within_noise(legacy: bytes, again: bytes, migrated: bytes, window: tuple[float, float]) -> bool:
    """Whether `migrated` differs from `legacy` only in what differs between `legacy` and `again`, two builds of the same side.
    `window` holds the epoch seconds in which all three were made."""
    if legacy == migrated:
        return True
    if legacy == again:
        return False
    if len(legacy) == len(again) == len(migrated):
        noisy = _noisy(legacy, again)
        rest = [i for i in _differing(legacy, migrated) if i not in noisy]
        if all(_is_moment(legacy, again, migrated, i, window) for i in rest):
            return True
    return _by_lines(legacy.split(b"\n"), again.split(b"\n"), migrated.split(b"\n"))


def _differing(one: bytes, other: bytes) -> list[int]:
    """Where two of the same length differ; blocks that are equal are passed over whole."""
    found = []
    for start in range(0, len(one), 4096):
        a, b = one[start : start + 4096], other[start : start + 4096]
        if a != b:
            found += [start + i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
    return found


def _noisy(legacy: bytes, again: bytes) -> set[int]:
    """Where two builds differ, with the rest of each word of a text that does, and with the few bytes between."""
    places = _differing(legacy, again)
    noisy = set(places)
    for first, second in pairwise(places):
        if second - first <= _GAP + 1:
            noisy.update(range(first + 1, second))
    for place in places:
        if _is_word(legacy[place]) and _is_word(again[place]):
            noisy.update(_word_around(legacy, again, place))
    return noisy


def _word_around(legacy: bytes, again: bytes, place: int) -> Iterator[int]:
    """The places of the word that `place` lies in, in both; a long run of letters is no word of a text, and counts for itself."""
    first, last = place, place + 1
    while first > 0 and place - first < 64 and _is_word(legacy[first - 1]) and _is_word(again[first - 1]):
        first -= 1
    while last < len(legacy) and last - place < 64 and _is_word(legacy[last]) and _is_word(again[last]):
        last += 1
    return iter(range(first, last))


def _is_word(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122


def _is_moment(legacy: bytes, again: bytes, migrated: bytes, place: int, window: tuple[float, float]) -> bool:
    """Whether `place` lies in a number that is a moment of the window in all three, and not the same one in the legacy two: of
    a time of which only the last byte had changed, more bytes may have, later."""
    for form in _EPOCHS:
        size = struct.calcsize(form)
        for start in range(max(place - size + 1, 0), min(place, len(legacy) - size) + 1):
            moments = [struct.unpack_from(form, data, start)[0] for data in (legacy, again, migrated)]
            if moments[0] != moments[1] and all(window[0] - 1 <= m <= window[1] + 1 for m in moments):
                return True
    return False


def _by_lines(legacy: list[bytes], again: list[bytes], migrated: list[bytes]) -> bool:
    """The same lines in another order, where the order is the noise; or word by word, where the words of a line are as many."""
    if Counter(legacy) == Counter(again):
        return Counter(legacy) == Counter(migrated)
    if not len(legacy) == len(again) == len(migrated):
        return False
    return all(a == c or (a != b and _by_words(a, b, c)) for a, b, c in zip(legacy, again, migrated, strict=True))


def _by_words(legacy: bytes, again: bytes, migrated: bytes) -> bool:
    one, two, three = (_WORD.findall(line) for line in (legacy, again, migrated))
    if not len(one) == len(two) == len(three):
        return False
    return all(a == c or (a != b and _may_stand_for(a, c)) for a, b, c in zip(one, two, three, strict=True))


def _may_stand_for(word: bytes, other: bytes) -> bool:
    return word.isalnum() and other.isalnum() and max(len(word), len(other)) <= _LONGEST_WORD


def same_but_for(legacy: str, again: str, name: str) -> bool:
    """Whether `name` is one more of the kind that `legacy` and `again` are: the same words but for those in which these two
    differ, each as long as there (`tmp.x7Qa2b`, `tmp.8fJk3c`)."""
    one, two, three = (_WORD.findall(n.encode("utf-8", "surrogateescape")) for n in (legacy, again, name))
    if not len(one) == len(two) == len(three):
        return False
    return all(
        a == c if a == b else a.isalnum() and len(a) == len(b) == len(c) and c.isalnum()
        for a, b, c in zip(one, two, three, strict=True)
    )
