"""What ordinary commands may do, as far as a trace must know it: data and a look through a tree."""

import re
from collections.abc import Iterator
from typing import assert_never

from migrate.shell.syntax import (
    AndOr,
    ArithmeticCommand,
    ArithmeticFor,
    Case,
    Command,
    CommandSubstitution,
    For,
    Function,
    Group,
    If,
    Literal,
    Pipeline,
    ProcessSubstitution,
    Redirection,
    SimpleCommand,
    Statement,
    Subshell,
    Test,
    Unreadable,
    While,
    Word,
)

HARMLESS = frozenset(
    "echo printf true : false exit return test [ sleep date pwd hostname id whoami uname which type hash"
    " cat ls wc head tail grep basename dirname readlink realpath seq sort uniq tr cut du df stat file md5sum sha256sum"
    " wait times ulimit break continue tput clear nproc curl".split()
)
"""Commands that change no file of the build and no image, as long as their output isn't redirected to one. `curl` writes
to standard output unless told a file (`is_harmless` looks)."""

GIT_READERS = frozenset(
    "rev-parse describe log status show diff branch tag config symbolic-ref ls-files remote name-rev rev-list".split()
)
"""git's subcommands that leave the work tree alone."""

_CLIENT = re.compile(
    r"\b(?:docker|docker-compose|podman|nerdctl|buildah)\b|\$\{?\w*(?:docker|podman)\w*", re.IGNORECASE
)


def is_harmless(words: list[str]) -> bool:
    """Whether the command changes neither files nor images; `words` are its texts, NUL for what isn't known."""
    if not words:
        return True
    name = words[0]
    if name == "git":
        return len(words) > 1 and words[1] in GIT_READERS
    if name == "curl":
        return not any(
            (w.startswith("-") and not w.startswith("--") and ("o" in w.lower()))
            or w.startswith("--output")
            or w == "--remote-name"
            for w in words
        )
    return name in HARMLESS


def mentions_client(text: str) -> bool:
    """Whether source text names a container client as a word of its own, or a variable named for one."""
    return _CLIENT.search(text) is not None


def simple_commands(node: Command) -> Iterator[SimpleCommand]:
    """Every simple command within, those inside substitutions too."""
    match node:
        case SimpleCommand():
            yield node
            for word in (*node.words, *(a.value for a in node.assignments if a.value)):
                yield from _in_word(word)
            yield from _in_redirections(node.redirections)
        case Pipeline(commands=commands) | AndOr(commands=commands):
            for command in commands:
                yield from simple_commands(command)
        case Group(body=body) | Subshell(body=body) | For(body=body) | ArithmeticFor(body=body):
            yield from _in_body(body)
            yield from _in_redirections(node.redirections)
        case If(branches=branches, otherwise=otherwise):
            for branch in branches:
                yield from _in_body((*branch.condition, *branch.body))
            yield from _in_body(otherwise or ())
        case While(condition=condition, body=body):
            yield from _in_body((*condition, *body))
        case Case(subject=subject, items=items):
            yield from _in_word(subject)
            for item in items:
                yield from _in_body(item.body)
        case Function(body=inner):
            yield from simple_commands(inner)
        case Test(words=words):
            for word in words:
                yield from _in_word(word)
        case ArithmeticCommand() | Unreadable():
            return
        case _:
            assert_never(node)


def _in_body(body: tuple[Statement, ...]) -> Iterator[SimpleCommand]:
    for statement in body:
        yield from simple_commands(statement.command)


def _in_word(word: Word) -> Iterator[SimpleCommand]:
    for part in word.parts:
        if isinstance(part, CommandSubstitution | ProcessSubstitution):
            yield from _in_body(part.body)


def _in_redirections(redirections: tuple[Redirection, ...]) -> Iterator[SimpleCommand]:
    for redirection in redirections:
        if redirection.target is not None:
            yield from _in_word(redirection.target)


def literal_words(command: SimpleCommand) -> list[str]:
    """The command's words where they are plain text, NUL where they aren't."""
    return ["".join(p.text if isinstance(p, Literal) else "\0" for p in word.parts) for word in command.words]


def assigned_names(node: Command) -> set[str]:
    """Variables that something within may set."""
    names = set()
    if isinstance(node, For):
        names.add(node.name)
    for command in simple_commands(node):
        names |= {a.name for a in (*command.assignments, *command.declared)}
        words = literal_words(command)
        if words and words[0] in ("export", "declare", "local", "readonly", "typeset", "read", "unset", "getopts"):
            names |= {w.partition("=")[0] for w in words[1:] if not w.startswith("-")}
    names |= _loop_names(node)
    return names


def _loop_names(node: Command) -> set[str]:
    match node:
        case For(name=name, body=body):
            return {name}.union(*(_loop_names(s.command) for s in body))
        case Group(body=body) | Subshell(body=body) | While(body=body) | ArithmeticFor(body=body):
            return set().union(*(_loop_names(s.command) for s in body))
        case If(branches=branches, otherwise=otherwise):
            bodies = [s for b in branches for s in (*b.condition, *b.body)] + list(otherwise or ())
            return set().union(*(_loop_names(s.command) for s in bodies))
        case Case(items=items):
            return set().union(*(_loop_names(s.command) for i in items for s in i.body))
        case Pipeline(commands=commands) | AndOr(commands=commands):
            return set().union(*(_loop_names(c) for c in commands))
        case Function(body=inner):
            return _loop_names(inner)
        case _:
            return set()
