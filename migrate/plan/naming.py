"""Names for stages: what the author called things, valid, unique, and never an image's name in use (semantics.md 3, rule 4)."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from migrate.dockerfile.instructions import Dockerfile
from migrate.image import ImageReference
from migrate.provenance.model import Build

_NAME = re.compile(r"[a-z][a-z0-9_.-]*")
_RESERVED = {"scratch", "context"}
_PLAIN = {"build", "builder", "dockerfile", "latest", "image", "docker", "final"}


class Names:
    """Hands out names; `taken` are those of images that the files use, also by an ARG's default."""

    def __init__(self, dockerfiles: Iterable[Dockerfile]) -> None:
        self.taken: set[str] = set(_RESERVED)
        read = tuple(dockerfiles)
        stages = [s for d in read for s in d.stages]
        defaults = [v.strip("\"'") for d in read for i in d.global_arguments for v in re.findall(r"=(\S+)", i.text)]
        flags = [
            f.value for s in stages for i in s.instructions if (f := i.flag("from")) is not None and f.value is not None
        ]
        mounts = [f.value or "" for s in stages for i in s.instructions for f in i.flags if f.name == "mount"]
        mounted = [m for text in mounts for m in re.findall(r"(?:^|,)from=([^,]+)", text)]
        for text in (*(s.image.text for s in stages), *defaults, *flags, *mounted):
            reference = ImageReference.parse(text)
            self.taken.add(text.lower())
            if reference is not None and reference.domain == "docker.io":
                self.taken.add(reference.path.removeprefix("library/"))

    def give(self, *wanted: str) -> str:
        """The first of `wanted` that is free, made valid; else with a number behind it."""
        cleaned = [c for w in wanted if (c := clean(w)) is not None]
        for name in cleaned:
            if name not in self.taken:
                self.taken.add(name)
                return name
        base, number = (cleaned or ["stage"])[-1], 2
        while f"{base}-{number}" in self.taken:
            number += 1
        self.taken.add(f"{base}-{number}")
        return f"{base}-{number}"


def clean(text: str) -> str | None:
    """`text` as a stage name; None where nothing of it can be one."""
    name = re.sub(r"[^a-z0-9_.-]+", "-", text.lower()).strip("-._")
    name = re.sub(r"^[^a-z]+", "", name)
    return name if _NAME.fullmatch(name) else None


def called(build: Build, otherwise: str = "builder") -> list[str]:
    """What the author called a build: by its Dockerfile, its image, its folder."""
    found = []
    suffix = _suffix(build.path)
    if suffix is not None:
        found.append(suffix)
    for tag in build.event.tags:
        reference = ImageReference.parse(tag.text) if tag.text is not None else None
        if reference is not None:
            name = reference.path.rpartition("/")[2]
            if reference.tag not in (None, "latest") and clean(reference.tag or "") is not None:
                found.append(f"{name}-{reference.tag}")
            found.append(name)
    if build.path.parent.name:
        found.append(build.path.parent.name)
    return [f for f in found if f.lower() not in _PLAIN] + [otherwise]


def _suffix(path: PurePosixPath) -> str | None:
    match = re.fullmatch(r"(?i)dockerfile[._-](.+)|(.+)\.dockerfile", path.name)
    return (match[1] or match[2]) if match else None
