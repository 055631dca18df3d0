"""Groovy text as far as a Jenkinsfile needs it: tokens with their places, put together as statements and blocks.

A statement ends with its line, unless a bracket is open, an operator or a comma stands at the end, or it is an `if`, `for`,
`while` or `else` without a body yet. `{` always opens a block: a closure, or the body of what stands before it. Left out: what
an expression means, `$/…/$`, a line that goes on with an operator at its start (`.trim()` excepted), Unicode escapes outside
strings, annotations and labels. Slashes are a pattern's where no value stands before them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from migrate.drivers.refusal import NotReadError
from migrate.source import SourceFile, Span

MAX_DEPTH = 60
_OPENING = {"(": ")", "[": "]", "{": "}"}
_NAME = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"\d[\w.]*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\\": "\\", "'": "'", '"': '"', "$": "$", "\n": ""}
_GOES_ON = frozenset(",=+-*/%&|?:.")
_WITHOUT_BODY = frozenset({"if", "for", "while"})


class GroovyError(NotReadError):
    """The text can't be taken apart."""


class Kind(Enum):
    NAME = "name"
    STRING = "string"
    NUMBER = "number"
    SIGN = "sign"
    END = "end of a line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of a string: `text` is what it comes to, or, with `inserted`, the expression whose value stands here."""

    text: str
    span: Span
    exact: bool = False
    inserted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """`parts` are a string's, None for a pattern; `inside` is what stands between its quotes."""

    kind: Kind
    span: Span
    parts: tuple[Part, ...] | None = None
    inside: Span | None = None

    @property
    def text(self) -> str:
        return self.span.text

    def is_sign(self, sign: str) -> bool:
        return self.kind is Kind.SIGN and self.text == sign


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    span: Span
    statements: "tuple[Statement, ...]"


Element = Token | Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """`elements` in order, brackets as they stand, each `{ … }` one block."""

    span: Span
    elements: tuple[Element, ...]

    @property
    def head(self) -> str:
        """The words that it begins with, dots and all: `docker.image`; empty where that is no name."""
        found = ""
        for element in self.elements:
            if isinstance(element, Block) or not (element.kind is Kind.NAME or element.is_sign(".")):
                break
            if element.kind is Kind.NAME and found and not found.endswith("."):
                break
            found += element.text
        return found

    @property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(e for e in self.elements if isinstance(e, Block))

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Those that are in no block of it."""
        return tuple(e for e in self.elements if isinstance(e, Token))


def read_groovy(source: SourceFile) -> tuple[Statement, ...]:
    """Raises GroovyError."""
    reader = _Reader(list(_Tokens(source).all()), source)
    return reader.statements(closed_by="", depth=0)


def walk(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """Every statement, those in blocks too."""
    for statement in statements:
        yield statement
        for block in statement.blocks:
            yield from walk(block.statements)


class _Tokens:
    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._text = source.text
        self._value_before = False

    def all(self) -> Iterator[Token]:
        at = 0
        if self._text.startswith("#!"):
            at = (self._text + "\n").index("\n")
        while at < len(self._text):
            token, at = self._next(at)
            if token is not None:
                last = token.text[-1:]
                self._value_before = token.kind in (Kind.NAME, Kind.NUMBER, Kind.STRING) or last in (")", "]", "}")
                yield token

    def _token(self, kind: Kind, start: int, end: int) -> tuple[Token, int]:
        return Token(kind=kind, span=self._source.span(start, end)), end

    def _next(self, at: int) -> tuple[Token | None, int]:
        text = self._text
        character = text[at]
        if character in " \t\r\f\ufeff":
            return None, at + 1
        if character == "\n":
            return self._token(Kind.END, at, at + 1)
        if text.startswith("//", at):
            return None, (text + "\n").index("\n", at)
        if text.startswith("/*", at):
            end = text.find("*/", at + 2)
            if end < 0:
                raise GroovyError("this comment isn't closed", self._source.span(at, at + 2))
            return None, end + 2
        if text.startswith("\\\n", at) or text.startswith("\\\r\n", at):
            return None, text.index("\n", at) + 1
        if text.startswith("$/", at):
            raise GroovyError("a string of this kind is not read", self._source.span(at, at + 2))
        if character in "'\"":
            return self._string(at)
        if character == "/" and not self._value_before:
            return self._pattern(at)
        name = _NAME.match(text, at) or _NUMBER.match(text, at)
        if name is not None:
            return self._token(Kind.NUMBER if character.isdigit() else Kind.NAME, at, name.end())
        return self._token(Kind.SIGN, at, at + 1)

    def _pattern(self, at: int) -> tuple[Token, int]:
        end = re.compile(r"/(?:[^/\\\n]|\\.)*/").match(self._text, at)
        return self._token(Kind.STRING, at, end.end()) if end is not None else self._token(Kind.SIGN, at, at + 1)

    def _string(self, at: int) -> tuple[Token, int]:
        quote = self._text[at]
        delimiter = quote * 3 if self._text.startswith(quote * 3, at) else quote
        start = at + len(delimiter)
        parts, end = self._parts(start, delimiter)
        token = Token(
            kind=Kind.STRING,
            span=self._source.span(at, end + len(delimiter)),
            parts=tuple(parts),
            inside=self._source.span(start, end),
        )
        return token, end + len(delimiter)

    def _parts(self, start: int, delimiter: str) -> tuple[list[Part], int]:
        """The string from `start` on, and where its closing quotes stand."""
        text, at, plain = self._text, start, start
        parts: list[Part] = []

        def until_here() -> None:
            if at > plain:
                span = self._source.span(plain, at)
                parts.append(Part(text=span.text, span=span, exact=True))

        while not text.startswith(delimiter, at):
            if at >= len(text) or (text[at] == "\n" and len(delimiter) == 1):
                raise GroovyError("this string isn't closed", self._source.span(start - 1, start))
            part: Part | None = None
            if text[at] == "\\":
                part = self._escape(at)
            elif text[at] == "$" and delimiter[0] == '"':
                part = self._inserted(at)
            elif text.startswith("\r\n", at):
                part = Part(text="\n", span=self._source.span(at, at + 2))
            if part is None:
                at += 1
                continue
            until_here()
            parts.append(part)
            at = plain = part.span.end
        until_here()
        return parts, at

    def _escape(self, at: int) -> Part:
        found = re.compile(r"\\(?:u+([0-9a-fA-F]{4})|(\r\n|[\s\S]))").match(self._text, at)
        if found is None:
            raise GroovyError("this string isn't closed", self._source.span(at, at + 1))
        text = chr(int(found[1], 16)) if found[1] else _ESCAPES.get(found[2].removeprefix("\r"), found[0])
        return Part(text=text, span=self._source.span(at, found.end()))

    def _inserted(self, at: int) -> Part | None:
        """`$name.of.it` or `${ … }`; None for a dollar alone."""
        plain = re.compile(r"\$([^\W\d]\w*(?:\.[^\W\d]\w*)*)").match(self._text, at)
        if plain is not None:
            return Part(text=plain[1], span=self._source.span(at, plain.end()), inserted=True)
        if not self._text.startswith("${", at):
            return None
        end, depth = at + 1, 0
        while end < len(self._text):
            character = self._text[end]
            if character in "'\"":
                token, end = self._string(end)
                del token
                continue
            depth += (character == "{") - (character == "}")
            end += 1
            if depth == 0:
                inner = self._text[at + 2 : end - 1].strip()
                return Part(text=inner, span=self._source.span(at, end), inserted=True)
        raise GroovyError("this expression isn't closed", self._source.span(at, at + 2))


class _Reader:
    def __init__(self, tokens: list[Token], source: SourceFile) -> None:
        self._tokens = tokens
        self._source = source
        self._at = 0

    def statements(self, closed_by: str, depth: int) -> tuple[Statement, ...]:
        """Up to the bracket that closes them, which is left, or to the end."""
        if depth > MAX_DEPTH:
            raise GroovyError("this is nested too deeply", self._tokens[self._at - 1].span)
        found: list[Statement] = []
        elements: list[Element] = []
        open_: list[Token] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if not open_ and (token.is_sign(";") or (token.kind is Kind.END and self._ends(elements))):
                self._finish(found, elements)
            elif token.is_sign("{"):
                elements.append(self._block(token, depth))
                continue
            elif token.kind is Kind.SIGN and token.text in (")", "]", "}"):
                if not open_ and token.text == closed_by:
                    break
                if not open_ or _OPENING[open_[-1].text] != token.text:
                    raise GroovyError("this bracket closes nothing", token.span)
                open_.pop()
                elements.append(token)
            elif token.kind is not Kind.END:
                if token.kind is Kind.SIGN and token.text in _OPENING:
                    open_.append(token)
                elements.append(token)
            self._at += 1
        else:
            if closed_by or open_:
                raise GroovyError("a bracket isn't closed", open_[-1].span if open_ else self._source.span(0, 0))
        self._finish(found, elements)
        return tuple(found)

    def _block(self, opening: Token, depth: int) -> Block:
        self._at += 1
        try:
            statements = self.statements(closed_by="}", depth=depth + 1)
        except GroovyError as error:
            if error.message == "a bracket isn't closed" and error.span == self._source.span(0, 0):
                raise GroovyError(error.message, opening.span) from error
            raise
        closing = self._tokens[self._at]
        self._at += 1
        return Block(span=self._source.span(opening.span.start, closing.span.end), statements=statements)

    def _finish(self, found: list[Statement], elements: list[Element]) -> None:
        if elements:
            span = self._source.span(elements[0].span.start, elements[-1].span.end)
            found.append(Statement(span=span, elements=tuple(elements)))
            elements.clear()

    def _ends(self, elements: list[Element]) -> bool:
        """Whether a line's end is the statement's."""
        if not elements:
            return True
        last, first = elements[-1], elements[0]
        following = next((t for t in self._tokens[self._at :] if t.kind is not Kind.END), None)
        if following is not None and following.is_sign("."):
            return False
        if isinstance(last, Block):
            return True
        counted = last.is_sign("+") or last.is_sign("-")
        if counted and len(elements) > 1 and elements[-2].span.text == last.text:
            return True
        if last.kind is Kind.SIGN and last.text in _GOES_ON:
            return isinstance(first, Token) and first.text == "import"
        if last.kind is Kind.NAME and last.text == "else":
            return False
        names = [e.text for e in elements if isinstance(e, Token) and e.kind is Kind.NAME]
        bodyless = isinstance(first, Token) and names[:1] and names[0] in {*_WITHOUT_BODY, "else"}
        return not (bodyless and last.is_sign(")") and not any(isinstance(e, Block) for e in elements))
