"""Shell arithmetic over known numbers (Bash manual, 6.5): `$(( … ))`, `(( … ))`, `let`, array indexes. 64 bits, signed.

`UnknownError` where an operand isn't known, `FailureError` where bash would fail."""

import re
from collections.abc import Callable
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(?:(0[xX][0-9a-fA-F]+|\d+(?:#[0-9a-zA-Z@_]+)?)|([A-Za-z_]\w*)"
    r"|(<<=|>>=|\*\*|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^~!<>=?:(),]))"
)
_BINARY = {
    "||": 2,
    "&&": 3,
    "|": 4,
    "^": 5,
    "&": 6,
    "==": 7,
    "!=": 7,
    "<": 8,
    ">": 8,
    "<=": 8,
    ">=": 8,
    "<<": 9,
    ">>": 9,
    "+": 10,
    "-": 10,
    "*": 11,
    "/": 11,
    "%": 11,
    "**": 12,
}
_ASSIGNMENTS = {"=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "|=", "^="}
_DEPTH = 32


class UnknownError(Exception):
    """The value depends on what isn't known."""


class FailureError(Exception):
    """Bash would say that the expression is wrong (a division by 0, a stray symbol)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """`get` gives a variable's text (None: not known, an unset one is empty), `assign` takes a new one."""

    get: Callable[[str], str | None]
    assign: Callable[[str, str], None]


def evaluate(text: str, names: Names, depth: int = 0) -> int:
    """Raises UnknownError or FailureError."""
    if depth > _DEPTH:
        raise FailureError
    return _Parser(text, names, depth).whole()


class _Parser:
    def __init__(self, text: str, names: Names, depth: int) -> None:
        self._symbols: list[str] = []
        self._names = names
        self._depth = depth
        self._at = 0
        self._off = 0
        position = 0
        text = text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise UnknownError
            self._symbols.append(match[0].strip())
            position = match.end()

    def whole(self) -> int:
        if not self._symbols:
            return 0
        value = self._comma()
        if self._at < len(self._symbols):
            raise FailureError
        return value

    def _peek(self) -> str:
        return self._symbols[self._at] if self._at < len(self._symbols) else ""

    def _take(self) -> str:
        symbol = self._peek()
        if not symbol:
            raise FailureError
        self._at += 1
        return symbol

    def _comma(self) -> int:
        value = self._assignment()
        while self._peek() == ",":
            self._at += 1
            value = self._assignment()
        return value

    def _assignment(self) -> int:
        following = self._symbols[self._at + 1] if self._at + 1 < len(self._symbols) else ""
        if self._peek().isidentifier() and following in _ASSIGNMENTS:
            name, operator = self._take(), self._take()
            value = self._assignment()
            if operator != "=":
                value = self._apply(operator[:-1], self._variable(name), value)
            return self._assign(name, value)
        return self._ternary()

    def _ternary(self) -> int:
        condition = self._binary(2)
        if self._peek() != "?":
            return condition
        self._at += 1
        yes = self._skipping(self._comma, skip=condition == 0)
        if self._take() != ":":
            raise FailureError
        no = self._skipping(self._ternary, skip=condition != 0)
        return yes if condition else no

    def _skipping(self, read: Callable[[], int], *, skip: bool) -> int:
        """Read without its assignments taking place, where the other side counts."""
        self._off += skip
        try:
            return read()
        finally:
            self._off -= skip

    def _binary(self, level: int) -> int:
        left = self._unary()
        while (priority := _BINARY.get(self._peek(), 0)) >= level:
            operator = self._take()
            if operator in ("&&", "||"):
                skip = (left == 0) == (operator == "&&")
                right = self._skipping(lambda p=priority: self._binary(p + 1), skip=skip)  # type: ignore[misc]
                left = int(bool(left) and bool(right)) if operator == "&&" else int(bool(left) or bool(right))
            else:
                right = self._binary(priority if operator == "**" else priority + 1)
                left = self._apply(operator, left, right)
        return left

    def _unary(self) -> int:
        symbol = self._take()
        match symbol:
            case "++" | "--":
                name = self._take()
                return self._assign(name, self._variable(name) + (1 if symbol == "++" else -1))
            case "+" | "-" | "!" | "~":
                value = self._unary()
                return {"+": value, "-": -value, "!": int(not value), "~": ~value}[symbol]
            case "(":
                value = self._comma()
                if self._take() != ")":
                    raise FailureError
                return value
            case _ if symbol.isidentifier():
                value = self._variable(symbol)
                if self._peek() in ("++", "--"):
                    self._assign(symbol, value + (1 if self._take() == "++" else -1))
                return value
            case _ if symbol[0].isdigit():
                return _number(symbol)
            case _:
                raise FailureError

    def _variable(self, name: str) -> int:
        if not name.isidentifier():
            raise FailureError
        text = self._names.get(name)
        if text is None:
            if self._off:
                return 1
            raise UnknownError
        return evaluate(text, self._names, self._depth + 1)

    def _assign(self, name: str, value: int) -> int:
        if not name.isidentifier():
            raise FailureError
        value = _wrapped(value)
        if not self._off:
            self._names.assign(name, str(value))
        return value

    def _apply(self, operator: str, left: int, right: int) -> int:
        if operator in ("/", "%") and right == 0:
            if self._off:
                return 0
            raise FailureError
        if (operator == "**" and (right < 0 or right > 63)) or (operator in ("<<", ">>") and not 0 <= right < 64):
            raise UnknownError
        results: dict[str, Callable[[], int]] = {
            "+": lambda: left + right,
            "-": lambda: left - right,
            "*": lambda: left * right,
            "/": lambda: abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1),
            "%": lambda: abs(left) % abs(right) * (-1 if left < 0 else 1),
            "**": lambda: left**right,
            "<<": lambda: left << right,
            ">>": lambda: left >> right,
            "<": lambda: int(left < right),
            ">": lambda: int(left > right),
            "<=": lambda: int(left <= right),
            ">=": lambda: int(left >= right),
            "==": lambda: int(left == right),
            "!=": lambda: int(left != right),
            "&": lambda: left & right,
            "|": lambda: left | right,
            "^": lambda: left ^ right,
        }
        return _wrapped(results[operator]())


def _wrapped(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63


def _number(symbol: str) -> int:
    try:
        if "#" in symbol:
            base, _, digits = symbol.partition("#")
            return int(digits, int(base))
        if symbol.lower().startswith("0x"):
            return int(symbol, 16)
        return int(symbol, 8) if symbol.startswith("0") and len(symbol) > 1 else int(symbol)
    except ValueError:
        raise FailureError from None
