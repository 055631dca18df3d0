"""Names for the stages of a Dockerfile that is multi-stage already, and the names in place of numbers.

A number changes its meaning when a stage is put in ahead of it, a name doesn't (Docker's documentation, "Name your build
stages"). The last stage needs none: nothing can refer to it but `--target`.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

from migrate.dockerfile.instructions import Dockerfile, Stage
from migrate.plan.naming import Names, clean
from migrate.plan.texts import called, numbered
from migrate.source import Edit

_BUILDER_NAMES = ("builder", "build")
_GENERIC = frozenset("app bin build dist main out output release result target tmp root src opt usr local lib".split())
"""Names of artifacts and folders that say nothing of a stage."""


def name_stages(dockerfile: Dockerfile) -> tuple[Edit, ...]:
    """A name for each stage but the last that has none, and each `COPY --from` by name; nothing where all is so already."""
    *ahead, _ = dockerfile.stages
    nameless = [s for s in ahead if s.name is None]
    names = Names((dockerfile,))
    names.taken |= {s.name.text.lower() for s in dockerfile.stages if s.name is not None}
    given = {s.index: names.give(*_wanted(dockerfile, s, alone=len(nameless) == 1)) for s in nameless}
    edits = [called(s, given[s.index]) for s in nameless]
    for flag, stage in numbered(dockerfile):
        name = stage.name.text if stage.name is not None else given[stage.index]
        edits.append(Edit(span=flag.span, text=f"--from={name}"))
    return tuple(edits)


def _wanted(dockerfile: Dockerfile, stage: Stage, *, alone: bool) -> Iterator[str]:
    """By what is taken out of it, else by the image that it is made from."""
    if alone:
        yield from _BUILDER_NAMES
        return
    index = str(stage.index)
    for instruction in (i for s in dockerfile.stages for i in s.instructions):
        flag = instruction.flag("from")
        if flag is not None and flag.value == index:
            for source in instruction.arguments[:-1]:
                name = clean(PurePosixPath(source.text).stem)
                if name is not None and name not in _GENERIC:
                    yield f"build-{name}"
    image = stage.image.text.rpartition("/")[2].partition(":")[0].partition("@")[0]
    if clean(image) is not None:
        yield f"{image}-builder"
    yield "builder"
