"""BuildKit's own parser (package `dockerfile`) as the oracle, and ours in the form that it has."""

import importlib.util
import re
from pathlib import PurePosixPath

import pytest

from migrate.dockerfile.expand import environment_pairs
from migrate.dockerfile.instructions import Dockerfile, Instruction
from migrate.dockerfile.reader import read_dockerfile
from migrate.source import SourceFile, encode

needs_oracle = pytest.mark.skipif(
    importlib.util.find_spec("dockerfile") is None, reason="BuildKit's parser has a wheel for x86_64 only"
)
Row = tuple[str, int, int, tuple[str, ...], bool, tuple[str, ...], tuple[tuple[str, str], ...]]


def source(text: str) -> SourceFile:
    return SourceFile(path=PurePosixPath("Dockerfile"), text=text)


def read(text: str) -> Dockerfile:
    parsed, diagnostics = read_dockerfile(source(text))
    assert parsed is not None, diagnostics
    return parsed


def oracle_rows(text: str) -> tuple[Row, ...] | None:
    """What BuildKit's parser reads; None where it refuses."""
    import dockerfile  # not there on every machine

    try:
        commands = dockerfile.parse_string(encode(text).decode("utf-8", "replace"))
    except dockerfile.GoParseError:
        return None
    if not all(command.cmd for command in commands):
        return None  # a continuation of nothing: refused one step later
    return tuple(
        (
            command.cmd.upper(),
            command.start_line,
            command.end_line,
            tuple(command.flags),
            command.json,
            _oracle_value(command.cmd.upper(), command.value, command.original),
            tuple((document.name, document.content) for document in command.heredocs),
        )
        for command in commands
    )


def _oracle_value(keyword: str, value: tuple[str, ...], original: str) -> tuple[str, ...]:
    if keyword != "ONBUILD":
        return value
    head = original.split("\n", maxsplit=1)[0].strip() if "<<" in original else original.strip()
    return tuple(head.split(maxsplit=1)[1:])


def our_rows(parsed: Dockerfile) -> tuple[Row, ...]:
    return tuple(_our_row(parsed, instruction) for instruction in parsed.instructions)


def _our_row(parsed: Dockerfile, instruction: Instruction) -> Row:
    span = instruction.span
    return (
        instruction.keyword,
        span.position.line,
        parsed.source.position(span.end).line,
        tuple(f"--{flag.name}" + ("" if flag.value is None else f"={flag.value}") for flag in instruction.flags),
        instruction.json or _trigger_is_json(instruction),
        _our_value(instruction),
        tuple((d.name, _between(d.span.text)) for d in instruction.here_documents if instruction.keyword != "ONBUILD"),
    )


def _between(text: str) -> str:
    """The body of a here-document as it stands in the file: all lines but the closing one."""
    return text[: text.rfind("\n") + 1]


def _trigger_is_json(instruction: Instruction) -> bool:
    """The oracle says of an ONBUILD whether its trigger is in JSON form; ours is a text."""
    if instruction.keyword != "ONBUILD":
        return False
    parsed, _ = read_dockerfile(source(f"FROM x\n{instruction.text}\n"))
    return parsed is not None and parsed.stages[0].instructions[0].json


def _our_value(instruction: Instruction) -> tuple[str, ...]:
    match instruction.keyword:
        case "ENV" | "LABEL":
            return tuple(part for pair in environment_pairs(instruction) for part in pair)
        case "HEALTHCHECK" if not instruction.json:
            return tuple(re.split("[\t\v\f\r ]+", instruction.text, maxsplit=1))
        case _:
            return tuple(argument.text for argument in instruction.arguments)


def without_continuations(text: str, escape: str = "\\") -> str:
    """A piece of a source with its continuations joined, written apart from the reader: by regular expression."""
    mark, blank = re.escape(escape), "\t\v\f\r \u00a0\u2028"
    text = re.sub(rf"(?<!{mark}){mark}[ \t]*\r*\n(?:[{blank}]*(?:#[^\n]*)?\n)*", "\0", text)
    return text.replace("\0", "")
