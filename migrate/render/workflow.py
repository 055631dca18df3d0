"""A CI file without the commands that go: lines of blocks and items of lists. A step or a list is never left empty."""

import re
from collections.abc import Sequence as Several

from migrate.drivers.yaml_reader import Mapping, Scalar, Sequence, YamlNode, read_yaml
from migrate.render.lines import Cut, UncertainEditError, merged, whole_lines
from migrate.source import Edit, SourceFile, apply_edits


def render_workflow(source: SourceFile, cuts: Several[Cut], edits: Several[Edit], comments: set[int]) -> str:
    """Items (`- docker rm x`) go with their dash; `comments` are the lines on which the shell has one."""
    widened = [_with_dash(source, cut) for cut in cuts]
    text = apply_edits(source, merged([*edits, *whole_lines(source, widened, comments)]))
    if _empty(read_yaml(SourceFile(path=source.path, text=text))) > _empty(read_yaml(source)):
        place = cuts[0] if cuts else Cut(start=0, end=0)
        raise UncertainEditError(
            "taking this out would leave a step or a list empty", source.span(place.start, place.end)
        )
    return text


def _empty(node: YamlNode | None) -> int:
    """How many values are there that hold nothing."""
    match node:
        case None:
            return 1
        case Scalar(text=text):
            return int(not text.strip())
        case Sequence(items=items):
            return sum(map(_empty, items)) + (not items)
        case Mapping(items=items):
            return sum(_empty(v) for _, v in items) + (not items)


def _with_dash(source: SourceFile, cut: Cut) -> Cut:
    """The cut with the dash before it and the quotes around it, where it is all of an item."""
    number = source.position(cut.start).line
    start, end = source.line_bounds(number)
    before, behind = source.text[start : cut.start], source.text[cut.end : end]
    if re.fullmatch(r"[ \t]*-[ \t]+[\"']?", before) and re.fullmatch(r"[\"']?[ \t]*(?:#.*)?\r?\n?", behind):
        return Cut(start=start + len(before) - len(before.lstrip()), end=end - len(behind) + len(behind.rstrip("\r\n")))
    return cut
