"""Where a text names what goes; and the calls of `docker build` that stand in any text: in a script, a CI file, a README."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate.discover import EntryKind, Repository
from migrate.plan.callers import called
from migrate.source import SourceFile, Span
from migrate.trace.docker_cli import CommandLineError, parse

_DOCUMENTS = frozenset({".md", ".markdown", ".mdown", ".rst", ".txt", ".adoc", ".asciidoc", ".org", ".textile"})
_HISTORY = re.compile(r"(?i)(?:change|history|news|release)")
_DOCKER = re.compile(r"(?<![\w./-])docker(?=[ \t]|\\\r?\n)")
_BLANK = re.compile(r"(?:[ \t]|\\\r?\n)+")
_PLAIN = re.compile(r"[\w@%+=:,./-]+")
_END = re.compile(r"[;&|()<>`\n\r]|$|[0-9]+[<>]")
_GOES_ON = re.compile(r"[ \t]*(?:#[^\n]*)?\r?\n[ \t]+--?\w")
"""An option on the next line: a block of YAML may join the two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildCall:
    """A `docker build` as text. `option` are the words that give its Dockerfile, `file` and `context` what they and the operand
    say, relative to wherever it is run."""

    span: Span
    option: Span
    file: str
    context: str


def is_document(path: PurePosixPath) -> bool:
    """Whether a file is there to be read by people."""
    return path.suffix.lower() in _DOCUMENTS or (not path.suffix and path.name.lower() == "readme")


def is_history(path: PurePosixPath) -> bool:
    """Whether it says what was: that stays true."""
    return is_document(path) and _HISTORY.match(path.name) is not None


def named(repository: Repository, source: SourceFile, dockerfile: PurePosixPath) -> list[Span]:
    """Where a text names a Dockerfile. In a document not where the path leads to another file."""
    beside = source.path.parent / dockerfile.name
    if beside != dockerfile and repository.kind(beside) is EntryKind.FILE:
        return []  # one of its own, of the same name
    pattern = rf"(?:(?<![\w-])|(?<=\s-f)){re.escape(called(dockerfile))}(?![\w-]|\.\w)"
    found = [source.span(m.start(), m.end()) for m in re.finditer(pattern, source.text)]
    if not is_document(source.path):
        return found
    return [s for s in found if not _is_another(repository, source, s, dockerfile)]


def _is_another(repository: Repository, source: SourceFile, span: Span, dockerfile: PurePosixPath) -> bool:
    ahead = re.search(r"[\w./-]*$", source.text[: span.start])
    written = PurePosixPath((ahead[0] if ahead else "").removeprefix("-f") + span.text)
    places = {PurePosixPath(*written.parts), source.path.parent / written}
    return dockerfile not in places and any(repository.kind(p) is EntryKind.FILE for p in places)


def build_calls(source: SourceFile) -> Iterator[BuildCall]:
    """The calls that can be read whole: one Dockerfile and one context, both written out, and no stage."""
    for start in _DOCKER.finditer(source.text):
        spans = _words(source, start.start())
        words = [_unquoted(s.text) for s in spans]
        command = parse([w if w is not None else s.text for w, s in zip(words, spans, strict=True)][1:])
        if isinstance(command, CommandLineError) or command.verb != "build" or len(command.operands) != 1:
            continue
        files = [o for o in command.options if o.name == "file"]
        context = words[command.operands[0].word + 1]
        if len(files) != 1 or context is None or any(o.name == "target" for o in command.options):
            continue
        first, last = spans[files[0].word + 1], spans[files[0].value_word + 1]
        value, alone = files[0].value, first is not last
        plainly = first.text in ("-f", "--file") if alone else first.text.startswith(("-f", "--file="))
        if (
            value is None
            or not plainly
            or (alone and words[files[0].value_word + 1] is None)
            or not _PLAIN.fullmatch(value)
        ):
            continue
        yield BuildCall(
            span=source.span(spans[0].start, spans[-1].end),
            option=source.span(first.start, last.end),
            file=value,
            context=context,
        )


def _words(source: SourceFile, at: int) -> Sequence[Span]:
    """The words of a command up to its end; none where it may go on in a way that isn't seen."""
    text, found = source.text, []
    line = text[text.rfind("\n", 0, at) + 1 : at]
    closing = next((q for q in ('"', "'") if line.count(q) % 2), "")  # the command stands in a string
    while True:
        end = _word(text, at, closing)
        if end == at:
            break
        found.append(source.span(at, end))
        blank = _BLANK.match(text, end)
        if blank is None:
            at = end
            break
        at = blank.end()
        if text[at : at + 1] == "#":
            break
    ended = _END.match(text, at) or text[at : at + 1] in ("#", closing or "#")
    return found if ended and not _GOES_ON.match(text, at) else found[:1]


def _word(text: str, at: int, closing: str) -> int:
    """Where the word at `at` ends."""
    quoted = "|".join(rf"{q}[^{q}\n\\]*{q}" for q in ('"', "'") if q != closing)
    word = re.compile(rf"(?:\$\([^()\n]*\)|\$\{{[^{{}}\n]*\}}|{quoted}|[^\s;&|()<>`\"'\\])*")
    if re.compile(r"[0-9]+[<>]").match(text, at):
        return at
    match = word.match(text, at)
    return match.end() if match is not None else at


def _unquoted(word: str) -> str | None:
    """What a word says, where that is written out."""
    inner = word[1:-1] if len(word) > 2 and word[0] == word[-1] and word[0] in "\"'" else word
    return inner if _PLAIN.fullmatch(inner) else None
