"""Two Dockerfiles → one text, in the authors' own words."""

from migrate.dockerfile.instructions import Dockerfile
from migrate.plan.model import StagePlan
from migrate.render.templates import render
from migrate.source import Edit, apply_edits


def render_dockerfile(plan: StagePlan) -> str:
    """The multi-stage Dockerfile: the builder's text, a blank line, the runtime's."""
    builder = plan.builder.dockerfile
    runtime = plan.runtime.dockerfile
    newline = "\r\n" if "\r\n" in runtime.source.text else "\n"
    moved = newline.join(s.text for s in plan.moved_arguments)
    edits = [*plan.builder_edits]
    if moved:
        start = builder.stages[0].span.start
        edits.append(Edit(span=builder.source.span(start, start), text=moved + newline))
    return render(
        "Dockerfile.j2",
        builder=_trimmed(builder, edits),
        runtime=_trimmed(runtime, [*plan.runtime_edits]),
        newline=newline,
    )


def _trimmed(dockerfile: Dockerfile, edits: list[Edit]) -> str:
    """The edited text without blank lines around it, and without a byte order mark."""
    text = apply_edits(dockerfile.source, edits).removeprefix("\ufeff")
    lines = text.splitlines(keepends=True)
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    return "".join(lines).rstrip("\r\n")
