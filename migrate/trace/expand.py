"""Shell words → values: parameters, quotes, braces, field splitting, file names, as bash does it (Bash manual, 3.5), or Unknown.

What a command substitution comes to is asked of the caller. `${x:=d}` and arithmetic assign to the state.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import assert_never

from migrate.shell.syntax import (
    Arithmetic,
    CommandSubstitution,
    ExtendedGlob,
    Literal,
    Parameter,
    ProcessSubstitution,
    Quoting,
    SimpleCommand,
    Word,
    WordPart,
)
from migrate.source import SourceFile, Span
from migrate.trace import arithmetic
from migrate.trace.braces import NotKnownError, Token, expand_braces
from migrate.trace.operators import applied, sliced
from migrate.trace.patterns import SPECIAL, to_regex
from migrate.trace.splitting import split
from migrate.trace.state import State
from migrate.trace.values import EMPTY, Array, Part, Unknown, Value, Variable

Substitute = Callable[[CommandSubstitution], Value]

_BASH_ONLY = {"/", "//", "/#", "/%", ":", "^", "^^", ",", ",,", "@"}
_PARAMETER = re.compile(r"\$(?:(\w+)|\{(\w+)\}|\{#(\w+)\})")
_COMPLEX = re.compile(r"\$\{(?!#?\w+\})|\$\(|`")
_WHOLE = ("@", "*")
_EXPANDS = re.compile(r"[*?\[{~\\]")
"""What an unquoted literal must hold to be anything but its text."""
_GLOB = re.compile(r"[*?]|\[.+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a word. Not `certain` where an unquoted part isn't known: it may be none, or several."""

    value: Value
    certain: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A stretch of a word. `splits` where it is what an unquoted expansion came to; `ends` where a field ends behind it."""

    value: Value
    quoted: bool
    splits: bool = False
    ends: bool = False
    nothing: bool = False


class Expander:
    """Expands words in one state."""

    def __init__(self, state: State, substitute: Substitute) -> None:
        self._state = state
        self._substitute = substitute

    def text(self, word: Word | None) -> Value:
        """The word as one value, without splitting: an assignment's right side, a redirection's target."""
        result = EMPTY
        if word is None:
            return result
        for piece in self._pieces(word.parts, assigned=True):
            result += piece.value
            if piece.ends:
                result += Value.of(" ")
        return result

    def fields(self, word: Word) -> tuple[Field, ...]:
        """The fields that the word becomes. A pattern whose directory isn't known is unknown as a whole."""
        only = word.parts[0] if len(word.parts) == 1 else None
        if isinstance(only, Literal) and (only.quoting is not Quoting.NONE or not _EXPANDS.search(only.span.text)):
            return (Field(value=Value.of(only.text)),)
        if word.span.text == "\\":
            return ()  # at the end of the file bash drops it
        tokens = self._tokens(word)
        if tokens is None:
            return (Field(value=Value.unknown(f"`{word.span.text}`", word.span), certain=False),)
        try:
            words = expand_braces(tokens)
        except NotKnownError:
            return (Field(value=Value.unknown(f"`{word.span.text}`", word.span), certain=False),)
        return tuple(field for parts in words for field in self._fields(word, parts))

    def pattern(self, word: Word) -> list[tuple[str, bool]] | None:
        """Texts, each with whether it is quoted; None where a part isn't known."""
        result = []
        for piece in self._pieces(word.parts, assigned=True):
            if piece.value.text is None or piece.nothing:
                return None
            result.append((piece.value.text, piece.quoted))
        return result

    def file_names(self, pattern: str) -> list[str] | None:
        """The names that an unquoted pattern matches, none where nothing does; None where that isn't known."""
        return self._matching([(pattern, False)])

    def number(self, text: str, span: Span) -> int:
        """Arithmetic; raises arithmetic.UnknownError or arithmetic.FailureError."""
        names = arithmetic.Names(get=lambda name: self._number_text(name, span), assign=self._assign_number)
        return arithmetic.evaluate(self._within_arithmetic(text, span), names)

    def parameter_names(self, part: Parameter) -> None:
        """Nothing is known any more of what `part` may assign."""
        if part.operator in (":=", "="):
            self._state.forget([part.name], part.span)

    def _tokens(self, word: Word) -> list[Token] | None:
        """Characters that may make a brace list, and everything else as it is; None where the shell may or may not know
        braces."""
        tokens: list[Token] = []
        if any(isinstance(p, Parameter) and p.argument is not None and _odd_argument(p) for p in word.parts):
            return None
        for part in word.parts:
            plain = isinstance(part, Literal) and part.quoting is Quoting.NONE and re.search(r"[{},]", part.span.text)
            if isinstance(part, Literal) and plain:
                for text, quoted in _runs(part):
                    tokens += [Literal(span=part.span, text=text, quoting=Quoting.SINGLE)] if quoted else list(text)
            else:
                tokens.append(part)
        braces = any(isinstance(t, str) and t == "{" for t in tokens)
        return (
            None
            if braces and self._state.shell == "sh" and re.search(r"\{.*(?:,|\.\.).*\}", word.span.text)
            else tokens
        )

    def _fields(self, word: Word, parts: Sequence[WordPart]) -> Iterator[Field]:
        current: list[tuple[Value, bool]] | None = None
        certain = True
        for piece in self._pieces(parts):
            if piece.nothing:
                certain = certain and piece.value == EMPTY
            elif piece.splits:
                certain = certain and all(_one_field(p) for p in piece.value.parts)
                for index, chunk in enumerate(split(piece.value, self._separators(word.span))):
                    if index and current is not None:
                        yield from self._named(current, word.span, certain=certain)
                        current = None
                    if chunk is not None:
                        current = [*(current or []), (chunk, False)]
            else:
                current = [*(current or []), (piece.value, piece.quoted)]
            if piece.ends and current is not None:
                yield from self._named(current, word.span, certain=certain)
                current = None
        if current is not None:
            yield from self._named(current, word.span, certain=certain)

    def _separators(self, span: Span) -> Value:
        value = self._state.lookup("IFS", span)
        return value if isinstance(value, Value) else Value.of(" \t\n")

    def _named(self, pieces: list[tuple[Value, bool]], span: Span, *, certain: bool) -> Iterator[Field]:
        """File names that a field matches; the field itself where it is no pattern or nothing matches."""
        whole = EMPTY
        for value, _ in pieces:
            whole += value
        plain = "".join("x" * len(value.marked) if quoted else value.marked for value, quoted in pieces)
        if "noglob" in self._state.options or not _GLOB.search(plain):
            yield Field(value=whole, certain=certain)
            return
        texts = [(value.text, quoted) for value, quoted in pieces]
        known = [(text, quoted) for text, quoted in texts if text is not None]
        names = self._matching(known) if len(known) == len(texts) else None
        if names is None:
            yield Field(value=self._state.unknown(f"pattern `{span.text}`", span), certain=False)
        elif names:
            yield from (Field(value=Value.of(name), certain=certain) for name in names)
        elif "nullglob" not in self._state.options:
            yield Field(value=whole, certain=certain)

    def _matching(self, pieces: list[tuple[str, bool]]) -> list[str] | None:
        """Names that match, in order; None where a directory isn't known."""
        if self._state.options & {"dotglob", "nocaseglob", "failglob"}:
            return None
        characters = [(c, quoted) for text, quoted in pieces for c in text]
        components: list[list[tuple[str, bool]]] = [[]]
        for character, quoted in characters:
            if character == "/":
                components.append([])
            else:
                components[-1].append((character, quoted))
        bracket = "".join(c for c, q in characters if not q)
        if re.search(r"\[[^\]]*/", bracket):
            return None  # a slash in brackets is no directory
        found = [""]
        for index, component in enumerate(components):
            last = index == len(components) - 1
            advanced: list[str] = []
            for base in found:
                names = self._component(base, component, last=last)
                if names is None:
                    return None
                advanced += names
            found = advanced
        return found

    def _component(self, base: str, component: list[tuple[str, bool]], *, last: bool) -> list[str] | None:
        text = "".join(c for c, _ in component)
        if not any(SPECIAL.match(c) and not quoted for c, quoted in component):
            joined = base + text
            if not last:
                return [joined + "/"]
            if not text:
                return [joined]  # `*/`: a directory, as its parts before it found
            path = self._state.path(joined)
            there = self._state.workspace.exists(path) if path is not None else None
            return None if there is None else [joined] if there else []
        path = self._state.path(base or ".")
        if text == "**" and "globstar" in self._state.options and not any(q for _, q in component):
            return self._below(base, path) if not last and path is not None else None
        names = self._state.workspace.names(path) if path is not None else None
        if path is None or names is None:
            return None
        regex = to_regex(component, path=True)
        hidden = component[0] == (".", False) or component[0] == (".", True)
        matching = [n for n in names if regex.fullmatch(n) and (hidden or not n.startswith("."))]
        if last:
            return [base + n for n in matching]
        kinds = {n: self._state.workspace.is_directory(path / n) for n in matching}
        if any(kind is None for kind in kinds.values()):
            return None
        return [f"{base}{n}/" for n in matching if kinds[n]]

    def _below(self, base: str, path: PurePosixPath) -> list[str] | None:
        """`**/`: the directory itself and all below it, hidden ones left out."""
        found = [base]
        names = self._state.workspace.names(path)
        if names is None:
            return None
        for name in names:
            inner = self._state.workspace.is_directory(path / name)
            if inner is None:
                return None
            if inner and not name.startswith("."):
                below = self._below(f"{base}{name}/", path / name)
                if below is None:
                    return None
                found += below
        return found

    def _pieces(self, parts: Sequence[WordPart], *, assigned: bool = False) -> Iterator[_Piece]:
        for index, part in enumerate(parts):
            match part:
                case Literal(quoting=Quoting.NONE):
                    yield from self._unquoted(part, first=index == 0, alone=len(parts) == 1, assigned=assigned)
                case Literal(text=text):
                    yield _Piece(value=Value.of(text), quoted=True)
                case Parameter():
                    yield from self._parameter(part, assigned=assigned)
                case CommandSubstitution(quoting=quoting):
                    quoted = quoting is not Quoting.NONE
                    yield _Piece(value=self._substitute(part), quoted=quoted, splits=not quoted)
                case Arithmetic(quoting=quoting):
                    yield _Piece(value=self._arithmetic(part), quoted=quoting is not Quoting.NONE)
                case ProcessSubstitution(span=span):
                    yield _Piece(value=self._state.unknown(f"`{span.text}`", span), quoted=True)
                case ExtendedGlob(span=span):
                    yield _Piece(value=self._state.unknown(f"`{span.text}`", span), quoted=False, nothing=True)
                    yield _Piece(value=Value.unknown(f"`{span.text}`", span), quoted=False)
                case _:
                    assert_never(part)

    def _unquoted(self, part: Literal, *, first: bool, alone: bool, assigned: bool) -> Iterator[_Piece]:
        runs = _runs(part)
        if first and part.span.text.startswith("~"):
            name = part.text.partition("/")[0]
            rest = part.text[len(name) :]
            home = self._state.lookup("HOME", part.span) if name == "~" else None
            value = home if isinstance(home, Value) and home.text is not None else None
            if value is None:
                value = Value.unknown("home directory" if name == "~" else f"`{name}`", part.span)
            yield _Piece(value=value, quoted=True)
            runs = [(rest, False)]
        elif (
            re.match(r"\w+=(?:.*:)?~" if not assigned else r".*:~", part.span.text)
            and first
            and (alone or not assigned)
        ):
            yield _Piece(value=Value.unknown(f"`{part.span.text}`", part.span), quoted=True)
            return
        for text, quoted in runs:
            yield _Piece(value=Value.of(text), quoted=quoted)

    def _arithmetic(self, part: Arithmetic) -> Value:
        try:
            return Value.of(str(self.number(part.text, part.span)))
        except (arithmetic.UnknownError, arithmetic.FailureError):
            return self._state.unknown(f"`{part.span.text}`", part.span)

    def _within_arithmetic(self, text: str, span: Span) -> str:
        """`$x` and `${x}` in an expression come to their text before it is read."""

        def one(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            value = self._state.lookup(name or match[3], span)
            if isinstance(value, Array):
                value = value.get("0")
            if value is None:
                return "0" if match[3] else ""
            if value.text is None:
                raise arithmetic.UnknownError
            return str(len(value.text)) if match[3] else value.text

        if _COMPLEX.search(text):
            return self._expanded_expression(text, span)
        replaced = _PARAMETER.sub(one, re.sub(r"\$#(?![\w{])", lambda _: self._count(span), text))
        return replaced.replace('"', "")

    def _expanded_expression(self, text: str, span: Span) -> str:
        """An expression with substitutions in it is expanded as a quoted word is."""
        from migrate.shell.reader import read_script

        script, _ = read_script(SourceFile(path=span.file.path, text=f': "{text}"'))
        command = script.statements[0].command if script is not None and script.statements else None
        if '"' in text or not isinstance(command, SimpleCommand) or len(command.words) != 2:
            raise arithmetic.UnknownError
        expanded = self.text(command.words[1]).text
        if expanded is None:
            raise arithmetic.UnknownError
        return expanded

    def _count(self, span: Span) -> str:
        value = self._state.lookup("#", span)
        if not isinstance(value, Value) or value.text is None:
            raise arithmetic.UnknownError
        return value.text

    def _number_text(self, name: str, span: Span) -> str | None:
        value = self._state.lookup(name, span)
        if isinstance(value, Array):
            value = value.get("0")
        return "" if value is None else value.text

    def _assign_number(self, name: str, text: str) -> None:
        self._state.assign(name, Value.of(text))

    def _parameter(self, part: Parameter, *, assigned: bool) -> Iterator[_Piece]:
        """What a parameter comes to: one piece, or one an element for `$@`, `${a[@]}` and their kin."""
        quoted = part.quoting is not Quoting.NONE
        if self._state.shell == "sh" and (part.operator in _BASH_ONLY or part.index is not None or part.indirect):
            yield _Piece(value=Value.unknown(f"`{part.span.text}`", part.span), quoted=quoted, splits=not quoted)
            return
        star = part.name if part.name in _WHOLE and part.index is None else part.index if part.index in _WHOLE else None
        if star is None or (part.length and not part.indirect):
            yield from self._single(part, quoted=quoted, assigned=assigned)
            return
        values = self._elements(part)
        if values is None:
            unknown = Value.unknown(f"`{part.span.text}`", part.span)
            yield _Piece(value=unknown, quoted=quoted, nothing=True)
            yield _Piece(value=unknown, quoted=quoted)
            return
        if part.operator in (":-", "-", ":+", "+", ":=", "=", ":?", "?"):
            joined = self._joined(values, part.span) if values else None
            yield from self._defaulted(part, joined, values, quoted=quoted, assigned=assigned)
            return
        changed = [applied(self, part, value, self._state) for value in values] if part.operator != ":" else values
        yield from self._several(changed, part.span, quoted=quoted, star=star == "*", assigned=assigned)

    def _several(
        self, values: Sequence[Value], span: Span, *, quoted: bool, star: bool, assigned: bool
    ) -> Iterator[_Piece]:
        if quoted and star:
            yield _Piece(value=self._joined(values, span), quoted=True)
            return
        if not values:
            yield _Piece(value=EMPTY, quoted=quoted, nothing=True)
        for index, value in enumerate(values):
            last = index == len(values) - 1
            yield _Piece(value=value, quoted=quoted, splits=not quoted and not assigned, ends=not last)

    def _joined(self, values: Sequence[Value], span: Span) -> Value:
        separators = self._state.lookup("IFS", span)
        text = separators.text if isinstance(separators, Value) else " "
        if text is None:
            return Value.unknown("elements joined by `$IFS`", span)
        result = EMPTY
        for index, value in enumerate(values):
            result += Value.of(text[:1]) + value if index else value
        return result

    def _elements(self, part: Parameter) -> tuple[Value, ...] | None:
        """The values of `$@` or an array (its indexes for `${!a[@]}`); None where they aren't known."""
        if part.index is None:
            positional = self._state.positional
            if positional.rest is not None:
                return None
            return (
                sliced(self, part, (self._state.name, *positional.known), first=0)
                if part.operator == ":"
                else positional.known
            )
        value = self._state.lookup(part.name, part.span)
        if value is None:
            return ()
        if not isinstance(value, Array):
            if value.text is None:
                return None
            value = Array(items=(("0", value),))
        if part.indirect:
            return tuple(Value.of(key) for key, _ in value.items)
        if part.operator == ":":
            return sliced(self, part, value.values, first=None) if not value.associative else None
        return value.values

    def _single(self, part: Parameter, *, quoted: bool, assigned: bool) -> Iterator[_Piece]:
        value = self._value(part)
        if part.indirect:
            value = self._indirect(part, value)
        if part.length:
            yield _Piece(value=self._length(part, value), quoted=quoted)
        elif part.operator in (":-", "-", ":+", "+", ":=", "=", ":?", "?"):
            one = value if isinstance(value, Value) else None
            yield from self._defaulted(part, one, None, quoted=quoted, assigned=assigned)
        else:
            changed = applied(self, part, value, self._state) if value is not None else EMPTY
            yield _Piece(value=changed, quoted=quoted, splits=not quoted)

    def _value(self, part: Parameter) -> Value | None:
        value: Variable | None = self._state.lookup(part.name, part.span)
        if part.index is None or (part.length and part.index in _WHOLE):
            if isinstance(value, Array):
                return value.get("0")
            return value
        if value is None:
            return None
        key = self._index(part.index, part.span, value)
        if key is None:
            return Value.unknown(f"`{part.span.text}`", part.span)
        if isinstance(value, Array):
            return value.get(key)
        return value if key == "0" else None

    def key(self, index: str, span: Span, variable: Variable | None) -> str | None:
        """What `[index]` of an array means; None where it isn't known."""
        return self._index(index, span, variable)

    def _index(self, index: str, span: Span, variable: Variable | None) -> str | None:
        if isinstance(variable, Array) and variable.associative:
            plain = re.fullmatch(r"""(["']?)([^"'$`\\]*)\1""", index)
            if plain:
                return plain[2]
            named = re.fullmatch(r"""(["']?)\$\{?(\w+)\}?\1""", index)
            value = self._state.lookup(named[2], span) if named else None
            return value.text if isinstance(value, Value) else None
        try:
            number = self.number(index, span)
        except (arithmetic.UnknownError, arithmetic.FailureError):
            return None
        if number < 0 and isinstance(variable, Array) and variable.items:
            number += int(variable.items[-1][0]) + 1
        return str(number) if number >= 0 else None

    def _indirect(self, part: Parameter, value: Value | None) -> Value | None:
        if part.operator in _WHOLE:
            return self._state.unknown(f"`{part.span.text}`", part.span)  # ${!prefix*}
        if value is None or value.text is None or not re.fullmatch(r"\w+", value.text):
            return Value.unknown(f"`{part.span.text}`", part.span)
        found = self._state.lookup(value.text, part.span)
        return found.get("0") if isinstance(found, Array) else found

    def _length(self, part: Parameter, value: Value | None) -> Value:
        if part.name in _WHOLE and part.index is None:
            return self._count_value(part)
        if part.index in _WHOLE:
            whole = self._state.lookup(part.name, part.span)
            if whole is None or isinstance(whole, Array):
                return Value.of(str(len(whole.items) if whole is not None else 0))
            return Value.of("1") if whole.text is not None else Value.unknown(f"`{part.span.text}`", part.span)
        if value is None:
            return Value.of("0")
        return (
            Value.of(str(len(value.text)))
            if value.text is not None
            else Value.unknown(f"`{part.span.text}`", part.span)
        )

    def _count_value(self, part: Parameter) -> Value:
        value = self._state.lookup("#", part.span)
        return value if isinstance(value, Value) else EMPTY

    def _defaulted(
        self,
        part: Parameter,
        value: Value | None,
        values: Sequence[Value] | None,
        *,
        quoted: bool,
        assigned: bool,
    ) -> Iterator[_Piece]:
        """`:-`, `-`, `:=`, `=`, `:+`, `+`, `:?`, `?`."""
        operator = part.operator or ""
        known = value is None or value.first_unknown is None or _surely_not_empty(value)
        if not known:
            # set or not, empty or not: unknown, but the same wherever the same is written
            self.parameter_names(part)
            number = next((p.number for p in (value or EMPTY).parts if hasattr(p, "number")), 0)
            unknown = Value.unknown(f"`{part.span.text}`", part.span, number)
            if part.argument is not None:
                self.text(part.argument)  # what a substitution in it does
            yield _Piece(value=unknown, quoted=quoted, splits=not quoted)
            return
        missing = value is None or (operator.startswith(":") and value.text == "")
        use_argument = missing != operator.endswith("+")
        if operator.endswith("?") and missing:
            if not self._state.tested:
                self._state.dead = True
            yield _Piece(value=EMPTY, quoted=quoted)
        elif use_argument and not operator.endswith("?"):
            if operator.endswith("="):
                text = self.text(part.argument)
                self._state.assign(part.name, text)
                yield _Piece(value=text, quoted=quoted, splits=not quoted)
            else:
                yield from self._argument(part, quoted=quoted, assigned=assigned)
        elif values is not None and not operator.endswith("+"):
            yield from self._several(
                values, part.span, quoted=quoted, star=part.name == "*" or part.index == "*", assigned=assigned
            )
        else:
            plain = EMPTY if operator.endswith("+") or value is None else value
            yield _Piece(value=plain, quoted=quoted, splits=not quoted)

    def _argument(self, part: Parameter, *, quoted: bool, assigned: bool) -> Iterator[_Piece]:
        if part.argument is None or not part.argument.parts:
            yield _Piece(value=EMPTY, quoted=quoted, splits=not quoted)
            return
        for piece in self._pieces(part.argument.parts, assigned=assigned):
            plain = not quoted and not piece.quoted
            yield _Piece(
                value=piece.value,
                quoted=quoted or piece.quoted,
                splits=piece.splits or plain,
                ends=piece.ends,
                nothing=piece.nothing,
            )


def _one_field(part: Part) -> bool:
    """Whether an unquoted part is neither nothing nor several fields."""
    return not isinstance(part, Unknown) or part.origin in ("`$?`", "`$#`", "`$$`", "`$!`")


def _odd_argument(part: Parameter) -> bool:
    """Whether bash reads the argument of a `${…}` in a way of its own: an open brace in it hides brace lists behind it, and
    `$'…'` in it may be split (seen in bash 5.2)."""
    inner = part.argument.parts if part.argument is not None else ()
    return any(
        isinstance(p, Literal)
        and (p.quoting is Quoting.ANSI_C or (p.quoting is Quoting.NONE and "{" in re.sub(r"\\.", "", p.span.text)))
        and part.quoting is Quoting.NONE
        for p in inner
    )


def _surely_not_empty(value: Value) -> bool:
    return any(not hasattr(p, "origin") for p in value.parts)


def _runs(part: Literal) -> list[tuple[str, bool]]:
    """An unquoted literal as stretches, each with whether a backslash quotes it. What was written decides; where the span
    doesn't give the text (a command out of a variable), it is taken as it is."""
    raw = part.span.text
    if len(raw) - len(raw.rstrip("\\")) & 1:
        return _runs(replace(part, span=replace(part.span, end=part.span.end - 1), text=part.text[:-1]))
    if raw == part.text:
        return [(part.text, False)]
    runs: list[tuple[str, bool]] = []
    for match in re.finditer(r"\\(.)|([^\\]+)", raw, re.DOTALL):
        if match[1] is not None:
            if match[1] != "\n":
                runs.append((match[1], True))
        else:
            runs.append((match[2], False))
    if "".join(text for text, _ in runs) != part.text:
        return [(part.text, False)]
    return runs
