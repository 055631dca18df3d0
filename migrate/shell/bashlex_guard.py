"""What of a script's text bashlex is trusted with. Input: the text; output: its bones and its comments, or None.

bashlex loses or invents commands without a word in cases that were measured (here-documents in compounds, several lines
in a substitution, a second `elif`, …), so this looks at the text alone and says no whenever it isn't sure: then shfmt reads.

Bones: the text, character for character, with quoted text as `q`, parameters as `p`, comments and continuations blank.
"""

import re

MAX_LENGTH = 16 * 1024  # bashlex needs 1 ms for 100 bytes at worst

_PARAMETER = re.compile(
    r"\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?!$]"
    r"|\{(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+)(?::?[-=+?][A-Za-z0-9_./:,@%+=-]*)?\})"
)
_NOT_TRUSTED = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"<<",  # here-documents: their text becomes commands, or isn't expanded; here-strings go with them
        r"[<>]\(",  # process substitutions
        r"\(\(",  # arithmetic: `((x>1))` is read as a redirection
        r"\[\[",
        r";;|;&",
        r"[?*+@!]\(",  # extended globs, and the negated subshell `!(…)`
        r"[A-Za-z0-9_]\[",  # array elements
        r"[0-9]&>",  # no descriptor: a word and a redirection
        r"=\(",
        r"\{[^ \t\n]",  # brace lists, `{fd}>`
        r"\$\([ \t]*\)",
        r"(?<![^\s;&|()])(?:case|select|time|coproc|let|function)(?![^\s;&|()<>])",
        r"(?<![^\s;&|()])elif[\s(].*(?<![^\s;&|()])elif[\s(]",  # the branches from the second on are lost
    )
)


class _UntrustedError(Exception):
    pass


def trusted(text: str) -> tuple[str, tuple[tuple[int, int], ...]] | None:
    """Bones and comments (start, end) of a text that bashlex reads soundly; None where that isn't sure."""
    if len(text) > MAX_LENGTH:
        return None
    scanner = _Scanner(text)
    try:
        scanner.run()
    except _UntrustedError:
        return None
    bones = "".join(scanner.bones)
    if not bones.strip() or any(pattern.search(bones) for pattern in _NOT_TRUSTED):
        return None
    return bones, tuple(scanner.comments)


class _Scanner:
    """Follows quotes and substitutions only. `_open` says what the position is in: `"`, `(` for `$(`, or nothing."""

    def __init__(self, text: str) -> None:
        self.bones: list[str] = []
        self.comments: list[tuple[int, int]] = []
        self._text = text
        self._at = 0
        self._open: list[str] = []

    def run(self) -> None:
        while self._at < len(self._text):
            character = self._text[self._at]
            if character == "\\":
                self._backslash()
            elif character == "$":
                self._dollar()
            elif character == '"':
                self._double_quote()
            elif character == "`":
                raise _UntrustedError  # nested ones fail, several lines lose commands
            elif self._open[-1:] == ['"']:
                self._take(1, "q")
            else:
                self._code(character)
        if self._open:
            raise _UntrustedError

    def _take(self, length: int, as_what: str) -> None:
        """Pass `length` characters. bashlex asks Python what is blank or a letter: only ASCII is safe. A line end within a
        substitution loses what follows it."""
        for character in self._text[self._at : self._at + length]:
            if not (" " <= character <= "~" or character in "\t\n") or (character == "\n" and "(" in self._open):
                raise _UntrustedError
        self.bones.append(as_what * (length if len(as_what) == 1 else 1))
        self._at += length

    def _backslash(self) -> None:
        """Positions behind a continuation drift within a word or a substitution; between words they are right."""
        following = self._text[self._at + 1 : self._at + 2]
        if not following:
            raise _UntrustedError
        if following == "\n":
            if self._open or self._bone_before() not in " \t\n":
                raise _UntrustedError
            self._take(1, " ")
            self._take(1, " ")
        else:
            self._take(2, "q")

    def _dollar(self) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        parameter = _PARAMETER.match(self._text, self._at)
        if parameter:
            self._take(parameter.end() - self._at, "p")
        elif following == "(":
            if self._text.startswith("$((", self._at):
                raise _UntrustedError
            self._take(2, "$(")
            self._open.append("(")
        elif following in ("{", "[") or (following in ("'", '"') and self._open[-1:] != ['"']):
            raise _UntrustedError
        else:
            self._take(1, "q")

    def _double_quote(self) -> None:
        if self._open[-1:] == ['"']:
            self._open.pop()
        else:
            self._open.append('"')
        self._take(1, "q")

    def _code(self, character: str) -> None:
        if character == "'":
            end = self._text.find("'", self._at + 1)
            if end < 0:
                raise _UntrustedError
            self._take(end + 1 - self._at, "q")
        elif character == "#" and self._bone_before() in " \t\n;&|()":
            self._comment()
        elif self._open:
            self._substituted(character)
        else:
            self._take(1, character)

    def _bone_before(self) -> str:
        return self.bones[-1][-1] if self.bones else "\n"

    def _comment(self) -> None:
        if self._open:
            raise _UntrustedError
        end = self._text.find("\n", self._at)
        end = len(self._text) if end < 0 else end
        self.comments.append((self._at, end))
        comment = self._text[self._at : end]
        if re.search(r"[^\t -\x7e\x80-\U0010ffff]", comment):
            raise _UntrustedError
        self.bones.append(" " * len(comment))
        self._at = end

    def _substituted(self, character: str) -> None:
        """Unquoted text in `$( )`: one command or pipeline, for bashlex reads no list there."""
        text, at = self._text, self._at
        redirects = self._bone_before() in "<>" or text.startswith("&>", at)
        if character in "(;" or text.startswith("||", at) or (character == "&" and not redirects):
            raise _UntrustedError
        if character == ")":
            self._open.pop()
        self._take(1, character)
