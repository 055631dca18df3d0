"""Stages that are in no Dockerfile yet, as text."""

import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath

from migrate.provenance.model import ContextCopy, Image, Line, MadeStage, OutsideImage, PassedArgument, StageCopy


def made_text(stage: MadeStage, name: str, names: Mapping[Image, str], root: PurePosixPath) -> str:
    """The stage's instructions. `names` are those of the images that it needs, `root` is the build context."""
    lines = [f"FROM {names[stage.base]} AS {name}"]
    for step in stage.steps:
        match step:
            case Line(text=text):
                lines.append(text)
            case PassedArgument(name=argument):
                lines.append(f"ARG {argument}")
            case ContextCopy(path=path, directory=directory, target=target):
                source = path.relative_to(root).as_posix()
                lines.append(
                    f"COPY {_word(source)} {_word(str(target))}{'/' if directory and str(target) != '/' else ''}"
                )
            case StageCopy(place=place, target=target):
                source = _word(str(place.path))
                lines.append(f"COPY --from={names[place.image]} --chown=0:0 {source} {_word(str(target))}")
    return "\n".join(lines)


def needed(image: Image) -> tuple[Image, ...]:
    """The images that `image` needs, itself last."""
    if not isinstance(image, MadeStage):
        return (image,)
    inner = [
        i for b in (image.base, *(s.place.image for s in image.steps if isinstance(s, StageCopy))) for i in needed(b)
    ]
    return tuple(dict.fromkeys((*inner, image)))


def mounted(image: Image) -> tuple[ContextCopy, ...]:
    """What the stages of `image` copy of the build context."""
    return tuple(s for i in needed(image) if isinstance(i, MadeStage) for s in i.steps if isinstance(s, ContextCopy))


def passed(image: Image) -> tuple[PassedArgument, ...]:
    """The variables that the stages of `image` are given by the script."""
    return tuple(s for i in needed(image) if isinstance(i, MadeStage) for s in i.steps if isinstance(s, PassedArgument))


def outside(image: Image) -> str | None:
    return image.reference if isinstance(image, OutsideImage) else None


def _word(text: str) -> str:
    return text if shlex.quote(text) == text else f'["{text}"]'
