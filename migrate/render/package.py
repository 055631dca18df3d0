"""A package.json without the commands that go: cut within the strings of its scripts. A script is never left empty, since others
may call it."""

import re
from collections.abc import Iterable, Sequence

from migrate.drivers.package import PackageError, read_package
from migrate.render.lines import Cut, UncertainEditError, merged
from migrate.source import Edit, SourceFile, Span, apply_edits

_BETWEEN = r"(?:[ \t;]|\\n|\\t)*"


def render_package(source: SourceFile, cuts: Sequence[Cut], edits: Iterable[Edit]) -> str:
    """Raises UncertainEditError."""
    package = read_package(source)
    inside = [e for s in package.scripts for e in _within(s.place, cuts)]
    changed = merged([*edits, *inside])
    text = apply_edits(source, changed)
    place = min((e.span for e in changed), key=lambda s: s.start, default=source.span(0, 0))
    try:
        after = read_package(SourceFile(path=source.path, text=text))
    except PackageError as error:
        raise UncertainEditError("what is put in here would have to be quoted anew for JSON", place) from error
    for script in package.scripts:
        left = after.get(script.name)
        if script.text.strip() and (left is None or not left.text.strip()):
            raise UncertainEditError("taking this out would leave a script empty", script.place)
    return text


def _within(script: Span, cuts: Sequence[Cut]) -> Iterable[Edit]:
    """Cuts of statements beside others: up to the next statement, or from behind the one before."""
    text = script.file.text
    joined: list[Cut] = []
    for cut in sorted((c for c in cuts if script.start <= c.start and c.end <= script.end), key=lambda c: c.start):
        if joined and re.fullmatch(_BETWEEN, text[joined[-1].end : cut.start]):
            joined[-1] = Cut(start=joined[-1].start, end=cut.end)
        else:
            joined.append(cut)
    for cut in joined:
        following = re.compile(_BETWEEN).match(text, cut.end, script.end)
        start, end = cut.start, following.end() if following else cut.end
        if end == script.end:
            before = text[script.start : start]
            start = script.start + len(re.sub(_BETWEEN + "$", "", before))
        yield Edit(span=script.file.span(start, end), text="")
