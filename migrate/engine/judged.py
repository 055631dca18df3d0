"""The text that a migrated Dockerfile is judged by: its builder's stage as the image it came to, the rest as written.

Built with `--no-cache`, it makes the runtime stages anew while nothing is compiled twice (docs/architecture.md, "How the two
sides are judged").
"""

from migrate.dockerfile.instructions import Dockerfile
from migrate.source import Edit, apply_edits


def judged_text(dockerfile: Dockerfile, stage_name: str, image: str) -> str:
    """`dockerfile` with the stage `stage_name` reduced to `FROM image AS stage_name`, and the stages before it left out:
    they are the builder's own, and the classic builder would make them again though nothing needs them.

    Raises StopIteration where there is no such stage.
    """
    stage = next(s for s in dockerfile.stages if s.name is not None and s.name.text == stage_name)
    span = dockerfile.source.span(dockerfile.stages[0].span.start, stage.span.end)
    return apply_edits(dockerfile.source, [Edit(span=span, text=f"FROM {image} AS {stage_name}")])
