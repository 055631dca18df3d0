"""What common commands print, where that can be said without running them. None where it can't."""

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence

from migrate.trace import arithmetic
from migrate.trace.events import Argument
from migrate.trace.state import State, Status
from migrate.trace.values import EMPTY, Output, Stream, Value
from migrate.trace.workspace import Streamed

_MAY_FAIL = {"describe", "symbolic-ref", "config"}
_ASKS = {"-q", "--quiet", "--verify", "--exact-match"}

Printed = tuple[Output, Status]

_STABLE = {"uname", "hostname", "whoami", "arch", "nproc", "id", "getconf", "lsb_release", "dpkg-architecture"}
"""Commands that answer the same each time within a build."""
_STABLE_GIT = {
    "rev-parse",
    "describe",
    "log",
    "rev-list",
    "symbolic-ref",
    "config",
    "branch",
    "show",
    "name-rev",
    "tag",
}


def printed(state: State, name: str, arguments: tuple[Argument, ...]) -> Printed | None:
    """Output and status of the command whose words are `arguments`; None where it isn't one of these, or not known."""
    span = arguments[0].span
    stable = name in _STABLE or (name == "git" and _git_verb(arguments) in _STABLE_GIT)
    if stable:
        words = Value.of(" ").parts
        whole = EMPTY
        for argument in arguments:
            whole = whole + Value(parts=words) + argument.value if whole.parts else argument.value
        number = 0 if whole.text is not None else state.log.fresh()
        answer = Value.unknown(f"`{whole}`", span, number) + Value.of("\n")
        asks = name == "git" and (_git_verb(arguments) in _MAY_FAIL or any(a.value.text in _ASKS for a in arguments))
        return answer, Status(code=None, span=span, presumed=None if asks else True)
    command = _COMMANDS.get(name)
    if command is None or any(not a.certain for a in arguments):
        return None
    output = command(state, [a.value for a in arguments[1:]])
    if output is None:
        return None
    text, code = output
    return text, Status(code=code, span=span)


def _git_verb(arguments: Sequence[Argument]) -> str:
    words = [a.value.text or "" for a in arguments[1:]]
    return next((w for w in words if not w.startswith("-")), "")


Result = tuple[Output, int] | None


def _texts(values: Sequence[Value]) -> list[str] | None:
    texts = [v.text for v in values]
    return [t for t in texts if t is not None] if None not in texts else None


def _echo(state: State, values: list[Value]) -> Result:
    newline, escapes = True, state.shell == "sh"
    while values and re.fullmatch("-[neE]+", values[0].text or ""):
        letters = values[0].text or ""
        if state.shell == "sh" and letters != "-n":
            return None  # dash prints `-e`
        newline = newline and "n" not in letters
        escapes = "e" in letters or (escapes and "E" not in letters)
        values = values[1:]
    result = EMPTY
    for index, value in enumerate(values):
        result += Value.of(" ") + value if index else value
    if escapes and "\\" in result.marked:
        if result.text is None or re.search(r"\\[^nt\\r]", result.text):
            return None
        result = Value.of(_unescaped(result.text))
    return result + Value.of("\n" if newline else ""), 0


def _unescaped(text: str) -> str:
    known = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "a": "\a"}
    return re.sub(r"\\([ntr\\\"a])", lambda m: known[m[1]], text)


def _printf(state: State, values: list[Value]) -> Result:
    name = None
    if len(values) > 1 and values[0].text == "-v":
        name, values = values[1].text, values[2:]
    if values and values[0].text == "--":
        values = values[1:]
    form = values[0].text if values else None
    if form is None or re.search(r"\\[^ntr\\\"]", form):
        return None
    pieces = re.split(r"(%(?:[sd]|%))", form)
    if any("%" in piece for piece in pieces[::2]):
        return None
    rest, result, first = list(values[1:]), EMPTY, True
    while first or rest:
        consumed = False
        for index, piece in enumerate(pieces):
            if index % 2 == 0 or piece == "%%":
                result += Value.of("%" if piece == "%%" else _unescaped(piece))
                continue
            value = rest.pop(0) if rest else Value.of("" if piece == "%s" else "0")
            consumed = True
            if piece == "%d" and not re.fullmatch(r"-?[1-9]\d*|0", value.text or ""):
                return None
            result += value
        first = False
        if not consumed:
            break
    if name is not None:
        state.assign(name, result)
        return EMPTY, 0
    return result, 0


def _pwd(state: State, values: list[Value]) -> Result:
    del values
    return (Value.of(f"{state.workspace.root / state.directory}\n"), 0) if state.directory is not None else None


def _dirname(state: State, values: list[Value]) -> Result:
    del state
    texts = _texts(values)
    if texts is None or len(texts) != 1 or texts[0].startswith("-"):
        return None
    text = texts[0].rstrip("/")
    above = posixpath.dirname(text).rstrip("/") or ("/" if texts[0].startswith("/") else ".")
    return Value.of(above + "\n"), 0


def _basename(state: State, values: list[Value]) -> Result:
    del state
    texts = _texts(values)
    if texts is None or not 1 <= len(texts) <= 2 or texts[0].startswith("-"):
        return None
    name = posixpath.basename(texts[0].rstrip("/")) or ("/" if texts[0] else "")
    if len(texts) == 2 and texts[1] and name != texts[1]:
        name = name.removesuffix(texts[1])
    return Value.of(name + "\n"), 0


def _cat(state: State, values: list[Value]) -> Result:
    texts = _texts(values)
    if texts is None:
        return None
    names = [t for t in texts if not t.startswith("-") or t == "-"]
    if len(names) != len(texts):
        return None
    if names in ([], ["-"]):
        held = state.stdin
        state.stdin = EMPTY
        return (held, 0) if held is not None else None
    only = state.path(names[0]) if len(names) == 1 else None
    if only is not None and isinstance(node := state.workspace.node(only), Streamed):
        return node.stream, 0
    result, code = EMPTY, 0
    for name in names:
        path = state.path(name)
        if path is None:
            return None
        if state.workspace.exists(path) is False:
            code = 1
            continue
        text = state.workspace.text(path)
        if text is None:
            return None
        result += text
    return result, code


def _input(state: State, names: Sequence[str]) -> str | None:
    """The text of the one file named, or of standard input."""
    if len(names) > 1:
        return None
    if names and names[0] != "-":
        path = state.path(names[0])
        text = state.workspace.text(path) if path is not None else None
        return text.text if text is not None else None
    held = state.stdin
    state.stdin = None if isinstance(held, Stream) else EMPTY
    return held.text if isinstance(held, Value) else None


def _seq(state: State, values: list[Value]) -> Result:
    del state
    texts = _texts(values)
    if texts is None or not 1 <= len(texts) <= 3 or not all(re.fullmatch(r"-?\d{1,6}", t) for t in texts):
        return None
    numbers = [int(t) for t in texts]
    first = numbers[0] if len(numbers) > 1 else 1
    step = numbers[1] if len(numbers) == 3 else 1
    if (
        step == 0
        or abs(numbers[-1] - first) > 10_000
        or any(len(t.lstrip("-")) > 1 and t.lstrip("-")[0] == "0" for t in texts)
    ):
        return None
    last = numbers[-1] + (1 if step > 0 else -1)
    return Value.of("".join(f"{n}\n" for n in range(first, last, step))), 0


def _tr(state: State, values: list[Value]) -> Result:
    texts = _texts(values)
    if texts is None:
        return None
    options = "".join(t[1:] for t in texts if re.fullmatch("-[dscC]+", t))
    sets = [t for t in texts if not re.fullmatch("-[dscC]+", t)]
    if set(options) - {"d"} or len(sets) != (1 if "d" in options else 2):
        return None
    characters = [_set(t) for t in sets]
    text = _input(state, [])
    if text is None or any(c is None for c in characters):
        return None
    first = characters[0] or ""
    if options == "d":
        return Value.of("".join(c for c in text if c not in first)), 0
    second = characters[1] or ""
    if not second:
        return None
    second += second[-1] * (len(first) - len(second))
    table = {ord(a): b for a, b in reversed(list(zip(first, second, strict=False)))}
    return Value.of(text.translate(table)), 0


def _set(text: str) -> str | None:
    """The characters of a set of `tr`."""
    classes = {"[:upper:]": "A-Z", "[:lower:]": "a-z", "[:digit:]": "0-9", "[:space:]": " \\t\\n\\r\\f\\v"}
    for name, characters in classes.items():
        text = text.replace(name, characters)
    if re.search(r"\[[:=]|\\[^ntrfv\\/-]", text):
        return None
    text = re.sub(
        r"\\([ntrfv\\/-])", lambda m: {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}.get(m[1], m[1]), text
    )
    result, at = "", 0
    while at < len(text):
        if text[at + 1 : at + 2] == "-" and at + 2 < len(text):
            result += "".join(map(chr, range(ord(text[at]), ord(text[at + 2]) + 1)))
            at += 3
        else:
            result += text[at]
            at += 1
    return result


def _options(texts: Sequence[str], valued: str) -> tuple[dict[str, str], list[str]] | None:
    """Short options (those of `valued` with their value) and operands."""
    found: dict[str, str] = {}
    operands: list[str] = []
    rest = list(texts)
    while rest:
        text = rest.pop(0)
        if not text.startswith("-") or text == "-":
            operands.append(text)
            continue
        if text.startswith("--"):
            return None
        letter = text[1]
        if letter in valued:
            if len(text) == 2 and not rest:
                return None
            found[letter] = text[2:] or rest.pop(0)
        else:
            found |= dict.fromkeys(text[1:], "")
    return found, operands


def _cut(state: State, values: list[Value]) -> Result:
    texts = _texts(values)
    parsed = _options(texts, "dfcb") if texts is not None else None
    if parsed is None:
        return None
    options, operands = parsed
    ranges = options.get("f") or options.get("c")
    text = _input(state, operands)
    if text is None or ranges is None or set(options) - set("dfcs") or not re.fullmatch(r"[\d,-]+", ranges):
        return None
    lines = []
    for line in text.splitlines():
        if "c" in options:
            lines.append("".join(line[i] for i in range(len(line)) if _within(i + 1, ranges)))
            continue
        separator = options.get("d", "\t")
        pieces = line.split(separator)
        if len(pieces) == 1:
            lines += [] if "s" in options else [line]
        else:
            lines.append(separator.join(p for i, p in enumerate(pieces) if _within(i + 1, ranges)))
    return Value.of("".join(f"{line}\n" for line in lines)), 0


def _within(number: int, ranges: str) -> bool:
    for piece in ranges.split(","):
        low, dash, high = piece.partition("-")
        if number == int(low or 1) and not dash:
            return True
        if dash and int(low or 1) <= number <= int(high or 10**9):
            return True
    return False


def _head(state: State, values: list[Value]) -> Result:
    return _some_lines(state, values, lambda lines, n: lines[:n])


def _tail(state: State, values: list[Value]) -> Result:
    return _some_lines(state, values, lambda lines, n: lines[-n:] if n else [])


def _some_lines(state: State, values: list[Value], choose: Callable[[Sequence[str], int], Sequence[str]]) -> Result:
    texts = _texts(values)
    if texts is None:
        return None
    texts = ["-n" + t[1:] if re.fullmatch(r"-\d+", t) else t for t in texts]
    parsed = _options(texts, "nc")
    if parsed is None:
        return None
    options, operands = parsed
    text = _input(state, operands)
    number = options.get("n", options.get("c", "10"))
    if text is None or set(options) - {"n", "c"} or not re.fullmatch(r"\d+", number):
        return None
    pieces: Sequence[str] = text if "c" in options else text.splitlines(keepends=True)
    return Value.of("".join(choose(pieces, int(number)))), 0


def _wc(state: State, values: list[Value]) -> Result:
    texts = _texts(values)
    if texts not in (["-l"], ["-c"], ["-w"]):
        return None
    text = _input(state, [])
    if text is None:
        return None
    count = {"-l": text.count("\n"), "-c": len(text.encode()), "-w": len(text.split())}[texts[0]]
    return Value.of(f"{count}\n"), 0


def _sort(state: State, values: list[Value]) -> Result:
    texts = _texts(values)
    parsed = _options(texts, "") if texts is not None else None
    if parsed is None or set(parsed[0]) - {"u", "r"}:
        return None
    text = _input(state, parsed[1])
    if text is None or re.search(r"[^a-z0-9\n]", text):
        return None  # the order of other characters is the locale's
    lines = text.splitlines()
    ordered = sorted(set(lines) if "u" in parsed[0] else lines, reverse="r" in parsed[0])
    return Value.of("".join(f"{line}\n" for line in ordered)), 0


def _sed(state: State, values: list[Value]) -> Result:
    """`s/text/text/` of plain characters, and `-n Np`, `Nq`: what scripts cut versions with."""
    texts = _texts(values)
    if texts is None:
        return None
    scripts = [t for t in texts if not t.startswith("-")]
    options = [t for t in texts if t.startswith("-")]
    if len(scripts) < 1 or any(o not in ("-e", "-E", "-r") for o in options):
        return None
    match = re.fullmatch(r"s(.)((?:\\.|(?!\1).)*)\1((?:\\.|(?!\1).)*)\1(g?)", scripts[0], re.DOTALL)
    extended = any(o in ("-E", "-r") for o in options)
    if match is None or (extended and re.search(r"[+?|(){}]", match[2])):
        return None
    delimiter, pattern, replacement, everywhere = match.groups()
    if delimiter not in ".*[]^$\\&":
        pattern, replacement = (p.replace("\\" + delimiter, delimiter) for p in (pattern, replacement))
    regex = _basic(pattern)
    if regex is None or re.search(r"[&\\]", replacement) or "\n" in pattern:
        return None
    text = _input(state, scripts[1:])
    if text is None:
        return None
    count = 0 if everywhere else 1
    lines = [regex.sub(lambda _: replacement, line, count=count) for line in text.splitlines()]
    ended = text.endswith("\n") or not text
    return Value.of("\n".join(lines) + ("\n" if ended and lines else "")), 0


def _basic(pattern: str) -> re.Pattern[str] | None:
    """A POSIX basic expression of plain characters, `.`, `*`, sets and anchors; None for anything else."""
    if re.search(r"\\[^./\"\-\[\]*$^]", pattern) or re.search(r"\[[:.=]|\[\^?\]", pattern):
        return None
    result, at = "", 0
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            result += re.escape(pattern[at + 1 : at + 2])
            at += 2
            continue
        if character == "[":
            end = pattern.find("]", at + 2)
            if end < 0:
                return None
            result += pattern[at : end + 1].replace("\\", "\\\\")
            at = end + 1
            continue
        if character in "^$" and at not in ((0,) if character == "^" else (len(pattern) - 1,)):
            return None
        if character == "*" and (at == 0 or pattern[at - 1] == "^"):
            return None
        result += re.escape(character) if character in "+?|(){}" else character
        at += 1
    try:
        return re.compile(result)
    except re.error:
        return None


def _expr(state: State, values: list[Value]) -> Result:
    del state
    texts = _texts(values)
    if texts is None or len(texts) != 3:
        return None
    if not all(re.fullmatch(r"-?\d+", t) for t in (texts[0], texts[2])) or texts[1] not in ("+", "-", "*", "/", "%"):
        return None
    names = arithmetic.Names(get=lambda _: None, assign=lambda _, __: None)
    try:
        value = arithmetic.evaluate(f"({int(texts[0])}) {texts[1]} ({int(texts[2])})", names)
    except (arithmetic.UnknownError, arithmetic.FailureError):
        return None
    return Value.of(f"{value}\n"), int(value == 0)


def _realpath(state: State, values: list[Value]) -> Result:
    """`realpath`, `readlink -f`: of what is there and is no link."""
    texts = _texts(values)
    if texts is None:
        return None
    names = [t for t in texts if not t.startswith("-")]
    if len(names) != 1 or any(t not in ("-f", "-s", "-e", "-m", "--") for t in texts if t.startswith("-")):
        return None
    path = state.path(names[0])
    if path is None or state.workspace.exists(path) is not True or state.workspace.is_link(path) is not False:
        return None
    return Value.of(f"{state.workspace.root / path}\n"), 0


def _readlink(state: State, values: list[Value]) -> Result:
    return _realpath(state, values) if any(v.text in ("-f", "-e", "-m") for v in values) else None


def _ls(state: State, values: list[Value]) -> Result:
    texts = _texts(values)
    if texts is None or any(t.startswith("-") and t != "-1" for t in texts):
        return None
    names = [t for t in texts if t != "-1"]
    path = state.path(names[0] if names else ".")
    if len(names) > 1 or path is None or state.workspace.is_directory(path) is not True:
        return None
    held = state.workspace.names(path)
    if held is None:
        return None
    return Value.of("".join(f"{n}\n" for n in held if not n.startswith("."))), 0


def _nothing(state: State, values: list[Value]) -> Result:
    del state, values
    return EMPTY, 0


def _xargs(state: State, values: list[Value]) -> Result:
    if values:
        return None
    text = _input(state, [])
    if text is None or re.search(r"[\"'\\]", text):
        return None
    return Value.of(" ".join(text.split()) + "\n"), 0


_COMMANDS: Mapping[str, Callable[[State, list[Value]], Result]] = {
    "echo": _echo,
    "printf": _printf,
    "pwd": _pwd,
    "dirname": _dirname,
    "basename": _basename,
    "cat": _cat,
    "seq": _seq,
    "tr": _tr,
    "cut": _cut,
    "head": _head,
    "tail": _tail,
    "wc": _wc,
    "sort": _sort,
    "sed": _sed,
    "expr": _expr,
    "realpath": _realpath,
    "readlink": _readlink,
    "ls": _ls,
    "sleep": _nothing,
    "xargs": _xargs,
}
