"""A Jenkinsfile without the commands that go: cut within the texts of its `sh` steps. A step of which nothing is left goes whole,
where it is a statement of its own; a block is never left empty."""

import re
from collections.abc import Iterable, Iterator, Sequence

from migrate.drivers.groovy import Statement, Token, read_groovy, walk
from migrate.drivers.jenkinsfile import shell_steps
from migrate.drivers.refusal import NotReadError
from migrate.render.lines import Cut, UncertainEditError, merged, whole_lines, within_text
from migrate.source import Edit, SourceFile, Span, apply_edits

_BETWEEN = r"[ \t;]*"


def render_jenkinsfile(source: SourceFile, cuts: Sequence[Cut], edits: Sequence[Edit], comments: set[int]) -> str:
    """`comments` are the lines on which the shell has one. Raises UncertainEditError."""
    statements = read_groovy(source)
    whole: list[Cut] = []
    inside: list[Edit] = []
    gone: set[Span] = set()
    for statement in walk(statements):
        for step in shell_steps(statement):
            text = step.text.inside if step.text is not None else None
            mine = [c for c in cuts if text is not None and text.start <= c.start and c.end <= text.end]
            if step.text is None or text is None or not mine:
                continue
            if _is_empty(text, mine):
                if not step.whole:
                    raise UncertainEditError("taking this out would leave a step empty", text)
                gone.add(statement.span)
                whole.append(Cut(start=statement.span.start, end=statement.span.end))
            elif "\n" in text.text:
                whole += mine
            else:
                inside += within_text(text, mine, _BETWEEN)
    for block in _emptied(statements, gone):
        raise UncertainEditError("taking this out would leave nothing here", block)
    for edit in edits:
        _check_quotes(source, statements, edit)
    kept = [e for e in edits if not any(s.start <= e.span.start and e.span.end <= s.end for s in gone)]
    after = apply_edits(source, merged([*kept, *inside, *whole_lines(source, whole, comments)]))
    try:
        read_groovy(SourceFile(path=source.path, text=after))
    except NotReadError as error:
        raise UncertainEditError("with this the pipeline could no longer be read", source.span(0, 0)) from error
    return after


def _is_empty(text: Span, cuts: Iterable[Cut]) -> bool:
    """Whether nothing of a step's text is left."""
    rest, at = "", text.start
    for cut in sorted(cuts, key=lambda c: c.start):
        rest += text.file.text[at : max(at, cut.start)]
        at = max(at, cut.end)
    rest += text.file.text[at : text.end]
    return not re.sub(r"(?m)^\s*#.*$", "", rest).strip(" \t\r\n;\\")


def _emptied(statements: Iterable[Statement], gone: set[Span]) -> Iterator[Span]:
    """Blocks of which every statement goes."""
    for statement in statements:
        for block in statement.blocks:
            inner = {s.span for s in block.statements}
            if inner and inner <= gone:
                yield block.statements[0].span
            yield from _emptied(block.statements, gone)


def _check_quotes(source: SourceFile, statements: tuple[Statement, ...], edit: Edit) -> None:
    """What is put in must stand there as it is meant."""
    place = edit.span
    token = next((t for t in _texts(statements) if t.span.start <= place.start and place.end <= t.span.end), None)
    quote = token.text[0] if token is not None else "'"
    if "\\" in edit.text or quote in edit.text:
        message = "what is put in here would have to be quoted anew for Groovy"
        raise UncertainEditError(message, source.span(place.start, place.end))


def _texts(statements: tuple[Statement, ...]) -> Iterator[Token]:
    return (c.text for s in walk(statements) for c in shell_steps(s) if c.text is not None)
