"""Reading: a Dockerfile's text to stages of instructions. The one module that imports dockerfile-parse.

Input: a SourceFile; output: a Dockerfile, or diagnostics that say where it does not parse. Pure, and no text
raises. dockerfile-parse says which lines belong to one instruction; places inside them are found here.
"""

import re
from io import BytesIO

from migrate import rules
from migrate.diagnostics import Diagnostic, Label
from migrate.dockerfile.checks import read_arguments
from migrate.dockerfile.heredocs import here_documents
from migrate.dockerfile.instructions import Argument, Dockerfile, Instruction, Stage
from migrate.dockerfile.lines import (
    LogicalLine,
    UnreadableError,
    check_line_lengths,
    continuation,
    is_blank,
    is_comment,
    line_bounds,
    logical_line,
    read_directives,
)
from migrate.dockerfile.words import Word, split_head
from migrate.source import SourceFile

_COMMENT = "#"
_NOT_PLAIN = re.compile(r"[^\t\x20-\x7e]")


def read_dockerfile(source: SourceFile) -> tuple[Dockerfile | None, tuple[Diagnostic, ...]]:
    """The Dockerfile in `source`; None and MS111 for each place where docker would not read it."""
    try:
        check_line_lengths(source)
        directives = read_directives(source)
    except UnreadableError as error:
        return None, (_diagnostic(error),)
    escape = next((d.value for d in directives if d.name == "escape"), "\\")
    instructions: list[Instruction] = []
    errors: list[UnreadableError] = []
    for first, last in _line_ranges(source, escape):
        try:
            instructions.append(_instruction(source, first, last, escape))
        except UnreadableError as error:
            errors.append(error)
    errors = errors or _order_errors(source, instructions)
    if errors:
        return None, tuple(_diagnostic(error) for error in errors)
    starts = [i for i, instruction in enumerate(instructions) if instruction.keyword == "FROM"]
    ends = [*starts[1:], len(instructions)]
    stages = tuple(
        _stage(index, instructions[start], tuple(instructions[start + 1 : end]))
        for index, (start, end) in enumerate(zip(starts, ends, strict=True))
    )
    read = Dockerfile(
        source=source,
        directives=directives,
        escape=escape,
        global_arguments=tuple(instructions[: starts[0]]),
        stages=stages,
    )
    return read, ()


def _line_ranges(source: SourceFile, escape: str) -> list[tuple[int, int]]:
    """First and last line (from 1) of each instruction, here-documents left out."""
    from dockerfile_parse import DockerfileParser  # 25 ms that `--help` need not pay

    parser = DockerfileParser(fileobj=BytesIO(_prepare(source, escape).encode("ascii")))
    return [
        (part["startline"] + 1, part["endline"] + 1) for part in parser.structure if part["instruction"] != "COMMENT"
    ]


def _prepare(source: SourceFile, escape: str) -> str:
    """`source` line by line in a form in which dockerfile-parse finds the same line ranges as BuildKit.

    It takes a blank line for the end of a continuation, the body of a here-document for instructions, two escape
    characters at the end of a line for a continuation, and drops an instruction that the end of the file cuts off; it
    knows no `check` directive and splits at white space that docker doesn't.
    """
    prepared: list[str] = [
        f"# escape={escape}" if d.name == "escape" else "# syntax=-" for d in read_directives(source)
    ]
    number = len(prepared) + 1
    while number <= source.line_count:
        start, end = line_bounds(source, number)
        line = source.text[start:end]
        if is_blank(line) or is_comment(line):
            prepared.append(_COMMENT)
            number += 1
            continue
        lines = _prepare_instruction(source, number, escape)
        prepared += lines
        after = number + len(lines)
        number = _after_here_documents(source, number, after, escape)
        prepared += [_COMMENT] * (number - after)
    return "".join(f"{line}\n" for line in prepared)


def _prepare_instruction(source: SourceFile, first: int, escape: str) -> list[str]:
    prepared: list[str] = []
    for number in range(first, source.line_count + 1):
        start, end = line_bounds(source, number)
        line = source.text[start:end]
        if number > first and (is_blank(line) or is_comment(line)):
            prepared.append(_COMMENT)
            continue
        continues = continuation(line, escape) is not None
        plain = _NOT_PLAIN.sub("_", line).rstrip()
        prepared.append(plain if continues else plain.removesuffix(escape) + ".")
        if not continues:
            return prepared
    # The file ends inside a continuation: its last line closes it.
    return [*prepared[:-1], "."]


def _after_here_documents(source: SourceFile, first: int, after: int, escape: str) -> int:
    """The line after the here-documents of an instruction; the end of the file where it can't be read."""
    try:
        line = logical_line(source, first, after - 1, escape)
        return here_documents(line, split_head(line, escape), escape, after)[1]
    except UnreadableError:
        return source.line_count + 1


def _instruction(source: SourceFile, first: int, last: int, escape: str) -> Instruction:
    line = logical_line(source, first, last, escape)
    head = split_head(line, escape)
    words, is_json = read_arguments(line, head, escape)
    documents, after = here_documents(line, head, escape, last + 1)
    return Instruction(
        span=source.span(line.offsets[0], line_bounds(source, after - 1)[1]),
        keyword=head.keyword,
        flags=head.flags,
        arguments=tuple(_argument(line, word) for word in words),
        json=is_json,
        text=head.rest.text,
        here_documents=documents,
    )


def _argument(line: LogicalLine, word: Word) -> Argument:
    return Argument(span=line.span(word.start, word.end), text=word.text)


def _stage(index: int, instruction: Instruction, rest: tuple[Instruction, ...]) -> Stage:
    last = rest[-1] if rest else instruction
    return Stage(
        index=index,
        span=instruction.span.file.span(instruction.span.start, last.span.end),
        instruction=instruction,
        image=instruction.arguments[0],
        name=instruction.arguments[2] if len(instruction.arguments) == 3 else None,
        instructions=rest,
    )


def _order_errors(source: SourceFile, instructions: list[Instruction]) -> list[UnreadableError]:
    """Instructions before the first FROM that are no ARG, or the FROM that isn't there."""
    if not instructions:
        return [UnreadableError("the file has no instruction", source.span(0, 0))]
    errors: list[UnreadableError] = []
    for instruction in instructions:
        if instruction.keyword == "FROM":
            return errors
        if instruction.keyword != "ARG":
            errors.append(UnreadableError(f"`{instruction.keyword}` before the first `FROM`", instruction.span))
    return errors or [UnreadableError("the file has no `FROM`", instructions[-1].span)]


def _diagnostic(error: UnreadableError) -> Diagnostic:
    return Diagnostic(rule=rules.DOCKERFILE_UNREADABLE, message=error.message, primary=Label(span=error.span))
