"""A package.json without the commands that go: cut within the strings of its scripts. A script is never left empty, since others
may call it."""

from collections.abc import Iterable, Sequence

from migrate.drivers.package import PackageError, read_package
from migrate.render.lines import Cut, UncertainEditError, merged, within_text
from migrate.source import Edit, SourceFile, apply_edits

_BETWEEN = r"(?:[ \t;]|\\n|\\t)*"


def render_package(source: SourceFile, cuts: Sequence[Cut], edits: Iterable[Edit]) -> str:
    """Raises UncertainEditError."""
    package = read_package(source)
    inside = [e for s in package.scripts for e in within_text(s.place, cuts, _BETWEEN)]
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
