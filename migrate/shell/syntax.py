"""The shell tree that both readers build: what a script says, each node with its span.

Only data. What a node means is for `trace` to say.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from typing import Any

from migrate.source import SourceFile, Span


class Quoting(Enum):
    NONE = "none"
    SINGLE = "single"
    DOUBLE = "double"
    ANSI_C = "ansi-c"


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """Text after quote removal: backslashes and quotes are gone, `$'…'` is decoded. `quoted` text neither splits nor globs."""

    span: Span
    text: str
    quoting: Quoting


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """`$name`, `${name}`, `${name<operator><argument>}`, `${#name}`, `${!name}`, `${name[index]}`.

    `operator` is what stands behind the name, as written (`:-`, `-`, `:=`, `:+`, `:?`, `#`, `##`, `%`, `%%`, `/`, `//`,
    `/#`, `/%`, `:`, `^`, `^^`, `,`, `,,`, `@`), None for a plain one. For `/` and its kin `argument` is the pattern and
    `replacement` what comes in its place; for `:` they are offset and length.
    """

    span: Span
    name: str
    quoting: Quoting
    operator: str | None = None
    argument: "Word | None" = None
    replacement: "Word | None" = None
    length: bool = False
    indirect: bool = False
    index: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSubstitution:
    """`$( … )` or backticks."""

    span: Span
    body: "tuple[Statement, ...]"
    quoting: Quoting


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic:
    """`$(( … ))`; `text` is what stands between, as written."""

    span: Span
    text: str
    quoting: Quoting


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSubstitution:
    """`<( … )` or `>( … )`."""

    span: Span
    direction: str
    body: "tuple[Statement, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendedGlob:
    """`@(a|b)` and its kin, as written."""

    span: Span
    text: str


WordPart = Literal | Parameter | CommandSubstitution | Arithmetic | ProcessSubstitution | ExtendedGlob


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word as written; neighbouring literals of the same quoting are joined. An empty quoted word has one empty literal."""

    span: Span
    parts: tuple[WordPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """`name=value`, `name+=value`, `name[index]=value`, `name=(a b)`; `value` is None for an array and for `export name`."""

    span: Span
    name: str
    value: Word | None
    append: bool = False
    index: str | None = None
    array: tuple[Word, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HereDocument:
    """The body of `<<WORD`. `expands` is false where the delimiter was quoted; with `<<-`, tabs are stripped from `body`."""

    span: Span
    delimiter: str
    expands: bool
    body: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirection:
    """`fd` is None where the operator's default counts; `target` is None for a here-document."""

    span: Span
    operator: str
    fd: int | None
    target: Word | None
    here_document: HereDocument | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleCommand:
    """Assignments, words, redirections in the order of their kind.

    `export`, `local`, `declare`, `readonly`, `typeset` are simple commands too: their `name=value` words are `words`
    that begin with a literal `name=`; an array in one (`declare -a x=(1 2)`) is an Assignment in `declared`.
    """

    span: Span
    assignments: tuple[Assignment, ...]
    words: tuple[Word, ...]
    redirections: tuple[Redirection, ...]
    declared: tuple[Assignment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Two or more commands joined by `|` (or `|&`), or one negated by `!`."""

    span: Span
    commands: "tuple[Command, ...]"
    negated: bool = False
    timed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AndOr:
    """`a && b || c`: `operators[i]` stands between `commands[i]` and `commands[i + 1]`."""

    span: Span
    commands: "tuple[Command, ...]"
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """`{ …; }`."""

    span: Span
    body: "tuple[Statement, ...]"
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subshell:
    """`( … )`."""

    span: Span
    body: "tuple[Statement, ...]"
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One `if`/`elif` with its condition."""

    span: Span
    condition: "tuple[Statement, ...]"
    body: "tuple[Statement, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class If:
    """`otherwise` is None without an `else`."""

    span: Span
    branches: tuple[Branch, ...]
    otherwise: "tuple[Statement, ...] | None"
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class For:
    """`for name in words`; `words` is None for `for name` (the positional parameters). `select` gives `is_select`."""

    span: Span
    name: str
    words: tuple[Word, ...] | None
    body: "tuple[Statement, ...]"
    is_select: bool = False
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArithmeticFor:
    """`for (( a; b; c ))`; `text` is what stands between the parentheses."""

    span: Span
    text: str
    body: "tuple[Statement, ...]"
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class While:
    """`while`, or `until` where `until` is true."""

    span: Span
    condition: "tuple[Statement, ...]"
    body: "tuple[Statement, ...]"
    until: bool = False
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseItem:
    """`terminator` is `;;`, `;&` or `;;&` (`;;` where the last item has none)."""

    span: Span
    patterns: tuple[Word, ...]
    body: "tuple[Statement, ...]"
    terminator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    span: Span
    subject: Word
    items: tuple[CaseItem, ...]
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    span: Span
    name: str
    body: "Command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """`[[ … ]]`: operands and operators in order, operators as Literal words with the quoting NONE."""

    span: Span
    words: tuple[Word, ...]
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArithmeticCommand:
    """`(( … ))` and `let`."""

    span: Span
    text: str
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A piece that the tree has no node for (`coproc`), with the reason; `told` where the reader has given a diagnostic of
    its own."""

    span: Span
    reason: str
    told: bool = False


Command = (
    SimpleCommand
    | Pipeline
    | AndOr
    | Group
    | Subshell
    | If
    | For
    | ArithmeticFor
    | While
    | Case
    | Function
    | Test
    | ArithmeticCommand
    | Unreadable
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A command with what ends it. `span` covers the command alone; `end` is the offset behind its `;` or `&`, if any."""

    span: Span
    command: Command
    background: bool = False
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """From `#` to the end of the line, without the line end. The first line's `#!` is one too."""

    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A whole file (or a piece of one): statements and comments, both in order."""

    source: SourceFile
    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...]


Node = Command | Statement | Word | WordPart | Assignment | Redirection | HereDocument | Branch | CaseItem


def placed(node: Any, file: SourceFile, place: Span | None = None) -> Any:
    """`node` with its spans in `file`: at the same offsets, or all at `place`."""
    if isinstance(node, Span):
        return place if place is not None else file.span(node.start, node.end)
    if isinstance(node, tuple):
        return tuple(placed(n, file, place) for n in node)
    if is_dataclass(node) and not isinstance(node, type):
        return replace(node, **{f.name: placed(getattr(node, f.name), file, place) for f in fields(node)})
    return node


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below it, in the order in which it stands."""
    yield node
    for field in fields(node):
        value = getattr(node, field.name)
        for inner in value if isinstance(value, tuple) else (value,):
            if is_dataclass(inner) and not isinstance(inner, Span):
                yield from walk(inner)  # type: ignore[arg-type]
