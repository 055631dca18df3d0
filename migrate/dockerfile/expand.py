"""Variables in a Dockerfile's words, as BuildKit's shell lexer expands them (frontend/dockerfile/shell/lex.go).

Input: text as written, and the variables; output: the text that the instruction gets, or why it isn't known. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from migrate.dockerfile.instructions import Instruction
from migrate.dockerfile.lexer import ExpansionError, Lexer


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """What an expansion gave. Names are in the order of their first use; one in a branch not taken is left out.

    `text` is None where it depends on a value that is not known, or where there is an error. `used` are names that
    were set and known, `missing` those that were unset (docker takes them as empty), `unknown` those whose value is not
    known.
    `newer` are the modifiers that an older builder refuses to read: BuildKit 0.6 knows `:-` and `:+` only; 0.8, and both
    builders of Docker 20.10 (measured), `?` and `:?` too; 0.12 `-` and `+` too; `#`, `%` and `/` came later.
    Wherever the build runs at all, `text` is right.
    """

    text: str | None
    used: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    newer: tuple[str, ...] = ()
    error: str | None = None


def expand(text: str, variables: Mapping[str, str | None], escape: str) -> Expansion:
    """`text` with quotes taken off, escapes resolved and variables replaced. A value of None is set, but not known."""
    lexer = Lexer(text.removeprefix("\ufeff"), variables, escape)
    try:
        result = lexer.process("")
    except ExpansionError as error:
        return Expansion(text=None, newer=tuple(lexer.newer), error=str(error))
    names = lexer.names
    return Expansion(
        text=result,
        used=tuple(names.used),
        missing=tuple(names.missing),
        unknown=tuple(names.unknown),
        newer=tuple(lexer.newer),
    )


def here_document_words(line: str) -> tuple[str, ...]:
    """The words of `line` in which BuildKit looks for `<<NAME`: quotes, escapes, variables stay; none on an error."""
    lexer = Lexer(line, {}, "\\", raw_quotes=True, raw_escapes=True, keep_unset=True)
    try:
        lexer.process("")
    except ExpansionError:
        return ()
    return lexer.words.finished()


def here_document_name(text: str) -> tuple[str, bool] | None:
    """The delimiter that `text`, which follows `<<`, gives, and whether any of it was quoted.

    None where `text` is not one word. Raises ValueError for an open quote.
    """
    plain = Lexer(text, {}, "\\", keep_unset=True)
    plain.process("")
    words = plain.words.finished()
    if len(words) != 1:
        return None
    raw = Lexer(text, {}, "\\", raw_quotes=True, keep_unset=True)
    raw.process("")
    return words[0], _quotes(words[0]) != _quotes("".join(raw.words.finished()))


def environment_pairs(instruction: Instruction) -> tuple[tuple[str, str], ...]:
    """Keys and values of an ENV or LABEL, before expansion. `ENV key some words` gives one pair."""
    first = instruction.arguments[0].text
    if "=" not in first:
        return ((first, instruction.arguments[1].text),)
    return tuple((key, value) for key, _, value in (a.text.partition("=") for a in instruction.arguments))


def argument_pairs(instruction: Instruction) -> tuple[tuple[str, str | None], ...]:
    """Names and defaults of an ARG, before expansion; None where there is no default."""
    parts = (argument.text.partition("=") for argument in instruction.arguments)
    return tuple((name, value if equals else None) for name, equals, value in parts)


def _quotes(text: str) -> int:
    return text.count("'") + text.count('"')
