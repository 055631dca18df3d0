"""The text that a migrated Dockerfile is judged by: its builders' stages as the images they came to, the rest as written.

Built with `--no-cache`, it makes the runtime stages anew while nothing is compiled twice (docs/architecture.md, "How the two
sides are judged").
"""

from collections.abc import Sequence
from dataclasses import dataclass

from migrate.dockerfile.instructions import Dockerfile
from migrate.source import Edit, apply_edits


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Neighbouring stages, by index, that come to the image of the last one, called `name`; `image` is that image's name."""

    first: int
    last: int
    name: str
    image: str


def judged_text(dockerfile: Dockerfile, blocks: Sequence[Block]) -> str:
    """`dockerfile` with each block reduced to `FROM image AS name`: the classic builder would make the stages before it again
    though nothing needs them."""
    edits = []
    for block in blocks:
        first, last = dockerfile.stages[block.first], dockerfile.stages[block.last]
        span = dockerfile.source.span(first.span.start, last.span.end)
        edits.append(Edit(span=span, text=f"FROM {block.image} AS {block.name}"))
    return apply_edits(dockerfile.source, edits)
