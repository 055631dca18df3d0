"""The text that a migrated Dockerfile is judged by: its builder stages as the images they came to, the rest as written.

Built with `--no-cache`, it makes the runtime stages anew while nothing is compiled twice (docs/architecture.md, "How the two
sides are judged").
"""

from collections.abc import Mapping

from migrate.dockerfile.instructions import Dockerfile, Stage
from migrate.source import Edit, apply_edits


def judged_text(dockerfile: Dockerfile, images: Mapping[str, str]) -> str:
    """`dockerfile` with each stage named in `images` (stage name → image reference) reduced to `FROM image AS name`."""
    edits = []
    for stage in dockerfile.stages:
        if stage.name is not None and stage.name.text in images:
            text = f"FROM {images[stage.name.text]} AS {stage.name.text}"
            edits.append(Edit(span=stage.span, text=text))
    return apply_edits(dockerfile.source, edits)


def needed_stages(dockerfile: Dockerfile, target: str | None) -> tuple[str, ...]:
    """The named stages, in order, that the last stage (or `target`) copies files from; each is built by its own name."""
    final = _final(dockerfile, target)
    wanted = {
        f.value.lower() for s in _chain(dockerfile, final) for i in s.instructions if (f := i.flag("from")) and f.value
    }
    return tuple(s.name.text for s in dockerfile.stages if s.name is not None and s.name.text.lower() in wanted)


def _final(dockerfile: Dockerfile, target: str | None) -> Stage:
    if target is not None:
        for stage in dockerfile.stages:
            if stage.name is not None and stage.name.text.lower() == target.lower():
                return stage
    return dockerfile.stages[-1]


def _chain(dockerfile: Dockerfile, stage: Stage) -> list[Stage]:
    """`stage` and the stages that it is made FROM."""
    chain = [stage]
    while True:
        base = chain[-1].image.text.lower()
        earlier = [
            s for s in dockerfile.stages[: chain[-1].index] if s.name is not None and s.name.text.lower() == base
        ]
        if not earlier:
            return chain
        chain.append(earlier[-1])
