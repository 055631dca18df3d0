"""Trees as short text, so that a table of expectations can be read; and a walk over all nodes."""

import dataclasses
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from migrate.shell.syntax import (
    AndOr,
    Arithmetic,
    ArithmeticCommand,
    ArithmeticFor,
    Assignment,
    Case,
    Command,
    CommandSubstitution,
    ExtendedGlob,
    For,
    Function,
    Group,
    If,
    Literal,
    Parameter,
    Pipeline,
    ProcessSubstitution,
    Quoting,
    Redirection,
    SimpleCommand,
    Statement,
    Subshell,
    Test,
    Unreadable,
    While,
    Word,
)
from migrate.source import SourceFile, Span

_QUOTES = {Quoting.NONE: "", Quoting.SINGLE: "'", Quoting.DOUBLE: '"', Quoting.ANSI_C: "$'"}


def source(text: str) -> SourceFile:
    return SourceFile(path=PurePosixPath("build.sh"), text=text)


def walk(node: object) -> Iterator[Any]:
    """Each dataclass of the tree, spans and files left out."""
    if isinstance(node, tuple):
        for part in node:
            yield from walk(part)
    elif dataclasses.is_dataclass(node) and not isinstance(node, Span | SourceFile | type):
        yield node
        for field in dataclasses.fields(node):
            yield from walk(getattr(node, field.name))


def sketch(statements: tuple[Statement, ...]) -> str:
    """Words parted by blanks, literals in their quotes, commands parted by `;`, compounds in `<kind …>`."""
    return " ; ".join(command(s.command) + (" &" if s.background else "") for s in statements)


def command(node: Command) -> str:  # noqa: PLR0911 — one line a kind
    match node:
        case SimpleCommand():
            pieces = [*map(assignment, node.assignments), *map(word, node.words), *map(assignment, node.declared)]
            return " ".join([*pieces, *map(redirection, node.redirections)])
        case Pipeline(commands=commands, negated=negated, timed=timed):
            return f"<{'time ' * timed}{'! ' * negated}{' | '.join(map(command, commands))}>"
        case AndOr(commands=commands, operators=operators):
            rest = "".join(f" {o} {command(c)}" for o, c in zip(operators, commands[1:], strict=True))
            return f"<{command(commands[0])}{rest}>"
        case Group():
            return compound(node, "group", node.body)
        case Subshell():
            return compound(node, "subshell", node.body)
        case If(branches=branches, otherwise=otherwise):
            tests = [f"if {sketch(b.condition)} then {sketch(b.body)}" for b in branches]
            return compound(node, *tests, *([f"else {sketch(otherwise)}"] if otherwise is not None else []))
        case For(name=name, words=words, is_select=select):
            among = "" if words is None else " in " + " ".join(map(word, words))
            return compound(node, f"{'select' if select else 'for'} {name}{among} do", node.body)
        case ArithmeticFor(text=text):
            return compound(node, f"for (({text})) do", node.body)
        case While(condition=condition, until=until):
            return compound(node, f"{'until' if until else 'while'} {sketch(condition)} do", node.body)
        case Case(subject=subject, items=items):
            rows = [f"{'|'.join(map(word, i.patterns))}) {sketch(i.body)} {i.terminator}" for i in items]
            return compound(node, f"case {word(subject)}", *rows)
        case Function(name=name, body=body):
            return f"<function {name} {command(body)}>"
        case Test(words=words):
            return compound(node, "test", *map(word, words))
        case ArithmeticCommand(text=text):
            return compound(node, f"(({text}))")
        case Unreadable(reason=reason):
            return f"<unreadable: {reason}>"


def compound(node: Any, *pieces: str | tuple[Statement, ...]) -> str:
    texts = [p if isinstance(p, str) else sketch(p) for p in pieces]
    return " ".join([f"<{' '.join(texts)}>", *map(redirection, node.redirections)])


def assignment(node: Assignment) -> str:
    index = "" if node.index is None else f"[{node.index}]"
    value = f"({' '.join(map(word, node.array))})" if node.array is not None else word(node.value) if node.value else ""
    return f"{{{node.name}{index}{'+' * node.append}={value}}}"


def redirection(node: Redirection) -> str:
    fd = "" if node.fd is None else str(node.fd)
    if node.here_document:
        here = node.here_document
        return f"{fd}{node.operator}{here.delimiter}{'' if here.expands else '!'}[{word(here.body)}]"
    return f"{fd}{node.operator}{word(node.target) if node.target else ''}"


def word(node: Word) -> str:
    return "".join(part(p) for p in node.parts)


def part(node: Any) -> str:
    quote = _QUOTES[node.quoting] if hasattr(node, "quoting") else ""
    match node:
        case Literal(text=text):
            return f"{quote}{text}{quote[-1:]}"
        case Parameter():
            name = f"{'#' * node.length}{'!' * node.indirect}{node.name}"
            name += "" if node.index is None else f"[{node.index}]"
            if node.operator is None:
                return f"{quote}${{{name}}}{quote[-1:]}"
            argument = word(node.argument) if node.argument else ""
            replacement = f" -> {word(node.replacement)}" if node.replacement else ""
            return f"{quote}${{{name} {node.operator} {argument}{replacement}}}{quote[-1:]}"
        case CommandSubstitution(body=body):
            return f"{quote}$({sketch(body)}){quote[-1:]}"
        case Arithmetic(text=text):
            return f"{quote}$(({text})){quote[-1:]}"
        case ProcessSubstitution(direction=direction, body=body):
            return f"{direction}({sketch(body)})"
        case ExtendedGlob(text=text):
            return f"<glob {text}>"
        case _:
            raise AssertionError(node)
