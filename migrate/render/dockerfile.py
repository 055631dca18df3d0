"""Several Dockerfiles → one text, in the authors' own words."""

import itertools

from migrate.plan.model import FilePart, GroupPlan, MadePart
from migrate.render.templates import render
from migrate.source import Edit, apply_edits


def render_dockerfile(plan: GroupPlan) -> str:
    """The multi-stage Dockerfile: its parts in order, a blank line between."""
    files = [p for p in plan.parts if isinstance(p, FilePart)]
    texts = [p.build.dockerfile.source.text for p in files]
    newline = "\r\n" if any("\r\n" in t for t in texts[-1:]) else "\n"
    moved = [text for p in files for _, text in p.moved_arguments]
    leading = list(itertools.takewhile(lambda p: isinstance(p, MadePart), plan.parts))
    parts = []
    for part in plan.parts[len(leading) :]:
        if isinstance(part, MadePart):
            parts.append(part.text.replace("\n", newline))
            continue
        edits = list(part.edits)
        if part is files[0]:
            ahead = "".join(text + newline for text in moved)
            ahead += "".join(p.text.replace("\n", newline) + 2 * newline for p in leading if isinstance(p, MadePart))
            source = part.build.dockerfile.source
            start = part.build.dockerfile.stages[0].span.start
            edits += [Edit(span=source.span(start, start), text=ahead)] if ahead else []
        parts.append(_trimmed(part, edits))
    return render("Dockerfile.j2", parts=parts, newline=newline)


def _trimmed(part: FilePart, edits: list[Edit]) -> str:
    """The edited text without blank lines around it, and without a byte order mark."""
    text = apply_edits(part.build.dockerfile.source, edits).removeprefix("\ufeff")
    lines = text.splitlines(keepends=True)
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    return "".join(lines).rstrip("\r\n")
