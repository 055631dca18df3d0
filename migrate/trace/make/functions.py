"""make's functions on plain text (GNU make manual, 8): each takes its arguments expanded and gives a text."""

import posixpath
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest

ARGUMENTS: Mapping[str, int] = {
    "subst": 3, "patsubst": 3, "strip": 1, "findstring": 2, "filter": 2, "filter-out": 2, "sort": 1, "word": 2,
    "wordlist": 3, "words": 1, "firstword": 1, "lastword": 1, "dir": 1, "notdir": 1, "suffix": 1, "basename": 1,
    "addsuffix": 2, "addprefix": 2, "join": 2,
}  # fmt: skip
"""Functions of text alone, with how many arguments they take: further commas belong to the last one."""


class FunctionError(Exception):
    """make ends here: the arguments make no sense."""


def call(name: str, arguments: Sequence[str]) -> str:
    """Raises FunctionError as make would end."""
    return _FUNCTIONS[name](*arguments)


def matches(pattern: str, word: str) -> str | None:
    """What `%` stands for where `word` matches; "" for an equal word without `%`; None where it doesn't match."""
    head, percent, tail = _percent(pattern)
    if not percent:
        return "" if head == word else None
    long_enough = len(word) >= len(head) + len(tail)
    fits = long_enough and word.startswith(head) and word.endswith(tail)
    return word[len(head) : len(word) - len(tail)] if fits else None


def patsubst(pattern: str, replacement: str, text: str) -> str:
    result = []
    for word in text.split():
        stem = matches(pattern, word)
        if stem is None:
            result.append(word)
        elif "%" in pattern:
            head, percent, tail = _percent(replacement)
            result.append(head + (stem if percent else "") + tail)
        else:
            result.append(replacement)
    return " ".join(result)


def _percent(pattern: str) -> tuple[str, bool, str]:
    """Before and behind the first `%` that no backslash quotes."""
    at = pattern.find("%")
    while at > 0 and pattern[at - 1] == "\\":
        pattern = pattern[: at - 1] + pattern[at:]
        at = pattern.find("%", at)
    return (pattern, False, "") if at < 0 else (pattern[:at], True, pattern[at + 1 :])


def _number(text: str, function: str) -> int:
    if not text.strip().isdecimal():
        raise FunctionError(f"`$({function} …)` needs a number, not `{text.strip()}`")
    return int(text)


def _word(number: str, text: str) -> str:
    index = _number(number, "word")
    if index == 0:
        raise FunctionError("`$(word …)` counts from 1")
    return text.split()[index - 1] if index <= len(text.split()) else ""


def _wordlist(first: str, last: str, text: str) -> str:
    start = _number(first, "wordlist")
    if start == 0:
        raise FunctionError("`$(wordlist …)` counts from 1")
    return " ".join(text.split()[start - 1 : _number(last, "wordlist")])


def _filter(patterns: str, text: str, *, keep: bool) -> str:
    wanted = patterns.split()
    return " ".join(w for w in text.split() if any(matches(p, w) is not None for p in wanted) is keep)


def _each(change: Callable[[str], str | None]) -> Callable[[str], str]:
    return lambda text: " ".join(c for w in text.split() if (c := change(w)) is not None)


def _suffix(word: str) -> str | None:
    name = word.rpartition("/")[2]
    return name[name.rindex(".") :] if "." in name else None


def _basename(word: str) -> str:
    suffix = _suffix(word)
    return word[: -len(suffix)] if suffix else word


def _dir(word: str) -> str:
    return word[: word.rindex("/") + 1] if "/" in word else "./"


def _join(one: str, other: str) -> str:
    return " ".join(a + b for a, b in zip_longest(one.split(), other.split(), fillvalue=""))


def _lastword(text: str) -> str:
    return text.rsplit(maxsplit=1)[-1] if text.split() else ""


def normal_path(directory: str, word: str) -> str:
    """`$(abspath …)` of one word, seen from an absolute `directory`."""
    return "/" + posixpath.normpath(posixpath.join(directory, word)).lstrip("/")


_FUNCTIONS: Mapping[str, Callable[..., str]] = {
    "subst": lambda old, new, text: text.replace(old, new) if old else text + new,
    "patsubst": lambda pattern, new, text: patsubst(pattern.strip(), new, text),
    "strip": lambda text: " ".join(text.split()),
    "findstring": lambda what, text: what if what in text else "",
    "filter": lambda patterns, text: _filter(patterns, text, keep=True),
    "filter-out": lambda patterns, text: _filter(patterns, text, keep=False),
    "sort": lambda text: " ".join(sorted(set(text.split()))),
    "word": _word,
    "wordlist": _wordlist,
    "words": lambda text: str(len(text.split())),
    "firstword": lambda text: text.split()[0] if text.split() else "",
    "lastword": _lastword,
    "dir": _each(_dir),
    "notdir": _each(lambda w: w.rpartition("/")[2] or None),
    "suffix": _each(_suffix),
    "basename": _each(_basename),
    "addsuffix": lambda suffix, text: " ".join(w + suffix for w in text.split()),
    "addprefix": lambda prefix, text: " ".join(prefix + w for w in text.split()),
    "join": _join,
}
