"""Texts in which a part isn't known: the part stands there as a mark, which says what it is. Two marks of one thing are equal.

A mark is text, so that paths can be joined and variables be expanded around it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from migrate.dockerfile.expand import expand
from migrate.trace.values import ContainerId, ImageId, Text, Unknown, Value

_START, _END = "\ue0f0", "\ue0f1"
_MARK = re.compile(f"{_START}[^{_END}]*{_END}")


def mark(what: str) -> str:
    """A part that isn't known. A slash in its name is none of a path."""
    inner = re.sub(f"[{_START}{_END}]", "", what).replace("/", "\u2215")
    return f"{_START}{inner}{_END}"


def known(text: str) -> bool:
    return _START not in text


def shown(text: str) -> str:
    """For a person to read."""
    return _MARK.sub(lambda m: f"<{m[0][1:-1]}>".replace("\u2215", "/"), text)


Calls = Mapping[tuple[str, int], int]
"""Which of several calls of one command gave a value: by its origin and number, counted from 0 within one trace."""


def calls_in(values: Iterable[Value]) -> Calls:
    """The calls that `values` hold, of each origin in the order in which they were made. A trace numbers all that it doesn't
    know; another one that does less has other numbers and the same order."""
    numbers: dict[str, set[int]] = {}
    for value in values:
        for part in value.parts:
            if isinstance(part, Unknown):
                numbers.setdefault(part.origin, set()).add(part.number)
    return {(origin, n): rank for origin, found in numbers.items() for rank, n in enumerate(sorted(found))}


def marked(value: Value, calls: Calls | None = None) -> str:
    """A value of the script. Without `calls`, two calls of one command are not told apart: two traces count them differently."""
    parts: list[str] = []
    for part in value.parts:
        match part:
            case Text(text=text):
                parts.append(text)
            case Unknown(origin=origin, number=number):
                rank = (calls or {}).get((origin, number), 0)
                parts.append(mark(f"{origin}, call {rank + 1}" if rank else origin))
            case ContainerId(number=number):
                parts.append(mark(f"container {number}"))
            case ImageId(number=number):
                parts.append(mark(f"image {number}"))
    return "".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope(Mapping[str, str]):
    """Variables at one place. A name that nobody declared is the base image's, where `base` says which that is."""

    declared: Mapping[str, str] = field(default_factory=dict)
    base: str | None = None

    def __getitem__(self, name: str) -> str:
        if name in self.declared or self.base is None:
            return self.declared[name]
        return mark(f"{name} of {self.base}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.declared)

    def __len__(self) -> int:
        return len(self.declared)


def expanded(text: str, scope: Scope, escape: str) -> str:
    """`text` with its variables. Where a modifier (`${x:-y}`) asks something that isn't known, all of it is a mark."""
    if "$" not in text and escape not in text and "'" not in text and '"' not in text:
        return text
    result = expand(text, scope, escape)
    names = dict.fromkeys((*result.used, *result.missing, *result.unknown))
    unsure = [n for n in names if n in scope.declared or scope.base is not None if not known(scope[n])]
    if result.text is None or any(re.search(rf"\$\{{{re.escape(n)}[^}}]", text) for n in unsure):
        inner = ", ".join(f"{n}={scope[n] if n in scope.declared or scope.base is not None else ''}" for n in names)
        return mark(f"{text} with {inner}" if names else text)
    return result.text
