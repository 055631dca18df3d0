"""`[ … ]`, `test` and `[[ … ]]`: true, false, or not known (Bash manual, 6.4; POSIX `test` for the count rules)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from migrate.shell.syntax import Literal, Parameter, Quoting, Word
from migrate.source import Span
from migrate.trace import arithmetic
from migrate.trace.expand import Expander
from migrate.trace.patterns import to_regex
from migrate.trace.state import State
from migrate.trace.values import Array, Value
from migrate.trace.workspace import Artifact, Linked

_UNARY = set("-a -b -c -d -e -f -g -h -k -L -n -o -p -r -s -S -t -u -v -w -x -z -G -N -O -R".split())
_STRING = {"=", "==", "!=", "<", ">", "=~"}
_NUMBER: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda a, b: a == b,
    "-ne": lambda a, b: a != b,
    "-lt": lambda a, b: a < b,
    "-le": lambda a, b: a <= b,
    "-gt": lambda a, b: a > b,
    "-ge": lambda a, b: a >= b,
}
_FILES = {"-nt", "-ot", "-ef"}
_BINARY = {*_STRING, *_NUMBER, *_FILES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`value` is None where it isn't known; `by_files` where it was read off the files that are there; `failed` where the
    words are no expression (status 2); `presumed` where it rests on what an exit status is taken to be."""

    value: bool | None
    by_files: bool = False
    failed: bool = False
    presumed: bool = False


def _not(verdict: Verdict) -> Verdict:
    value = None if verdict.value is None else not verdict.value
    return replace(verdict, value=value)


def _combined(operator: str, left: Verdict, right: Verdict) -> Verdict:
    """`&&` or `||` of two."""
    decisive = operator == "||"
    for one in (left, right):
        if one.value is decisive:
            return one
    by_files, presumed = left.by_files or right.by_files, left.presumed or right.presumed
    if left.value is None or right.value is None:
        return Verdict(value=None, by_files=by_files)
    return Verdict(value=not decisive, by_files=by_files, presumed=presumed)


def test(state: State, operands: Sequence[Value], span: Span) -> Verdict:
    """`[` or `test` with its operands (the closing `]` left out)."""
    return _Test(state, span).whole(list(operands))


class _Test:
    def __init__(self, state: State, span: Span) -> None:
        self._state = state
        self._span = span

    def whole(self, words: list[Value]) -> Verdict:
        if not words:
            return Verdict(value=False)
        texts = [w.text for w in words]
        match len(words):
            case 1:
                return Verdict(value=_empty(words[0], wanted=False))
            case 2:
                if texts[0] == "!":
                    return _not(self.whole(words[1:]))
                return self._unary(texts[0], words[1]) if texts[0] in _UNARY else _odd(words)
            case 3 if texts[1] in _BINARY:
                return self._binary(words[0], texts[1] or "", words[2])
            case 3 if texts[1] in ("-a", "-o"):
                operator = "&&" if texts[1] == "-a" else "||"
                return _combined(operator, self.whole(words[:1]), self.whole(words[2:]))
            case 3 | 4 if texts[0] == "!":
                return _not(self.whole(words[1:]))
            case 3 | 4 if texts[0] == "(" and texts[-1] == ")":
                return self.whole(words[1:-1])
            case 3:
                return _odd(words)
            case _:
                pass
        found, rest = self._either(words)
        return found if not rest else _odd(words)

    def _either(self, words: list[Value]) -> tuple[Verdict, list[Value]]:
        left, rest = self._both(words)
        while rest and rest[0].text == "-o":
            right, rest = self._both(rest[1:])
            left = _combined("||", left, right)
        return left, rest

    def _both(self, words: list[Value]) -> tuple[Verdict, list[Value]]:
        left, rest = self._one(words)
        while rest and rest[0].text == "-a":
            right, rest = self._one(rest[1:])
            left = _combined("&&", left, right)
        return left, rest

    def _one(self, words: list[Value]) -> tuple[Verdict, list[Value]]:
        if not words:
            return Verdict(value=False, failed=True), []
        first = words[0].text
        if len(words) >= 3 and words[1].text in _BINARY:
            return self._binary(words[0], words[1].text or "", words[2]), words[3:]
        if first == "!":
            found, rest = self._one(words[1:])
            return _not(found), rest
        if first == "(":
            found, rest = self._either(words[1:])
            return found, rest[1:]
        if first in _UNARY and len(words) >= 2:
            return self._unary(first, words[1]), words[2:]
        return Verdict(value=_empty(words[0], wanted=False)), words[1:]

    def _unary(self, operator: str | None, operand: Value) -> Verdict:
        return unary(self._state, operator or "", operand, self._span)

    def _binary(self, left: Value, operator: str, right: Value) -> Verdict:
        taken = [self._state.taken(value) for value in (left, right)]
        if any(t is not None for t in taken):
            left, right = (v if t is None else Value.of(t) for v, t in zip((left, right), taken, strict=True))
            return replace(self._binary(left, operator, right), presumed=True)
        if operator in _NUMBER:
            return _compared(operator, left.text, right.text)
        if operator == "==" and self._state.shell == "sh":
            return Verdict(value=None)  # dash doesn't know it
        if operator in ("=", "=="):
            return Verdict(value=_equal(left, right))
        if operator == "!=":
            return _not(Verdict(value=_equal(left, right)))
        if operator in ("<", ">") and left.text is not None and right.text is not None:
            return Verdict(value=left.text < right.text if operator == "<" else left.text > right.text)
        return Verdict(value=None)


def _odd(words: Sequence[Value]) -> Verdict:
    """No expression: status 2; not known where a word isn't."""
    return Verdict(value=None) if any(w.text is None for w in words) else Verdict(value=False, failed=True)


def _empty(value: Value, *, wanted: bool) -> bool | None:
    if value.text is not None:
        return (value.text == "") is wanted
    return not wanted if any(not hasattr(p, "origin") for p in value.parts) else None


def _equal(left: Value, right: Value) -> bool | None:
    if left.text is not None and right.text is not None:
        return left.text == right.text
    if left == right:
        return True
    for known, other in ((left, right), (right, left)):
        if known.text is not None and not _may_be(known.text, other):
            return False
    return None


def _may_be(text: str, value: Value) -> bool:
    """Whether a value with unknown parts can come to `text`, going by its known parts."""
    pattern = "".join(re.escape(piece) if piece != "\0" else ".*" for piece in re.split("(\0)", value.marked))
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def _compared(operator: str, left: str | None, right: str | None) -> Verdict:
    if left is None or right is None:
        return Verdict(value=None)
    if not all(re.fullmatch(r"\s*[-+]?\d+\s*", t) for t in (left, right)):
        return Verdict(value=False, failed=True)
    return Verdict(value=_NUMBER[operator](int(left), int(right)))


def unary(state: State, operator: str, operand: Value, span: Span) -> Verdict:
    if operator in ("-z", "-n"):
        return Verdict(value=_empty(operand, wanted=operator == "-z"))
    if operator == "-v":
        if operand.text is None or not operand.text.isidentifier():
            return Verdict(value=None)
        value = state.lookup(operand.text, span)
        if value is None or operand.text in state.variables:
            return Verdict(value=value is not None)
        return Verdict(value=None)
    if operator == "-t":
        return Verdict(value=None)
    if operand.text == "":
        return Verdict(value=False)
    path = state.path(operand.text) if operand.text is not None else None
    if path is None:
        return Verdict(value=None)
    answer = _about_file(state, operator, path)
    return Verdict(value=answer, by_files=True)


def _about_file(state: State, operator: str, path: PurePosixPath) -> bool | None:
    workspace = state.workspace
    exists = workspace.exists(path)
    if operator in ("-L", "-h"):
        node = workspace.node(path)
        return workspace.is_link(path) if not isinstance(node, Artifact) else None
    if isinstance(workspace.node(path), Linked):
        return None
    if exists is not True:
        return exists
    answers: Mapping[str, Callable[[PurePosixPath], bool | None]] = {
        "-e": workspace.exists,
        "-a": workspace.exists,
        "-f": workspace.is_file,
        "-d": workspace.is_directory,
        "-x": lambda p: workspace.is_directory(p) or workspace.is_executable(p),
        "-s": lambda p: _holds_text(state, p),
        **dict.fromkeys(("-b", "-c", "-p", "-S"), lambda p: _special(state, p)),
    }
    answer = answers.get(operator)
    return answer(path) if answer is not None else None


def _holds_text(state: State, path: PurePosixPath) -> bool | None:
    text = state.workspace.text(path)
    if text is None:
        return state.workspace.is_directory(path) or None
    return bool(text.parts) if text.text is not None or not text.parts else None


def _special(state: State, path: PurePosixPath) -> bool | None:
    """Whether it is a device, a pipe or a socket."""
    plain = state.workspace.is_file(path) or state.workspace.is_directory(path)
    return False if plain else None


def double_bracket(state: State, expander: Expander, words: Sequence[Word]) -> Verdict:
    """`[[ … ]]`; `words` are its operands and operators in order."""
    found, rest = _DoubleBracket(state, expander).either(list(words))
    return found if not rest else Verdict(value=None)


class _DoubleBracket:
    def __init__(self, state: State, expander: Expander) -> None:
        self._state = state
        self._expander = expander

    def either(self, words: list[Word]) -> tuple[Verdict, list[Word]]:
        left, rest = self._both(words)
        while rest and _operator(rest[0]) == "||":
            right, rest = self._both(rest[1:])
            left = _combined("||", left, right)
        return left, rest

    def _both(self, words: list[Word]) -> tuple[Verdict, list[Word]]:
        left, rest = self._one(words)
        while rest and _operator(rest[0]) == "&&":
            right, rest = self._one(rest[1:])
            left = _combined("&&", left, right)
        return left, rest

    def _one(self, words: list[Word]) -> tuple[Verdict, list[Word]]:
        if not words:
            return Verdict(value=None), []
        first = _operator(words[0])
        second = _operator(words[1]) if len(words) > 1 else None
        if first == "!":
            found, rest = self._one(words[1:])
            return _not(found), rest
        if first == "(":
            found, rest = self.either(words[1:])
            return found, rest[1:]
        if second in _BINARY and len(words) > 2:
            return self._binary(words[0], second or "", words[2]), words[3:]
        if first in _UNARY and len(words) > 1:
            operand = self._expander.text(words[1])
            return unary(self._state, first or "", operand, words[1].span), words[2:]
        return Verdict(value=_empty(self._expander.text(words[0]), wanted=False)), words[1:]

    def _binary(self, left: Word, operator: str, right: Word) -> Verdict:
        if operator in _NUMBER:
            return self._numbers(left, operator, right)
        value = self._expander.text(left)
        if operator in ("=", "==", "!="):
            return self._matches(value, right) if operator != "!=" else _not(self._matches(value, right))
        if operator == "=~":
            return self._regex(value, right)
        other = self._expander.text(right)
        if operator in ("<", ">") and value.text is not None and other.text is not None:
            return Verdict(value=value.text < other.text if operator == "<" else value.text > other.text)
        return Verdict(value=None)

    def _numbers(self, left: Word, operator: str, right: Word) -> Verdict:
        numbers, presumed = [], False
        for word in (left, right):
            value = self._expander.text(word)
            taken = self._state.taken(value)
            presumed = presumed or taken is not None
            text = value.text if taken is None else taken
            if text is None:
                return Verdict(value=None)
            try:
                numbers.append(self._expander.number(text, word.span))
            except arithmetic.UnknownError:
                return Verdict(value=None)
            except arithmetic.FailureError:
                return Verdict(value=False, failed=True)
        return Verdict(value=_NUMBER[operator](numbers[0], numbers[1]), presumed=presumed)

    def _matches(self, value: Value, right: Word) -> Verdict:
        taken = self._state.taken(value)
        if taken is not None:
            return replace(self._matches(Value.of(taken), right), presumed=True)
        pieces = self._expander.pattern(right)
        if pieces is None or value.text is None:
            other = self._expander.text(right)
            if pieces is not None and any(re.search(r"[*?\[]", t) for t, quoted in pieces if not quoted):
                return Verdict(value=None)
            return Verdict(value=_equal(value, other))
        return Verdict(value=to_regex(pieces).fullmatch(value.text) is not None)

    def _regex(self, value: Value, right: Word) -> Verdict:
        """`=~`: quoted stretches stand for themselves. Matches go to BASH_REMATCH."""
        self._state.forget(["BASH_REMATCH"], right.span)
        source = ""
        for part in right.parts:
            if isinstance(part, Literal):
                quoted = part.quoting is not Quoting.NONE
                source += re.escape(part.text) if quoted else part.span.text
            elif isinstance(part, Parameter):
                text = self._expander.text(Word(span=part.span, parts=(part,))).text
                if text is None:
                    return Verdict(value=None)
                source += text if part.quoting is Quoting.NONE else re.escape(text)
            else:
                return Verdict(value=None)
        if value.text is None:
            return Verdict(value=None)
        converted = _extended(source)
        if converted is None:
            return Verdict(value=None)
        match = converted.search(value.text)
        groups = (match[0], *match.groups()) if match else ()
        items = tuple((str(i), Value.of(g or "")) for i, g in enumerate(groups))
        self._state.assign("BASH_REMATCH", Array(items=items))
        return Verdict(value=match is not None)


def _operator(word: Word) -> str | None:
    part = word.parts[0] if len(word.parts) == 1 else None
    return part.text if isinstance(part, Literal) and part.quoting is Quoting.NONE else None


_CLASSES = {"digit": "0-9", "alpha": "a-zA-Z", "alnum": "a-zA-Z0-9", "space": r"\s", "upper": "A-Z", "lower": "a-z"}


def _extended(source: str) -> re.Pattern[str] | None:
    """A POSIX extended expression as Python's; None where the two differ (leftmost-longest among alternatives, escapes)."""
    if re.search(r"\\[A-Za-z0-9]|\(\?|[*+?}][?+]|\|", source):
        return None
    converted = re.sub(r"\[:(\w+):\]", lambda m: _CLASSES.get(m[1], "\0"), source)
    if "\0" in converted:
        return None
    try:
        return re.compile(converted.replace("$", r"\Z") if "\\$" not in converted else converted, re.DOTALL)
    except re.error:
        return None
