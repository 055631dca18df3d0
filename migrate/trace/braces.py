"""Brace expansion (Bash manual, 3.5.1): `a{b,c}` and `{1..3}`, before anything else is looked at. Pure."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from migrate.shell.syntax import Literal, Quoting, WordPart
from migrate.source import SourceFile

Token = str | WordPart
"""One unquoted character, or a part that no brace list is made of."""

_SEQUENCE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?|([a-zA-Z])\.\.([a-zA-Z])(?:\.\.(-?\d+))?")
MAX_WORDS = 4_000


class NotKnownError(Exception):
    """The list stands for more words than are looked at, or bash reads it in a way of its own (`{a}b,c}`)."""


def expand_braces(tokens: Sequence[Token]) -> list[tuple[WordPart, ...]]:
    """Each word that the tokens stand for, its characters joined to literals again. Raises NotKnownError."""
    return [_joined(variant) for variant in _variants(list(tokens))]


def _variants(tokens: list[Token]) -> list[list[Token]]:
    for start, character in enumerate(tokens):
        if character != "{":
            continue
        end, commas = _matching(tokens, start)
        if end is None:
            continue
        before, after = tokens[:start], tokens[end + 1 :]
        inner = tokens[start + 1 : end]
        choices = _choices(inner, [c - start - 1 for c in commas])
        if choices is not None:
            rests = _variants(after)
            if len(choices) * len(rests) > MAX_WORDS:
                raise NotKnownError
            return [[*before, *choice, *rest] for choice in choices for rest in rests]
        if "}" in after and "," in after[: len(after) - after[::-1].index("}")]:
            raise NotKnownError  # bash looks for a later end
    return [tokens]


def _matching(tokens: list[Token], start: int) -> tuple[int | None, list[int]]:
    """The `}` of the `{` at `start`, and the commas between that are its own."""
    depth = 0
    commas: list[int] = []
    for index in range(start, len(tokens)):
        if tokens[index] == "{":
            depth += 1
        elif tokens[index] == "}":
            depth -= 1
            if depth == 0:
                return index, commas
        elif tokens[index] == "," and depth == 1:
            commas.append(index)
    return None, []


def _choices(inner: list[Token], commas: list[int]) -> list[list[Token]] | None:
    if commas:
        edges = [-1, *commas, len(inner)]
        pieces = [inner[a + 1 : b] for a, b in pairwise(edges)]
        return [variant for piece in pieces for variant in _variants(piece)]
    text = "".join(t for t in inner if isinstance(t, str))
    match = _SEQUENCE.fullmatch(text) if len(text) == len(inner) else None
    return None if match is None else [list(item) for item in _sequence(match)]


def _sequence(match: re.Match[str]) -> list[str]:
    first, last, step, low, high, letters = match.groups()
    start, stop = (int(first), int(last)) if first else (ord(low), ord(high))
    width = max(len(first), len(last)) if first and re.search(r"^-?0\d", f"{first}\n{last}", re.MULTILINE) else 0
    stride = max(1, abs(int(step or letters or 1)))
    numbers = range(start, stop + 1, stride) if start <= stop else range(start, stop - 1, -stride)
    if len(numbers) > MAX_WORDS:
        raise NotKnownError
    return [(f"{n:0{width}d}" if first else chr(n)) for n in numbers]


def _joined(tokens: list[Token]) -> tuple[WordPart, ...]:
    parts: list[WordPart] = []
    text = ""
    for token in [*tokens, None]:
        if isinstance(token, str):
            text += token
            continue
        if text:
            parts.append(_plain(text))
            text = ""
        if token is not None:
            parts.append(token)
    return tuple(parts)


def _plain(text: str) -> Literal:
    """Characters of a brace list as a literal of their own: nothing in them is quoted."""
    file = SourceFile(path=PurePosixPath("word"), text=text)
    return Literal(span=file.whole(), text=text, quoting=Quoting.NONE)
