"""Reading, second step: a logical line to keyword, flags and words, each with its place in the line.

Rules as BuildKit's parser has them (frontend/dockerfile/parser/split_command.go, line_parsers.go).
"""

import json
import re
from dataclasses import dataclass
from enum import Enum, auto

from migrate.dockerfile.instructions import Flag
from migrate.dockerfile.lines import WHITE_SPACE, LogicalLine, UnreadableError

_BETWEEN_FIELDS = "\t\v\f\r "
_FIELD = re.compile(rf"[^{_BETWEEN_FIELDS}]+")
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """`text` as the instruction gets it, and `start` to `end`, where it stands in the logical line."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The parts of a logical line; `rest` is what follows keyword and flags."""

    keyword: str
    flags: tuple[Flag, ...]
    rest: Word


class _Phase(Enum):
    SPACE = auto()
    WORD = auto()
    QUOTE = auto()


def split_head(line: LogicalLine, escape: str, start: int = 0) -> Head:
    """Keyword, flags and rest of `line` from `start` on (an ONBUILD holds a second instruction).

    Raises UnreadableError for a flag with characters outside ASCII, which builders garble.
    """
    match = _FIELD.match(line.text, start)
    if match is None:
        raise line.error("an instruction is missing")
    after = len(line.text) - len(line.text[match.end() :].lstrip(_BETWEEN_FIELDS))
    flags: list[Flag] = []
    while (word := _flag_word(line, after, escape)) is not None:
        after = word.end
        if word.text == "--":
            break
        name, equals, value = word.text.removeprefix("--").partition("=")
        flags.append(Flag(span=line.span(word.start, word.end), name=name, value=value if equals else None))
    after = len(line.text) - len(line.text[after:].lstrip(WHITE_SPACE))
    rest = Word(start=after, end=len(line.text), text=line.text[after:])
    # Python makes two letters of some, and S of a long s: only ASCII names an instruction.
    keyword = match[0].upper() if match[0].isascii() else match[0]
    return Head(keyword=keyword, flags=tuple(flags), rest=rest)


def _flag_word(line: LogicalLine, start: int, escape: str) -> Word | None:
    """The word at `start` if it begins with `--`: quotes taken off, escapes resolved."""
    text = line.text
    position = start = len(text) - len(text[start:].lstrip("\t\n\v\f\r "))
    if not text.startswith("--", start):
        return None
    value: list[str] = []
    quote = ""
    while position < len(text):
        char = text[position]
        if not char.isascii():
            raise UnreadableError("a flag with characters outside ASCII", line.span(start, position + 1))
        if not quote and char in "\t\n\v\f\r ":
            break
        position += 1
        if char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif char == escape:
            value.append(text[position : position + 1])
            position += 1
        else:
            value.append(char)
    return Word(start=start, end=min(position, len(text)), text="".join(value))


def whole(rest: Word) -> tuple[Word, ...]:
    return (rest,) if rest.text else ()


def split_fields(rest: Word) -> tuple[Word, ...]:
    """Words between blanks, as FROM, EXPOSE, VOLUME, COPY and ADD have them: quotes mean nothing here."""
    return tuple(
        Word(start=rest.start + m.start(), end=rest.start + m.end(), text=m[0]) for m in _FIELD.finditer(rest.text)
    )


def split_quoted(rest: Word, escape: str) -> tuple[Word, ...]:
    """Words as ENV, LABEL and ARG have them: blanks in quotes and after an escape belong to the word, and both stay
    in it. An escape at the very end is dropped."""
    text = rest.text
    words: list[Word] = []
    position = 0
    while position < len(text):
        if text[position] in WHITE_SPACE:
            position += 1
            continue
        end, dangling = _end_of_quoted(text, position, escape)
        kept = text[position : end - dangling]
        if kept:
            words.append(Word(start=rest.start + position, end=rest.start + end, text=kept))
        position = end
    return tuple(words)


def _end_of_quoted(text: str, position: int, escape: str) -> tuple[int, bool]:
    """Where the word at `position` ends, and whether its last character is an escape with nothing after it."""
    quote = ""
    while position < len(text):
        char = text[position]
        if not quote and char in WHITE_SPACE:
            break
        if char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif char == escape and quote != "'":
            if position + 1 == len(text):
                return len(text), True
            position += 1
        position += 1
    return position, False


def split_json(line: LogicalLine, rest: Word) -> tuple[Word, ...] | None:
    """The elements of a JSON array of strings; None where `rest` is no JSON array and so in shell form.

    Raises UnreadableError for an array with something else in it, and for an array with text after it: BuildKit until
    0.12 took the array and dropped the text, later ones take all of it for the shell form.
    """
    blank = len(rest.text) - len(rest.text.lstrip(WHITE_SPACE))
    rest = Word(start=rest.start + blank, end=rest.end, text=rest.text[blank:])
    if not rest.text.startswith("["):
        return None
    try:
        decoded, end = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode(rest.text)
    except ValueError:
        return None
    except RecursionError:
        decoded, end = [None], len(rest.text)
    if not all(isinstance(element, str) for element in decoded):
        raise UnreadableError("a JSON array may hold strings only", line.span(rest.start, rest.end))
    if end != len(rest.text):
        raise UnreadableError(
            "text after the JSON array: some builders drop it, others read all of it as a shell command",
            line.span(rest.start + end, rest.end),
        )
    return tuple(
        Word(start=rest.start + m.start(), end=rest.start + m.end(), text=_decode_string(m[0]))
        for m in _JSON_STRING.finditer(rest.text)
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _decode_string(literal: str) -> str:
    text = str(json.loads(literal))
    # Go puts a replacement character where an escape gives half of a pair.
    return _LONE_SURROGATE.sub("\ufffd", text) if "\\u" in literal else text
