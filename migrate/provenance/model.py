"""What provenance finds: images as the script makes them, stages that stand in for what containers and the host did, and
the COPYs that take artifacts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from migrate.dockerfile.instructions import Argument, Dockerfile, Instruction, Stage
from migrate.dockerfile.scope import built_stage
from migrate.source import Span
from migrate.trace.events import ImageBuild
from migrate.trace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """The image of the script's build `number`."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideImage:
    """An image that the script does not make."""

    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A whole instruction."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextCopy:
    """`COPY` of `path`, relative to the repository's root, to `target`."""

    path: PurePosixPath
    directory: bool
    target: PurePosixPath


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCopy:
    """`COPY --from` of an artifact to `target`."""

    place: "Place"
    target: PurePosixPath


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedArgument:
    """`ARG name`: a variable of a container whose value only the script knows when it runs. `word` is how the script wrote it."""

    name: str
    word: str
    span: Span = field(compare=False)


Step = Line | ContextCopy | StageCopy | PassedArgument


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeStage:
    """A stage that isn't in any Dockerfile yet: `base`, and what a container or the host did with it, as instructions.
    `hint` is what its author called it; `span` is the command that it stands for."""

    base: "Image"
    steps: tuple[Step, ...]
    hint: str = field(compare=False)
    span: Span = field(compare=False)


Image = BuiltImage | OutsideImage | MadeStage


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A path in an image."""

    image: Image
    path: PurePosixPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What a tar out of a container holds: the folder `place`. Where it is known what was packed, that is all of the folder
    `packed`, or the `members` of it; then nothing but these is in the tar. `unpacked` is the command whose tar a stage unpacks
    to make `place`."""

    place: Place
    packed: Place | None = None
    members: tuple[PurePosixPath, ...] = ()
    unpacked: Span | None = field(default=None, compare=False)

    def member(self, path: PurePosixPath) -> Place | None:
        """Where `path` of the tar was packed from; None where that isn't known, or more than one member lies there."""
        whole = not self.members or any(path.is_relative_to(m) for m in self.members)
        return (
            Place(image=self.packed.image, path=self.packed.path / path) if self.packed is not None and whole else None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One artifact as a COPY takes it: `host` is the path that it had on the host, `argument` the word of the COPY that names
    it (or the directory it lies in), `below` its path under that word. With `contents`, what `place` holds lands in the
    destination; with `keeps_owners`, so do the owners. `pattern` is the part of the word that chooses among what the place
    holds. `span` is the command that brought it; `folder` whether it is one, where that is known."""

    argument: Argument
    host: PurePosixPath
    below: PurePosixPath
    place: Place
    span: Span
    folder: bool | None = None
    contents: bool = False
    keeps_owners: bool = False
    pattern: PurePosixPath | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactCopy:
    """A COPY or ADD of a Dockerfile that takes artifacts; `others` are its sources that are none, or not only."""

    build: int
    stage: Stage
    instruction: Instruction
    destination: Argument
    origins: tuple[Origin, ...]
    others: tuple[Argument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageWord:
    """A word of a Dockerfile (behind FROM or `--from=`) that names an image which the script makes."""

    build: int
    span: Span
    image: Image
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A build of the script with its Dockerfile read. `path` is the Dockerfile's, `context` the build context's, relative to
    the repository's root. `tree` is the context where it came as a tar out of a container."""

    event: ImageBuild
    path: PurePosixPath
    context: PurePosixPath
    dockerfile: Dockerfile
    tree: Tree | None = None

    @property
    def number(self) -> int:
        return self.event.number

    @property
    def workspace(self) -> Workspace:
        return self.event.workspace

    @property
    def target(self) -> str | None:
        option = self.event.option("target")
        return option.value.text if option is not None and option.value is not None else None

    @property
    def stage(self) -> Stage:
        """The stage whose image it makes."""
        return built_stage(self.dockerfile, self.target)

    def given(self) -> dict[str, str | None]:
        """Its build arguments; None for a value that is not known."""
        return {a.name: a.value.text if a.value else None for a in self.event.build_arguments}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """`builds` are all of the script's, in order. `containers` maps the containers that artifacts are copied out of to their
    images; `contributing` are all that artifacts come from. `step_images` says for steps that name images which those are at
    that moment (None: not known). `unused` are extractions that no image takes, `used` the commands that bring what images
    take."""

    builds: tuple[Build, ...]
    copies: tuple[ArtifactCopy, ...]
    words: tuple[ImageWord, ...]
    containers: Mapping[int, Image]
    contributing: frozenset[int]
    step_images: Mapping[int, tuple[Image | None, ...]]
    unused: tuple[Span, ...]
    used: frozenset[Span]

    def build(self, number: int) -> Build:
        return next(b for b in self.builds if b.number == number)


def builds_of(image: Image) -> tuple[int, ...]:
    """The builds that an image needs, each once."""
    match image:
        case BuiltImage(number=number):
            return (number,)
        case OutsideImage():
            return ()
        case MadeStage(base=base, steps=steps):
            places = [s.place.image for s in steps if isinstance(s, StageCopy)]
            return tuple(dict.fromkeys(n for i in (base, *places) for n in builds_of(i)))


def stages(image: Image) -> "tuple[MadeStage, ...]":
    """The made stages that an image is or needs."""
    if not isinstance(image, MadeStage):
        return ()
    inner = (image.base, *(s.place.image for s in image.steps if isinstance(s, StageCopy)))
    return (image, *(s for i in inner for s in stages(i)))


def root_of(image: Image) -> Image:
    """The image that a chain of made stages begins with."""
    return root_of(image.base) if isinstance(image, MadeStage) else image
