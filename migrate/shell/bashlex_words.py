"""Words of a script that bashlex has cut, read from the source: bashlex gives where a word and a substitution stand, but
what is quoted is only in the text (it reports `$id` in `'$id'b`). Input: character offsets; output: `syntax` words.

Knows no more than `bashlex_guard` lets through; all else raises UnsoundError, and shfmt reads the script.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from migrate.shell.literals import double_quoted, joined, unquoted
from migrate.shell.syntax import CommandSubstitution, Literal, Parameter, Quoting, Statement, Word, WordPart
from migrate.source import SourceFile

_PARAMETER = re.compile(
    r"\$(?:(?P<short>[A-Za-z_]\w*|[0-9@*#?!$])|\{(?P<name>\w+)(?:(?P<operator>:?[-=+?])(?P<argument>[^}]*))?\})"
)
_SPECIAL = re.compile(r"['\"$]")
_EDGE = " \t\n;&|()<>"


class UnsoundError(Exception):
    """What bashlex gave doesn't fit the text."""


@dataclass(slots=True, kw_only=True)
class Words:
    """`taken[i]` is set for each character that a leaf of the tree stands for; none may be taken twice."""

    source: SourceFile
    bones: str
    taken: bytearray
    statements: Callable[[Any], tuple[Statement, ...]]

    def take(self, start: int, end: int) -> None:
        if any(self.taken[start:end]) or not 0 <= start < end <= len(self.taken):
            raise UnsoundError
        self.taken[start:end] = b"\1" * (end - start)

    def word(self, start: int, end: int, nodes: Iterable[Any], *, begins: bool = True) -> Word:
        """The word at `start` to `end`; `nodes` are bashlex's parts of it. `begins`: it must start where words do."""
        before, after = self.bones[start - 1 : start], self.bones[end : end + 1]
        if (begins and before and before not in _EDGE) or (after and after not in _EDGE):
            raise UnsoundError
        substitutions = {node.pos[0]: node for node in nodes if node.kind == "commandsubstitution"}
        parts = joined(self._parts(start, end, substitutions))
        return Word(span=self.source.span(start, end), parts=parts)

    def _parts(self, start: int, end: int, substitutions: dict[int, Any]) -> list[WordPart]:
        parts: list[WordPart] = []
        at = start
        while at < end:
            character = self.source.text[at]
            if character == "'":
                close = self.source.text.index("'", at + 1, end)
                parts.append(self._literal(at + 1, close, Quoting.SINGLE))
                self.take(at, close + 1)
                at = close + 1
            elif character == '"':
                at = self._double_quoted(at, end, substitutions, parts)
            elif character == "$" and (found := self._expansion(at, end, Quoting.NONE, substitutions)):
                parts.append(found)
                at = found.span.end
            else:
                stop = self._run(at, end, _SPECIAL)
                parts.append(self._literal(at, stop, Quoting.NONE))
                self.take(at, stop)
                at = stop
        return parts

    def _double_quoted(self, start: int, end: int, substitutions: dict[int, Any], parts: list[WordPart]) -> int:
        text = self.source.text
        self.take(start, start + 1)
        at = start + 1
        empty = True
        while at < end and text[at] != '"':
            empty = False
            if text[at] == "$" and (found := self._expansion(at, end, Quoting.DOUBLE, substitutions)):
                parts.append(found)
                at = found.span.end
                continue
            stop = self._run(at, end, re.compile(r"[\"$]"))
            parts.append(self._literal(at, stop, Quoting.DOUBLE))
            self.take(at, stop)
            at = stop
        if at >= end:
            raise UnsoundError
        if empty:
            parts.append(self._literal(at, at, Quoting.DOUBLE))
        self.take(at, at + 1)
        return at + 1

    def _run(self, start: int, end: int, special: re.Pattern[str]) -> int:
        """Where the literal text from `start` ends: at least one character on, before what `special` finds unescaped."""
        at = start
        while at < end and (at == start or not special.match(self.source.text, at)):
            at += 2 if self.source.text[at] == "\\" else 1
        if at > end:
            raise UnsoundError
        return at

    def _literal(self, start: int, end: int, quoting: Quoting) -> Literal:
        raw = self.source.text[start:end]
        match quoting:
            case Quoting.NONE:
                text = unquoted(raw)
            case Quoting.DOUBLE:
                text = double_quoted(raw)
            case _:
                text = raw
        return Literal(span=self.source.span(start, end), text=text, quoting=quoting)

    def _expansion(self, at: int, end: int, quoting: Quoting, substitutions: dict[int, Any]) -> WordPart | None:
        """The parameter or the substitution at `at`; None for a dollar sign that stands for itself."""
        if self.source.text.startswith("$(", at):
            node = substitutions.pop(at, None)
            if node is None:
                raise UnsoundError
            close = node.pos[1] - 1  # but before any blanks in front of the parenthesis
            close += len(self.bones[close:end]) - len(self.bones[close:end].lstrip(" \t"))
            if not at + 2 < close < end or self.bones[close] != ")":
                raise UnsoundError
            self.take(at, at + 2)
            body = self.statements(node.command)
            self.take(close, close + 1)
            return CommandSubstitution(span=self.source.span(at, close + 1), body=body, quoting=quoting)
        match = _PARAMETER.match(self.source.text, at, end)
        if match is None:
            return None
        self.take(at, match.end())
        argument = None
        if match["argument"]:
            start, stop = match.span("argument")
            argument = Word(span=self.source.span(start, stop), parts=(self._literal(start, stop, quoting),))
        return Parameter(
            span=self.source.span(at, match.end()),
            name=match["short"] or match["name"],
            quoting=quoting,
            operator=match["operator"],
            argument=argument,
        )
