"""What the new Dockerfile's copies take out of builders, asserted: images that both lack an artifact are equal, too."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from migrate import rules
from migrate.diagnostics import Diagnostic, Label
from migrate.dockerfile.expand import expand
from migrate.dockerfile.instructions import Dockerfile, Stage
from migrate.dockerfile.reader import read_dockerfile
from migrate.dockerfile.scope import stage_variables
from migrate.engine.artifact import Held
from migrate.plan.model import MigrationPlan
from migrate.source import FileChange, SourceFile, decode

# an image and sources in it → what it holds at each
Look = Callable[[str, tuple[str, ...]], Mapping[str, Held]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCopy:
    """A source of a `COPY --from` that takes from a builder: `image` is the builder's, `source` absolute."""

    image: str
    source: str
    text: str


def planned_copies(
    planned: MigrationPlan, changes: tuple[FileChange, ...], builders: Mapping[int, str]
) -> tuple[PlannedCopy, ...]:
    """Of the new Dockerfiles, as far as the text says which source: one with a variable of unknown value is left to the
    comparison of the images. `builders` are images by build; those from outside go by the names in COPY."""
    outside = {k.builder for k in planned.artifacts if isinstance(k.builder, str)}
    texts = {c.path: c.after for c in changes if c.after is not None}
    found: list[PlannedCopy] = []
    for group in planned.groups:
        dockerfile, _ = read_dockerfile(SourceFile(path=group.path, text=decode(texts[group.path])))
        if dockerfile is not None:
            images = {name.lower(): builders[n] for n, name in group.builders.items() if n in builders}
            for stage in dockerfile.stages:
                found += _of_stage(dockerfile, stage, images | {name: name for name in outside})
    return tuple(dict.fromkeys(found))


def asserted(copies: tuple[PlannedCopy, ...], look: Look, planned: MigrationPlan) -> tuple[Diagnostic, ...]:
    """Of each copy that its source is there, and has a content."""
    by_image: dict[str, list[PlannedCopy]] = {}
    for copy in copies:
        by_image.setdefault(copy.image, []).append(copy)
    found = []
    for image, its in by_image.items():
        held = look(image, tuple(dict.fromkeys(c.source for c in its)))
        found += [d for c in its if (d := _diagnostic(c, held[c.source], planned)) is not None]
    return tuple(found)


def _diagnostic(copy: PlannedCopy, held: Held, planned: MigrationPlan) -> Diagnostic | None:
    if held is Held.CONTENT:
        return None
    rule = rules.ARTIFACT_MISSING if held is Held.NOTHING else rules.ARTIFACT_EMPTY
    what = "matches nothing in the builder" if held is Held.NOTHING else "has no content in the builder"
    return Diagnostic(
        rule=rule,
        message=f"`{copy.source}` {what}",
        primary=Label(span=planned.place),
        notes=(f"the new Dockerfile has `{copy.text}`",),
    )


def _of_stage(dockerfile: Dockerfile, stage: Stage, images: Mapping[str, str]) -> Iterator[PlannedCopy]:
    variables = stage_variables(dockerfile, stage, {})
    for before, instruction in zip(variables, stage.instructions, strict=True):
        origin = instruction.flag("from")
        if instruction.keyword != "COPY" or origin is None or origin.value is None:
            continue
        image = images.get(origin.value.lower(), images.get(origin.value))
        for argument in instruction.arguments[:-1] if image is not None else ():
            source = expand(argument.text, before, dockerfile.escape).text
            if source is not None and image is not None:
                # another stage's paths begin at its root, whatever its WORKDIR (Dockerfile reference, "COPY --from")
                yield PlannedCopy(image=image, source="/" + source.lstrip("/"), text=instruction.span.text)
