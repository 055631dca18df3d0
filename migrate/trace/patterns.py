"""Shell patterns (`*.tar`, `[ab]?`) over known text: as `case`, `${x%…}`, `[[ == ]]` and file names use them (Bash manual,
3.5.8.1 Pattern Matching). Pure."""

import re
from collections.abc import Callable, Sequence

SPECIAL = re.compile(r"[*?\[]")
_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r" \t\n\r\f\v",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9A-Fa-f",
}


def to_regex(pieces: Sequence[tuple[str, bool]], *, path: bool = False) -> re.Pattern[str]:
    """`pieces` are texts, each with whether it is quoted (then it stands for itself). With `path`, `*` and `?` stop at `/`."""
    characters = [(c, quoted) for text, quoted in pieces for c in text]
    any_character = "[^/]" if path else "."
    result, at = "", 0
    while at < len(characters):
        character, quoted = characters[at]
        at += 1
        if quoted or character not in "*?[\\":
            result += re.escape(character)
        elif character == "*":
            result += any_character + "*"
        elif character == "?":
            result += any_character
        elif character == "\\":
            if at < len(characters):
                result += re.escape(characters[at][0])
                at += 1
        else:
            set_, at = _bracket(characters, at)
            result += set_
    return re.compile(result, re.DOTALL)


def _bracket(characters: list[tuple[str, bool]], at: int) -> tuple[str, int]:
    """The set behind `[` at `at`, and where it ends; a `[` without its end stands for itself."""
    start, negated = at, False
    if at < len(characters) and characters[at][0] in "!^" and not characters[at][1]:
        negated, at = True, at + 1
    inner, first = "", True
    while at < len(characters):
        character, quoted = characters[at]
        if character == "]" and not quoted and not first:
            return f"[{'^' if negated else ''}{inner}]", at + 1
        first = False
        rest = "".join(c for c, _ in characters[at : at + 12])
        named = re.match(r"\[:(\w+):\]", rest)
        if named and named[1] in _CLASSES:
            inner += _CLASSES[named[1]]
            at += len(named[0])
        else:
            inner += character if character == "-" and not quoted else re.escape(character)
            at += 1
    return re.escape("["), start


def without_prefix(text: str, pattern: re.Pattern[str], *, longest: bool) -> str:
    ends = range(len(text), -1, -1) if longest else range(len(text) + 1)
    return next((text[end:] for end in ends if pattern.fullmatch(text, 0, end)), text)


def without_suffix(text: str, pattern: re.Pattern[str], *, longest: bool) -> str:
    starts = range(len(text) + 1) if longest else range(len(text), -1, -1)
    return next((text[:start] for start in starts if pattern.fullmatch(text, start)), text)


def replaced(text: str, pattern: re.Pattern[str], replacement: str, *, where: str) -> str:
    """`${x/…/…}`: `where` is `` (the first), `/` (all), `#` (at the start), `%` (at the end); the longest match counts."""
    if where == "#":
        end = _longest(text, pattern, 0)
        return text if end is None else replacement + text[end:]
    if where == "%":
        start = next((s for s in range(len(text) + 1) if pattern.fullmatch(text, s)), None)
        return text if start is None else text[:start] + replacement
    if not text:
        return replacement if pattern.fullmatch("") else ""
    result, at = "", 0
    while at < len(text):
        end = _longest(text, pattern, at)
        if end is None or end == at:
            result += text[at]
            at += 1
            continue
        result += replacement
        at = end
        if where == "":
            break
    return result + text[at:]


def _longest(text: str, pattern: re.Pattern[str], start: int) -> int | None:
    return next((end for end in range(len(text), start - 1, -1) if pattern.fullmatch(text, start, end)), None)


def changed_case(text: str, operator: str, pattern: re.Pattern[str] | None) -> str:
    """`^ ^^ , ,,`: the first character or all, where the pattern matches it."""
    change: Callable[[str], str] = str.upper if operator[0] == "^" else str.lower

    def one(character: str) -> str:
        return change(character) if pattern is None or pattern.fullmatch(character) else character

    return "".join(map(one, text)) if len(operator) == 2 else one(text[:1]) + text[1:]
