"""Reading: `.dockerignore`, and which paths of a build context it hides.

Input: a SourceFile; output: an IgnoreFile, or diagnostics with places. Rules as docker has them: moby/patternmatcher
(ignorefile.ReadAll, MatchesOrParentMatches), with Go's path/filepath.Clean and Match. Pure.
"""

import posixpath
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from migrate import rules
from migrate.diagnostics import Diagnostic, Label
from migrate.dockerfile.lines import WHITE_SPACE, UnreadableError, check_line_lengths, line_bounds
from migrate.source import SourceFile, Span

_SPECIAL = re.compile(r"[*?\[\]\\]")
_STARS = re.compile(r"\*\*/?")
_CLASS_CHARACTER = r"(?:\\[\x00-/:-@\[-`{-\x7f]|[^\\\]\-])"
_CLASS = re.compile(rf"\[(\^?+)((?:{_CLASS_CHARACTER}(?:-{_CLASS_CHARACTER})?)+)\]")
# What docker until 20.10 leaves as it is in the regular expression; and where it means the same.
_READ_OTHERWISE = re.compile(r"[+(){}|^]")
_READ_ALIKE = re.compile(rf"\\.|{_CLASS.pattern}")
_RANGE = re.compile(rf"({_CLASS_CHARACTER})(?:-({_CLASS_CHARACTER}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnorePattern:
    """One line: `text` is its pattern in docker's clean form, without the `!` of an exception."""

    span: Span
    text: str
    exception: bool
    _expression: re.Pattern[str] = field(repr=False, compare=False)
    _older: re.Pattern[str] | None = field(repr=False, compare=False)

    def matches(self, path: str) -> bool:
        """Whether it matches `path` itself, parents left aside."""
        return self._expression.fullmatch(path) is not None

    def matches_in_older(self, path: str) -> bool | None:
        """The same for docker until 20.10; None where that takes the pattern for another regular expression."""
        return None if self._older is None else self._older.fullmatch(path) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreFile:
    """The patterns in order: the last one that matches decides."""

    source: SourceFile
    patterns: tuple[IgnorePattern, ...]

    def ignores(self, path: str) -> bool:
        """Whether `path`, relative to the build context, is hidden from the build. The context itself never is."""
        return (pattern := self.deciding(path)) is not None and not pattern.exception

    def deciding(self, path: str) -> IgnorePattern | None:
        """The pattern that hides `path`, or the exception that brings it back; None where none concerns it."""
        path = _clean(path).lstrip("/")
        if path in ("", "."):
            return None
        parts = path.split("/")
        candidates = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        decided: IgnorePattern | None = None
        for pattern in self.patterns:
            hidden = decided is not None and not decided.exception
            if pattern.exception == hidden and any(pattern.matches(candidate) for candidate in candidates):
                decided = pattern
        return decided

    def reaches_below(self, path: str) -> str | None:
        """A pattern that could hide something below `path`, were it a directory; None where none could."""
        parts = _clean(path).lstrip("/").split("/")
        parts = [] if parts in ([""], ["."]) else parts
        for pattern in self.patterns:
            pieces = pattern.text.split("/")
            if pattern.exception or "**" in pieces[: len(parts) + 1]:
                if not pattern.exception:
                    return pattern.text
                continue
            if len(pieces) > len(parts) and all(map(fnmatchcase, parts, pieces)):
                return pattern.text
        return None

    def depends_on_builder(self, path: str) -> bool:
        """Whether docker until 20.10 may decide otherwise on `path` (measured on 20.10, both builders).

        It compares a pattern with one parent only, as deep as the pattern; doesn't look into a hidden directory unless
        an exception begins with its name; reads `**x` as `**/x`, and `+ ( ) { } | ^` as in a regular expression.
        """
        if any(pattern.matches_in_older("") is None for pattern in self.patterns):
            return True
        parts = _clean(path).lstrip("/").split("/")
        if parts in ([""], ["."]):
            return False
        for count in range(1, len(parts) + 1):
            walked = "/".join(parts[:count])
            if self._hidden_in_older(parts[:count]) and (count == len(parts) or not self._entered_in_older(walked)):
                return not self.ignores(path)
        return self.ignores(path)

    def _hidden_in_older(self, parts: list[str]) -> bool:
        hidden = False
        for pattern in self.patterns:
            depth = pattern.text.count("/") + 1
            candidates = ["/".join(parts), *(["/".join(parts[:depth])] if depth < len(parts) else [])]
            if any(pattern.matches_in_older(candidate) for candidate in candidates):
                hidden = not pattern.exception
        return hidden

    def _entered_in_older(self, directory: str) -> bool:
        return any(p.exception and f"{p.text}/".startswith(f"{directory}/") for p in self.patterns)


def read_ignore(source: SourceFile) -> tuple[IgnoreFile | None, tuple[Diagnostic, ...]]:
    """The ignore file in `source`; None and MS113 for each pattern that docker would refuse."""
    patterns: list[IgnorePattern] = []
    errors: list[UnreadableError] = []
    try:
        check_line_lengths(source)
    except UnreadableError as error:
        return None, (_diagnostic(error),)
    for number in range(1, source.line_count + 1):
        try:
            pattern = _read_line(source, number)
        except UnreadableError as error:
            errors.append(error)
            continue
        if pattern is not None:
            patterns.append(pattern)
    if errors:
        return None, tuple(_diagnostic(error) for error in errors)
    return IgnoreFile(source=source, patterns=tuple(patterns)), ()


def _diagnostic(error: UnreadableError) -> Diagnostic:
    return Diagnostic(rule=rules.IGNORE_FILE_UNREADABLE, message=error.message, primary=Label(span=error.span))


def _read_line(source: SourceFile, number: int) -> IgnorePattern | None:
    start, end = line_bounds(source, number)
    line = source.text[start:end]
    text = line.strip(WHITE_SPACE)
    if line.startswith("#") or not text:
        return None
    start += len(line) - len(line.lstrip(WHITE_SPACE))
    span = source.span(start, start + len(text))
    exception = text.startswith("!")
    inner = text.removeprefix("!").strip(WHITE_SPACE) if exception else text
    text = _clean(inner) if inner else ""
    text = text.removeprefix("/") if len(text) > 1 else text
    if not exception:
        # docker looks for the `!` a second time, behind a `/` or `./` that it has taken off.
        text = text.strip(WHITE_SPACE)
        exception = text.startswith("!")
        text = text.removeprefix("!")
    if exception and text in ("", "/"):
        raise UnreadableError("an exception without a pattern", span)
    plain = _plain_expression(text)
    tokens = _tokens(text, span) if plain is None or "**" in text else plain
    older = None if _READ_OTHERWISE.search(_READ_ALIKE.sub("", text)) else tokens
    return IgnorePattern(span=span, text=text, exception=exception, _expression=plain or tokens, _older=older)


def _clean(path: str) -> str:
    """Go's filepath.Clean."""
    return re.sub("^//", "/", posixpath.normpath(path))


def _plain_expression(pattern: str) -> re.Pattern[str] | None:
    """A pattern without special characters but `**` at one end, which moby/patternmatcher compares as plain text.

    So `**x` matches `ax`, although `**x*` doesn't.
    """
    rest = pattern.removeprefix("**")
    if not _SPECIAL.search(rest) and rest != pattern:
        start = "(?:.*/)?" if rest.startswith("/") else ".*"
        return re.compile(start + re.escape(rest.removeprefix("/")), re.DOTALL)
    rest = pattern.removesuffix("**")
    if not _SPECIAL.search(rest):
        return re.compile(re.escape(rest) + (".*" if rest != pattern else ""), re.DOTALL)
    return None


def _tokens(pattern: str, span: Span) -> re.Pattern[str]:
    """A pattern as a regular expression: `*` and `?` stop at a slash, a class in brackets doesn't.

    Raises UnreadableError for what is not a pattern.
    """
    out: list[str] = []
    position = 0
    while position < len(pattern):
        position, expression = _token(pattern, position, span)
        out.append(expression)
    return re.compile("".join(out))


def _token(pattern: str, position: int, span: Span) -> tuple[int, str]:
    """The regular expression of what stands at `position`, and where the next token begins."""
    char = pattern[position]
    if (stars := _STARS.match(pattern, position)) is not None:
        end = stars.end()
        return end, "(?:.*/)?" if end < len(pattern) else ".*"
    match char:
        case "*":
            return position + 1, "[^/]*"
        case "?":
            return position + 1, "[^/]"
        case "^":
            return position + 1, "^"  # docker leaves it an anchor
        case "\\":
            escaped = pattern[position + 1 : position + 2]
            if not escaped or not escaped.isascii() or escaped.isalnum():
                raise UnreadableError(f"invalid escape `\\{escaped}` in the pattern `{pattern}`", span)
            return position + 2, re.escape(escaped)
        case "[":
            return _class(pattern, position, span)
        case _:
            return position + 1, re.escape(char)


def _class(pattern: str, position: int, span: Span) -> tuple[int, str]:
    """A class in brackets at `position`. Go's rules: no empty class, `-` and `]` escaped, ranges upwards."""
    match = _CLASS.match(pattern, position)
    if match is None:
        raise UnreadableError(f"invalid brackets in the pattern `{pattern}`", span)
    if re.search(r"(?<!\\)[*?]|\[:", match[2]):
        raise UnreadableError(f"`*`, `?` and `[:` in brackets are not supported: `{pattern}`", span)
    out: list[str] = []
    for low, high in _RANGE.findall(match[2]):
        first, last = low[-1], high[-1:]
        if last and first > last:
            raise UnreadableError(f"a range in the pattern `{pattern}` runs backwards", span)
        out.append(re.escape(first) + (f"-{re.escape(last)}" if last else ""))
    return match.end(), f"[{match[1]}{''.join(out)}]"
