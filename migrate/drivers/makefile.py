"""A Makefile as a tree: what stands where, nothing expanded (GNU make manual, 3 to 6).

Left out: `load`, `guile`, `.RECIPEPREFIX`, and directives that only an expansion would bring up; `trace.make` says so where it
meets them. Raises nothing: what is no directive and no assignment is a Rule, and what that means an expansion decides.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate.source import SourceFile, Span

OPERATORS = ("=", ":=", "::=", ":::=", "?=", "+=", "!=")
_CONDITIONALS = {"ifeq", "ifneq", "ifdef", "ifndef"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """`name operator value`; `modifiers` are those of `export`, `override`, `private` and `define` before it."""

    span: Span
    name: str
    operator: str
    value: str
    modifiers: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """`ifeq`, `ifneq`, `ifdef`, `ifndef` with what stands behind it, up to `else` and up to `endif`."""

    span: Span
    kind: str
    argument: str
    then: "tuple[Node, ...]"
    otherwise: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    span: Span
    names: str
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """`export names` and `unexport names`; without names, all variables."""

    span: Span
    names: str
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Undefine:
    span: Span
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vpath:
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A line that isn't anything else. `span` is the whole of it, its comment left out: targets, prerequisites, a recipe behind
    `;`, a variable of a target, or an expansion that gives any of these."""

    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One line of a recipe with its continuations, from behind the tab to before the line end."""

    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """A line that make itself refuses."""

    span: Span
    reason: str


Node = Assignment | Conditional | Include | Export | Undefine | Vpath | Rule | Recipe | Malformed


def read_makefile(source: SourceFile) -> tuple[Node, ...]:
    """The lines of `source` in order, those within a conditional below it."""
    reader = _Reader(source)
    nodes = reader.nodes(closed_by=())
    while reader.stray is not None:
        nodes += (Malformed(span=reader.stray, reason="this closes nothing"),)
        reader.stray = None
        nodes += reader.nodes(closed_by=())
    return nodes


def walk(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """Every node, those within conditionals too."""
    for node in nodes:
        yield node
        if isinstance(node, Conditional):
            yield from walk(node.then)
            yield from walk(node.otherwise)


class _Reader:
    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._at = 0
        self._in_rule = False
        self.stray: Span | None = None
        self._closing: tuple[str, str, Span] | None = None

    def nodes(self, closed_by: tuple[str, ...]) -> tuple[Node, ...]:
        """Up to one of the directives `closed_by`, which is then in `_closing`, or to the end."""
        found: list[Node] = []
        while self._at < len(self._source.text):
            node = self._next(closed_by)
            if self._closing is not None or self.stray is not None:
                break
            if node is not None:
                found.append(node)
        return tuple(found)

    def _line(self) -> Span:
        """The next logical line, without its line end; `_at` is then behind it."""
        text, start, end = self._source.text, self._at, self._at
        while True:
            end = text.find("\n", end)
            if end < 0:
                end = len(text)
                break
            before = text[start:end].removesuffix("\r")
            if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
                break
            end += 1
        self._at = end + 1
        return self._source.span(start, end - (text[start:end].endswith("\r")))

    def _next(self, closed_by: tuple[str, ...]) -> Node | None:
        line = self._line()
        if line.text.startswith("\t") and self._in_rule:
            return Recipe(span=self._source.span(line.start + 1, line.end))
        span = _without_comment(line)
        line_text = collapsed(span.text).lstrip(" \t")
        text = line_text.rstrip(" \t")
        if not text:
            return None
        assignment = self._assignment(span, line_text)
        if assignment is not None:
            self._in_rule = False
            return assignment
        word, _, rest = text.replace("\t", " ").partition(" ")
        if text.startswith(tuple(f"{c}(" for c in ("ifeq", "ifneq"))):
            word, rest = text.split("(", 1)[0], "(" + text.split("(", 1)[1]
        if word in _CONDITIONALS:
            return self._conditional(span, word, rest.strip())
        if word in ("else", "endif"):
            if word in closed_by:
                self._closing = (word, rest.strip(), span)
            else:
                self.stray = span
            return None
        self._in_rule = False
        return self._directive(span, word, rest.strip())

    def _directive(self, span: Span, word: str, rest: str) -> Node:
        match word:
            case "include" | "-include" | "sinclude":
                return Include(span=span, names=rest, optional=word != "include")
            case "export" | "unexport":
                return Export(span=span, names=rest, on=word == "export")
            case "vpath":
                return Vpath(span=span)
            case "undefine":
                return Undefine(span=span, name=rest)
            case "override" if rest.startswith("undefine "):
                return Undefine(span=span, name=rest.removeprefix("undefine ").strip())
            case "endef":
                return Malformed(span=span, reason="this closes nothing")
            case _:
                self._in_rule = True
                return Rule(span=span)

    def _conditional(self, span: Span, kind: str, argument: str) -> Node:
        then = self.nodes(closed_by=("else", "endif"))
        otherwise: tuple[Node, ...] = ()
        closing, self._closing = self._closing, None
        if closing is None:
            return Malformed(span=span, reason=f"no `endif` closes this `{kind}`")
        word, rest, place = closing
        if word == "else" and rest:
            inner, _, more = rest.replace("\t", " ").partition(" ")
            if rest.startswith(("ifeq(", "ifneq(")):
                inner, more = rest.split("(", 1)[0], "(" + rest.split("(", 1)[1]
            if inner not in _CONDITIONALS:
                return Malformed(span=place, reason="what stands behind this `else` is not read")
            otherwise = (self._conditional(place, inner, more.strip()),)
        elif word == "else":
            otherwise = self.nodes(closed_by=("endif",))
            if self._closing is None:
                return Malformed(span=span, reason=f"no `endif` closes this `{kind}`")
            self._closing = None
        return Conditional(span=span, kind=kind, argument=argument, then=then, otherwise=otherwise)

    def _assignment(self, span: Span, text: str) -> Node | None:
        """A variable's definition, whatever modifiers stand before it; `export NAME` is none."""
        modifiers: set[str] = set()
        while (found := split_assignment(text)) is None:
            word, _, rest = text.replace("\t", " ").partition(" ")
            if word not in ("export", "override", "private", "define"):
                return None
            modifiers.add(word)
            text = rest.lstrip()
            if word == "define":
                return self._define(span, text.rstrip(), modifiers)
        name, operator, value = found
        return Assignment(span=span, name=name, operator=operator, value=value, modifiers=frozenset(modifiers))

    def _define(self, span: Span, head: str, modifiers: set[str]) -> Node:
        """`define name [operator]` up to its `endef`; the value keeps its lines."""
        operator = next((o for o in sorted(OPERATORS, key=len, reverse=True) if head.endswith(o)), "=")
        name = head.removesuffix(operator).strip() if head.endswith(operator) else head
        start, depth = min(self._at, len(self._source.text)), 1
        while self._at < len(self._source.text):
            line = self._line()
            words = line.text.split(None, 1)
            if not line.text.startswith("\t") and words and words[0] == "define":
                depth += 1
            elif not line.text.startswith("\t") and words and words[0].partition("#")[0] == "endef":
                depth -= 1
            if depth == 0:
                body = self._source.text[start : max(start, line.start - 1)]
                return Assignment(
                    span=self._source.span(span.start, line.end),
                    name=name,
                    operator=operator,
                    value=body.replace("\r\n", "\n"),
                    modifiers=frozenset({*modifiers, "define"}),
                )
        return Malformed(span=span, reason="no `endef` closes this `define`")


def _without_comment(line: Span) -> Span:
    """Up to the `#` that begins a comment: one that no backslash quotes and that is in no reference (make 4.3)."""
    text, at = line.text, 0
    while at < len(text):
        if text[at] == "$":
            at = reference_end(text, at)
        elif text[at] == "#":
            before = text[:at]
            if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
                return line.file.span(line.start, line.start + at)
            at += 1
        else:
            at += 1
    return line


def reference_end(text: str, at: int) -> int:
    """The offset behind the reference whose `$` stands at `at`; the end of the text where it isn't closed."""
    opening = text[at + 1 : at + 2]
    if opening not in ("(", "{"):
        return min(at + 2, len(text))
    closing, depth = {"(": ")", "{": "}"}[opening], 0
    for place in range(at + 1, len(text)):
        if text[place] == opening:
            depth += 1
        elif text[place] == closing:
            depth -= 1
            if depth == 0:
                return place + 1
    return len(text)


def collapsed(text: str) -> str:
    """A line with its continuations as make reads it outside recipes: each is one blank, `\\#` is `#`."""
    joined = re.sub(r"[ \t]*((?:\\\\)*)\\\r?\n[ \t]*", lambda m: m[1] + " ", text)
    return joined.replace("\\#", "#")


def outside_references(text: str) -> Iterator[tuple[int, str]]:
    """The characters that stand in no reference, with their offsets."""
    at = 0
    while at < len(text):
        if text[at] == "$":
            at = reference_end(text, at)
        else:
            yield at, text[at]
            at += 1


def split_assignment(text: str) -> tuple[str, str, str] | None:
    """Name, operator and value; None where `text` is no assignment (make's parse_variable_definition)."""
    at, named, blank = 0, False, False
    while at < len(text):
        operator = next((o for o in (":::=", "::=", ":=", "?=", "+=", "!=", "=") if text.startswith(o, at)), None)
        if operator is not None:
            found = text[:at].strip(" \t"), operator, text[at + len(operator) :].lstrip(" \t")
            return found if named else None
        if text[at] in " \t":
            blank, at = named, at + 1
            continue
        if blank or text[at] == ":":
            return None
        named = True
        at = reference_end(text, at) if text[at] == "$" else at + 1
    return None


def raw_words(span: Span) -> list[Span]:
    """The words of a rule as written: what stands between blanks and continuations, references whole."""
    text, found, start = span.text, [], None
    reference = -1
    for at in range(len(text)):
        if at < reference:
            continue
        blank = text[at] in " \t\r\n" or re.match(r"\\\r?\n", text[at:]) is not None
        if blank:
            if start is not None:
                found.append(span.file.span(span.start + start, span.start + at))
            start = None
            continue
        if start is None:
            start = at
        if text[at] == "$":
            reference = reference_end(text, at)
    if start is not None:
        found.append(span.file.span(span.start + start, span.end))
    return found


def is_makefile(path: PurePosixPath) -> bool:
    """Whether make is what reads a file of this name."""
    return path.name in ("GNUmakefile", "makefile", "Makefile") or path.suffix in (".mk", ".mak")
