"""Compilers whose output a command names: what a RUN of nothing else writes, and what it says that it reads.

Go, the C family, Rust and javac read sources and write the one thing that they are told to (`go help build`, gcc(1), rustc(1),
javac(1)); what they keep in caches beside it changes no result. What a script, make, npm or cargo does is told by no word of
theirs, so those are none of these.
"""

import posixpath
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate.shell.reader import read_script
from migrate.shell.syntax import (
    AndOr,
    ArithmeticCommand,
    CommandSubstitution,
    Literal,
    ProcessSubstitution,
    SimpleCommand,
    Word,
    walk,
)
from migrate.source import SourceFile, Span

_C_FAMILY = re.compile(r"(?:.*-)?(?:gcc|g\+\+|cc|c\+\+|clang|clang\+\+|tcc|musl-gcc|gfortran)(?:-[\d.]+)?")
_POLISHES = frozenset({"strip", "chmod", "upx"})
"""Commands that change the files that they name, and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compile:
    """One compiler's command, with those that polish what it made. `outputs` are absolute paths, each with all below it; `named`
    are all other paths that it names, absolute. `span` is its text in the one that was read."""

    outputs: tuple[str, ...]
    named: frozenset[str]
    span: Span


def read_compiles(text: str, directory: str | None) -> tuple[Compile, ...] | None:
    """The compiles that `&&` joins in `text`, which a shell runs in `directory` (None: not known); None where it does anything
    else, or where it isn't known what it writes."""
    source = SourceFile(path=PurePosixPath("RUN"), text=text)
    script, found = read_script(source)
    if script is None or found or script.comments or len(script.statements) != 1 or script.statements[0].background:
        return None
    command = script.statements[0].command
    commands = command.commands if isinstance(command, AndOr) else (command,)
    if isinstance(command, AndOr) and set(command.operators) != {"&&"}:
        return None
    compiles: list[Compile] = []
    for each in commands:
        if not isinstance(each, SimpleCommand) or not _is_plain(each):
            return None
        words = [_literal(w) for w in each.words]
        if words and words[0] in _POLISHES:
            last = compiles[-1] if compiles else None
            if last is None or not _polishes(words, last, directory):
                return None
            compiles[-1] = Compile(
                outputs=last.outputs, named=last.named, span=source.span(last.span.start, each.span.end)
            )
            continue
        outputs = _outputs(words)
        if not outputs:
            return None
        absolute = tuple(_joined(directory, o) for o in outputs)
        paths = {_joined(directory, w) for w in words[1:] if w is not None and not w.startswith("-")}
        known = tuple(a for a in absolute if a is not None)
        if len(known) < len(absolute):
            return None
        named = frozenset(p for p in paths if p is not None) - set(known)
        compiles.append(Compile(outputs=known, named=named, span=each.span))
    return tuple(compiles)


def covers(output: str, path: str) -> bool:
    """Whether `path` is `output`, lies in it, or holds it."""
    return output == path or is_below(path, output) or is_below(output, path)


def depends(later: Compile, earlier: Compile) -> bool:
    """Whether a compile speaks of what another wrote, or writes to the same place."""
    text = later.span.text
    return any(
        o in text or any(n == o or is_below(n, o) for n in later.named) or any(covers(o, own) for own in later.outputs)
        for o in earlier.outputs
    )


def is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


def _is_plain(command: SimpleCommand) -> bool:
    """Whether the command runs no other one, and writes nowhere by itself."""
    strange = (CommandSubstitution, ProcessSubstitution, ArithmeticCommand)
    return not command.redirections and not any(isinstance(n, strange) for n in walk(command))


def _literal(word: Word) -> str | None:
    if not all(isinstance(p, Literal) for p in word.parts):
        return None
    text = "".join(p.text for p in word.parts if isinstance(p, Literal))
    return None if re.search(r"[*?\[{~]", text) and "'" not in word.span.text else text


def _outputs(words: list[str | None]) -> tuple[str, ...] | None:
    """What a compiler is told to write; None where it is no compiler, or isn't told."""
    first = words[0] if words else None
    if first is None:
        return None
    if first == "go":
        return _of_go(words[1:])
    name = first.rpartition("/")[2]
    if name == "javac":
        return _after(words, "-d")
    return _after(words, "-o") if name == "rustc" or _C_FAMILY.fullmatch(name) else None


def _of_go(words: list[str | None]) -> tuple[str, ...] | None:
    """`go build -o`. Into a folder, a program goes under the last element of its package's path."""
    if (
        not words
        or words[0] != "build"
        or any(w is not None and w.startswith(("-C", "-toolexec", "-overlay")) for w in words)
    ):
        return None
    found = _after(words, "-o", joined=("-o=", "--o="))
    if found is None or not found[0].endswith("/"):
        return found
    packages = []
    for word in reversed(words[1:]):
        if word is None or word.startswith("-") or word == found[0]:
            break
        packages.append(word)
    names = [p.rstrip("/").rpartition("/")[2] for p in packages]
    if not names or any(not n or n.startswith(".") or "..." in n or n.endswith(".go") for n in names):
        return None
    return tuple(posixpath.join(found[0], n) for n in names)


def _after(words: list[str | None], option: str, joined: tuple[str, ...] = ()) -> tuple[str, ...] | None:
    """The one value of an option."""
    found: list[str | None] = []
    for at, word in enumerate(words):
        if word == option:
            found.append(words[at + 1] if at + 1 < len(words) else None)
        elif word is not None:
            found += [word.removeprefix(j) for j in joined if word.startswith(j)]
    value = found[0] if len(found) == 1 else None
    return (value,) if value else None


def _polishes(words: list[str | None], last: Compile, directory: str | None) -> bool:
    """Whether the files that a command names are what the one before it wrote."""
    files = [w for w in words[1:] if w is None or not w.startswith("-")]
    files = files[1:] if words[0] == "chmod" else files
    return bool(files) and all(w is not None and _joined(directory, w) in last.outputs for w in files)


def _joined(directory: str | None, path: str) -> str | None:
    if not path.startswith("/") and directory is None:
        return None
    return posixpath.normpath(posixpath.join(directory or "/", path))
