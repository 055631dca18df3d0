"""Reading, last step: an instruction's words, and what BuildKit refuses (frontend/dockerfile/instructions/parse.go)."""

import re

from migrate.dockerfile.heredocs import is_announcement
from migrate.dockerfile.lines import LogicalLine, UnreadableError
from migrate.dockerfile.words import Head, Word, split_fields, split_head, split_json, split_quoted, whole

_VALUELESS_FLAGS = frozenset({"link", "parents", "keep-git-dir", "unpack"})
_REPEATED_FLAGS = frozenset({"mount", "exclude", "device"})
_COPY_FLAGS = frozenset({"from", "chown", "chmod", "link", "parents", "exclude"})
_ADD_FLAGS = frozenset({"chown", "chmod", "link", "keep-git-dir", "checksum", "unpack", "exclude"})
_HEALTH_FLAGS = frozenset({"interval", "timeout", "start-period", "start-interval", "retries"})

# The instructions there are, each with the flags it takes.
FLAGS: dict[str, frozenset[str]] = {
    "ADD": _ADD_FLAGS,
    "ARG": frozenset(),
    "CMD": frozenset(),
    "COPY": _COPY_FLAGS,
    "ENTRYPOINT": frozenset(),
    "ENV": frozenset(),
    "EXPOSE": frozenset(),
    "FROM": frozenset({"platform"}),
    "HEALTHCHECK": _HEALTH_FLAGS,
    "LABEL": frozenset(),
    "MAINTAINER": frozenset(),
    "ONBUILD": frozenset(),
    "RUN": frozenset({"mount", "network", "security", "device"}),
    "SHELL": frozenset(),
    "STOPSIGNAL": frozenset(),
    "USER": frozenset(),
    "VOLUME": frozenset(),
    "WORKDIR": frozenset(),
}
_STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*")
_NO_TRIGGERS = ("ONBUILD", "FROM", "MAINTAINER")


def read_arguments(line: LogicalLine, head: Head, escape: str) -> tuple[tuple[Word, ...], bool]:
    """The words of an instruction, and whether they are a JSON array.

    Raises UnreadableError where docker refuses the instruction.
    """
    if head.keyword not in FLAGS:
        raise UnreadableError(f"unknown instruction `{head.keyword}`", line.span(0, len(head.keyword)))
    words, is_json = _split(line, head, escape)
    _check_flags(head)
    _check_count(line, head, words)
    match head.keyword:
        case "FROM":
            _check_from(line, words)
        case "COPY" | "ADD" if not is_json and is_announcement(words[-1].text):
            raise line.error(f"`{head.keyword}` has a here-document as its destination")
        case "VOLUME" if not all(word.text.strip() for word in words):
            raise line.error("`VOLUME` has an empty path")
        case "SHELL" if not is_json:
            raise line.error("`SHELL` needs a JSON array")
        case "ENV" | "LABEL":
            _check_pairs(line, head, words)
        case "ARG" if any(word.text.startswith("=") for word in words):
            raise line.error("`ARG` has an empty name")
        case "HEALTHCHECK":
            _check_health(line, words, is_json=is_json)
        case "ONBUILD":
            _check_trigger(line, head, escape)
        case _:
            pass
    return words, is_json


def _split(line: LogicalLine, head: Head, escape: str) -> tuple[tuple[Word, ...], bool]:
    rest = head.rest
    match head.keyword:
        case "RUN" | "CMD" | "ENTRYPOINT" | "SHELL":
            words = split_json(line, rest)
            return (whole(rest), False) if words is None else (words, True)
        case "COPY" | "ADD" | "VOLUME":
            words = split_json(line, rest)
            return (split_fields(rest), False) if words is None else (words, True)
        case "HEALTHCHECK":
            fields = split_fields(rest)
            if len(fields) > 1:
                command = Word(start=fields[1].start, end=rest.end, text=line.text[fields[1].start : rest.end])
                words = split_json(line, command)
                if words is not None:
                    return (fields[0], *words), True
            return whole(rest), False
        case "FROM" | "EXPOSE":
            return split_fields(rest), False
        case "ENV" | "LABEL":
            return _pairs(rest, escape), False
        case "ARG":
            return split_quoted(rest, escape), False
        case _:
            return whole(rest), False


def _pairs(rest: Word, escape: str) -> tuple[Word, ...]:
    """`key=value …`, or the old form: a key and all the rest."""
    words = split_quoted(rest, escape)
    if not words or "=" in words[0].text:
        return words
    fields = split_fields(rest)
    if len(fields) == 1:
        return fields
    return fields[0], Word(start=fields[1].start, end=rest.end, text=rest.text[fields[1].start - rest.start :])


def _check_flags(head: Head) -> None:
    if head.keyword in ("ARG", "STOPSIGNAL"):
        return  # docker drops theirs unread
    seen: set[str] = set()
    for flag in head.flags:
        if flag.name not in FLAGS[head.keyword]:
            raise UnreadableError(f"`{head.keyword}` has no flag `--{flag.name}`", flag.span)
        if flag.name in seen and flag.name not in _REPEATED_FLAGS:
            raise UnreadableError(f"the flag `--{flag.name}` is given twice", flag.span)
        if flag.value is None and flag.name not in _VALUELESS_FLAGS:
            raise UnreadableError(f"the flag `--{flag.name}` needs a value", flag.span)
        seen.add(flag.name)


def _check_count(line: LogicalLine, head: Head, words: tuple[Word, ...]) -> None:
    if head.keyword in ("RUN", "CMD", "ENTRYPOINT"):
        return  # an empty one is allowed, and takes the base image's away
    if not words:
        raise line.error(f"`{head.keyword}` needs an argument")
    if head.keyword in ("COPY", "ADD") and len(words) < 2:
        raise line.error(f"`{head.keyword}` needs a source and a destination")


def _check_from(line: LogicalLine, words: tuple[Word, ...]) -> None:
    if len(words) == 1:
        return
    if len(words) != 3 or words[1].text.lower() != "as":
        raise line.error("`FROM` takes an image, or an image, `AS` and a name")
    if _STAGE_NAME.fullmatch(words[2].text.lower()) is None:
        raise UnreadableError(f"invalid stage name `{words[2].text}`", line.span(words[2].start, words[2].end))


def _check_pairs(line: LogicalLine, head: Head, words: tuple[Word, ...]) -> None:
    if "=" not in words[0].text:
        if len(words) != 2:
            raise line.error(f"`{head.keyword}` needs a value")
        return
    for word in words:
        key, equals, _ = word.text.partition("=")
        if not equals:
            raise UnreadableError(f"`{word.text}` has no `=`", line.span(word.start, word.end))
        if not key:
            raise UnreadableError(f"`{head.keyword}` has an empty name", line.span(word.start, word.end))


def _check_health(line: LogicalLine, words: tuple[Word, ...], *, is_json: bool) -> None:
    parts = [word.text for word in (words if is_json else split_fields(words[0]))]
    match parts[0].upper():
        case "NONE" if len(parts) == 1:
            return
        case "CMD" if len(parts) > 1:
            return
        case "NONE":
            raise line.error("`HEALTHCHECK NONE` takes no argument")
        case "CMD":
            raise line.error("`HEALTHCHECK CMD` needs a command")
        case _:
            raise line.error("`HEALTHCHECK` takes `NONE` or `CMD`")


def _check_trigger(line: LogicalLine, head: Head, escape: str) -> None:
    trigger = split_head(line, escape, head.rest.start)
    if trigger.keyword in _NO_TRIGGERS:
        raise line.error(f"`{trigger.keyword}` can't be an ONBUILD trigger")
    words, _ = _split(line, trigger, escape)
    if trigger.keyword in ("ENV", "LABEL") and words:
        _check_pairs(line, trigger, words)
