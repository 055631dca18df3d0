"""shfmt's words → `syntax` words. Input: nodes of its JSON, whose positions are bytes; output: words with character spans.

All text is taken from the source by position, never from the JSON: there, continuations and escapes are already gone.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from migrate.shell.literals import (
    ansi_c,
    double_quoted,
    here_document,
    joined,
    unquoted,
    without_continuation,
    without_indent,
)
from migrate.shell.refusal import RefusalError
from migrate.shell.syntax import (
    Arithmetic,
    CommandSubstitution,
    ExtendedGlob,
    HereDocument,
    Literal,
    Parameter,
    ProcessSubstitution,
    Quoting,
    Statement,
    Unreadable,
    Word,
    WordPart,
)
from migrate.source import SourceFile, Span

Node = dict[str, Any]  # one object of shfmt's JSON; its shape is that of mvdan.cc/sh/v3/syntax

MAX_DEPTH = 40
_VALUE_OPERATORS = frozenset({":-", "-", ":=", "=", ":+", "+", ":?", "?"})
_QUOTED_DELIMITER = re.compile(r"""'[^']*'|"[^"\\$`]*"|\\[\w.-]+""")
_BACKTICK_ESCAPE = re.compile(r"\\[\\`$]")
_BACKTICK_ESCAPE_IN_DOUBLE = re.compile(r'\\[\\`$"]')


@dataclass(slots=True, kw_only=True)
class Words:
    """Reads the words of one script. `at` turns a byte offset into a character offset; `statements` reads what stands in
    a substitution; `depth` is how deep the reader is in nested words and statements."""

    source: SourceFile
    at: Sequence[int]
    statements: Callable[[list[Node]], tuple[Statement, ...]]
    depth: int = 0

    def offset(self, position: Node) -> int:
        return self.at[position["Offset"]]

    def start(self, node: Node) -> int:
        return self.offset(node["Pos"])

    def end(self, node: Node) -> int:
        return self.offset(node["End"])

    def span(self, node: Node) -> Span:
        return self.source.span(self.start(node), self.end(node))

    def text(self, start: int, end: int) -> str:
        return self.source.text[start:end]

    def nested(self, start: int) -> None:
        """One level down; the caller takes it back. Raises RefusalError where the script is nested too deeply."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise RefusalError("the script is nested too deeply", start=start, end=start)

    def word(self, node: Node, quoting: Quoting = Quoting.NONE, *, argument: bool = False) -> Word:
        start = self.start(node)
        self.nested(start)
        end = without_continuation(self.source.text, start, self.end(node))
        parts = joined(self._parts(node["Parts"], quoting, argument=argument))
        self.depth -= 1
        return Word(span=self.source.span(start, end), parts=parts)

    def prefixed_word(self, node: Node, value: Node | None) -> Word:
        """A word that begins as an assignment does (`name=`, `[index]=`) and goes on with `value`."""
        start = self.start(node)
        if self.source.text.startswith("[", start - 1) and "Index" in node and "Name" not in node:
            start -= 1  # shfmt places an array's element behind its bracket
        cut = self.start(value) if value else self.bare_end(node)
        raw = self.text(start, cut)
        prefix = Literal(span=self.source.span(start, cut), text=unquoted(raw), quoting=Quoting.NONE)
        if value is None:
            return Word(span=self.source.span(start, cut), parts=(prefix,))
        rest = self.word(value)
        return Word(span=self.source.span(start, rest.span.end), parts=joined((prefix, *rest.parts)))

    def bare_end(self, node: Node) -> int:
        """Where an assignment without a value ends; shfmt's end of `name+=` is before its `=`."""
        end = self.end(node)
        if node.get("Append"):
            end += 1
            if self.text(end - 2, end) != "+=":
                raise RefusalError(
                    "the end of an assignment is not where it should be", start=self.start(node), end=end
                )
        return without_continuation(self.source.text, self.start(node), end)

    def here_document(self, redirection: Node) -> HereDocument:
        """The body and the delimiter; an empty body has an empty span behind the delimiter's word."""
        delimiter = self.word(redirection["Word"])
        raw = delimiter.span.text
        expands = not re.search(r"[\"'\\]", raw)
        if not (expands or _QUOTED_DELIMITER.fullmatch(raw)):  # shfmt takes `E"O"F` for an unquoted one
            message = "a here-document's delimiter is quoted in part"
            raise RefusalError(message, start=delimiter.span.start, end=delimiter.span.end)
        strip = redirection["Op"] == "<<-"
        node = redirection.get("Hdoc")
        name = "".join(p.text for p in delimiter.parts if isinstance(p, Literal))
        if node is None:
            nowhere = self.source.span(delimiter.span.end, delimiter.span.end)
            body = Word(span=nowhere, parts=())
            return HereDocument(span=nowhere, delimiter=name, expands=expands, body=body)
        start = self.start(node)
        end = self._delimiter_line(start, self.end(node), name)
        self.nested(start)
        parts = joined(self._here_parts(node["Parts"], start, end, expands=expands, strip=strip))
        self.depth -= 1
        span = self.source.span(start, end)
        return HereDocument(span=span, delimiter=name, expands=expands, body=Word(span=span, parts=parts))

    def _delimiter_line(self, start: int, end: int, name: str) -> int:
        """Where the delimiter's line begins: shfmt's end of the body lies behind the delimiter."""
        line = max(start, self.source.text.rfind("\n", start, end) + 1)
        if self.source.text[line:end].lstrip("\t") not in (name, ""):
            raise RefusalError("the end of a here-document is not where it should be", start=start, end=end)
        return line

    def _here_parts(self, nodes: list[Node], start: int, end: int, *, expands: bool, strip: bool) -> list[WordPart]:
        parts: list[WordPart] = []
        for piece in self._pieces(nodes):
            if not isinstance(piece, tuple):
                parts.append(self._part(piece, Quoting.DOUBLE))
                continue
            first, last = piece[0], min(piece[1], end)
            raw = self.text(first, last)
            if strip:
                raw = without_indent(raw, expands=expands, at_line_start=first == start)
            if last > first:
                text = here_document(raw) if expands else raw
                quoting = Quoting.DOUBLE if expands else Quoting.SINGLE
                parts.append(Literal(span=self.source.span(first, last), text=text, quoting=quoting))
        return parts

    def _pieces(self, nodes: list[Node]) -> list[tuple[int, int] | Node]:
        """`nodes`, each run of literals as one (start, end): shfmt cuts a literal at a line continuation."""
        pieces: list[tuple[int, int] | Node] = []
        for literal, group in groupby(nodes, lambda node: node["Type"] == "Lit"):
            run = list(group)
            if literal:
                pieces.append((self.start(run[0]), self.end(run[-1])))
            else:
                pieces.extend(run)
        return pieces

    def _parts(self, nodes: list[Node], quoting: Quoting, *, argument: bool = False) -> list[WordPart]:
        parts: list[WordPart] = []
        for piece in self._pieces(nodes):
            if isinstance(piece, tuple):
                parts.append(self._literal(*piece, quoting, argument=argument))
            elif piece["Type"] == "SglQuoted":
                parts.append(self._single_quoted(piece, quoting))
            elif piece["Type"] == "DblQuoted":
                parts.extend(self._double_quoted(piece))
            else:
                parts.append(self._part(piece, quoting))
        return parts

    def _literal(self, start: int, end: int, quoting: Quoting, *, argument: bool) -> Literal:
        if quoting is Quoting.NONE:
            end = without_continuation(self.source.text, start, end)
            text = unquoted(self.text(start, end))
        else:
            text = double_quoted(self.text(start, end), argument=argument)
        return Literal(span=self.source.span(start, end), text=text, quoting=quoting)

    def _single_quoted(self, node: Node, quoting: Quoting) -> Literal:
        """`'…'` or `$'…'`. In the argument of a `${…}` between double quotes the quotes stand for themselves, and bash
        would expand what is between them, which shfmt doesn't read: only plain text is taken there."""
        start, end = self.offset(node["Left"]) + 1, self.offset(node["Right"])
        if quoting is Quoting.DOUBLE:
            if node.get("Dollar") or re.search(r"[$`\\\"}]", self.text(start, end)):
                message = "single quotes in a `${…}` between double quotes quote nothing"
                raise RefusalError(message, start=start - 1, end=end + 1)
            whole = self.source.span(start - 1, end + 1)
            return Literal(span=whole, text=whole.text, quoting=quoting)
        if node.get("Dollar"):
            start += 1
            raw = self.text(start, end)
            return Literal(span=self.source.span(start, end), text=ansi_c(raw), quoting=Quoting.ANSI_C)
        return Literal(span=self.source.span(start, end), text=self.text(start, end), quoting=Quoting.SINGLE)

    def _double_quoted(self, node: Node) -> list[WordPart]:
        start, end = self.offset(node["Left"]) + 1 + bool(node.get("Dollar")), self.offset(node["Right"])
        if node.get("Parts"):
            return self._parts(node["Parts"], Quoting.DOUBLE)
        return [Literal(span=self.source.span(start, end), text="", quoting=Quoting.DOUBLE)]

    def _part(self, node: Node, quoting: Quoting) -> WordPart:
        span = self.span(node)
        match node["Type"]:
            case "ParamExp":
                return self._parameter(node, quoting)
            case "CmdSubst":
                return self._substitution(node, quoting)
            case "ArithmExp":
                start = self.offset(node["Left"]) + (2 if node.get("Bracket") else 3)
                text = self.text(start, self.offset(node["Right"]))
                return Arithmetic(span=span, text=text, quoting=quoting)
            case "ProcSubst":
                return ProcessSubstitution(
                    span=span, direction=node["Op"][0], body=self.statements(node.get("Stmts", []))
                )
            case "ExtGlob":
                return ExtendedGlob(span=span, text=span.text)
            case other:
                raise RefusalError(f"`{other}` is not known", start=span.start, end=span.end)

    def _substitution(self, node: Node, quoting: Quoting) -> CommandSubstitution:
        span = self.span(node)
        if node.get("Backquotes"):
            escape = _BACKTICK_ESCAPE_IN_DOUBLE if quoting is Quoting.DOUBLE else _BACKTICK_ESCAPE
            if escape.search(span.text):
                inner = self.source.span(span.start + 1, span.end - 1)
                unreadable = Unreadable(span=inner, reason="backslashes in backticks are not read")
                body = (Statement(span=inner, command=unreadable, end=inner.end),)
                return CommandSubstitution(span=span, body=body, quoting=quoting)
        return CommandSubstitution(span=span, body=self.statements(node.get("Stmts", [])), quoting=quoting)

    def _parameter(self, node: Node, quoting: Quoting) -> Parameter:
        span = self.span(node)
        name = node["Param"]
        operator, argument, replacement = self._operation(node, quoting)
        index = None
        if "Index" in node:
            index = self.text(self.end(name) + 1, self.end(node["Index"]))
        return Parameter(
            span=span,
            name=self.text(self.start(name), self.end(name)),
            quoting=quoting,
            operator=operator,
            argument=argument,
            replacement=replacement,
            length=bool(node.get("Length")),
            indirect=bool(node.get("Excl")),
            index=index,
        )

    def _operation(self, node: Node, quoting: Quoting) -> tuple[str | None, Word | None, Word | None]:
        """Operator, argument and replacement. A pattern in a quoted `${…}` is itself not quoted."""
        if "Exp" in node:
            operator, value = node["Exp"]["Op"], node["Exp"].get("Word")
            inner = quoting if operator in _VALUE_OPERATORS else Quoting.NONE
            return operator, self.word(value, inner, argument=True) if value else None, None
        if "Slice" in node:
            part = node["Slice"]
            return ":", self._arithmetic(part.get("Offset")), self._arithmetic(part.get("Length"))
        if "Repl" in node:
            return self._replacement(node["Repl"])
        return node.get("Names"), None, None

    def _replacement(self, node: Node) -> tuple[str, Word | None, Word | None]:
        operator = "//" if node.get("All") else "/"
        pattern = self.word(node["Orig"]) if node.get("Orig") else None
        replacement = self.word(node["With"]) if node.get("With") else None
        first = pattern.parts[0] if pattern else None
        if operator == "/" and isinstance(first, Literal) and first.span.text[:1] in ("#", "%") and pattern:
            operator += first.span.text[0]
            span = self.source.span(first.span.start + 1, first.span.end)
            rest = Literal(span=span, text=first.text[1:], quoting=first.quoting)
            parts = ((rest,) if rest.text else ()) + pattern.parts[1:]
            pattern = Word(span=self.source.span(pattern.span.start + 1, pattern.span.end), parts=parts)
        return operator, pattern, replacement

    def _arithmetic(self, node: Node | None) -> Word | None:
        if node is None:
            return None
        span = self.span(node)
        return Word(span=span, parts=(Arithmetic(span=span, text=span.text, quoting=Quoting.NONE),))
