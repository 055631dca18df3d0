"""Which image a word of the script means at a moment, and what a container holds: its image, or a stage that does what the
container did."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import GIVE_IT, Diagnostic, Rule, at
from migrate.dockerfile.expand import expand
from migrate.dockerfile.scope import base_stage, global_variables, stage_variables, working_directory
from migrate.image import ImageReference
from migrate.provenance.around import around
from migrate.provenance.commands import Command, Declared, composed, declared, run_line
from migrate.provenance.model import (
    Build,
    BuiltImage,
    Image,
    Line,
    MadeStage,
    OutsideImage,
    Place,
    Step,
)
from migrate.source import Span
from migrate.trace.events import (
    Container,
    ContainerCreate,
    ContainerRun,
    ContainerUse,
    Extraction,
    Harmless,
    ImageBuild,
    ImageUse,
    Insertion,
    Trace,
)
from migrate.trace.paths import in_container
from migrate.trace.values import EMPTY, ImageId, Stream, Value

ARTIFACTS = PurePosixPath("/artifacts")
"""Where a made stage puts what it makes of an artifact."""

WITHOUT_ENTRYPOINT = frozenset(
    "alpine busybox debian ubuntu centos fedora golang gcc python rust openjdk java ruby perl buildpack-deps haskell erlang"
    " elixir swift amazonlinux archlinux clojure".split()
)
"""Official images whose Dockerfiles have no ENTRYPOINT; what they run of themselves is a shell."""
STILL = frozenset({"wait", "stop", "kill", "logs", "attach", "top", "port", "diff", "pause", "unpause", "rename"})


def same_image(one: Value, other: Value) -> bool:
    """Whether two words name one image: the same text, the same reference written otherwise, the same unknown."""
    if one == other:
        return True
    first, second = (ImageReference.parse(v.marked) if v.text is not None else None for v in (one, other))
    return first is not None and first == second


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """How a folder that RUN writes to is made: by instructions ahead, or by a shell command of that RUN."""

    steps: tuple[Step, ...] = ()
    before: str = ""


class Images:
    """Answers for one trace. What keeps an answer from being given is in `diagnostics`, each once."""

    def __init__(self, trace: Trace, builds: tuple[Build, ...]) -> None:
        self.trace = trace
        self._builds = {b.number: b for b in builds}
        self._stages: dict[int, Image | None] = {}
        self._found: dict[Diagnostic, None] = {}
        self.used: set[Span] = set()
        self.contributing: set[int] = set()

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return tuple(self._found)

    @property
    def builds(self) -> tuple[Build, ...]:
        return tuple(self._builds.values())

    def build(self, number: int) -> Build | None:
        return self._builds.get(number)

    def add(self, build: Build) -> None:
        self._builds[build.number] = build

    def report(self, rule: Rule, message: str, span: Span) -> None:
        self._found[at(rule, message, span)] = None

    def report_image(self, container: Container, span: Span) -> None:
        """That it isn't known what a container is made of."""
        unknown = container.image.first_unknown
        cause = f": it depends on {unknown.origin}" if unknown is not None else ""
        found = at(rules.VALUE_UNKNOWN, f"which image `{container.image}` is, is not known{cause}", span)
        self._found[replace(found, help=GIVE_IT)] = None

    # names

    def named(self, value: Value, index: int) -> Image | None:
        """The image that `value` means before step `index`; None where that can't be said (`diagnostics` then says why)."""
        for at_step in range(index - 1, -1, -1):
            event = self.trace.steps[at_step].event
            match event:
                case ImageBuild() if value.parts == (ImageId(number=event.number),) or any(
                    same_image(t, value) for t in event.tags
                ):
                    return BuiltImage(number=event.number)
                case ImageUse(verb="tag", images=(source, target)) if same_image(target, value):
                    return self.named(source, at_step)
                case ContainerUse(verb="commit", arguments=(target,), numbers=(number,)) if same_image(target, value):
                    return self.container(number) if number is not None else None
                case ImageUse(verb="import", images=(_, target), streamed=stream) if same_image(target, value):
                    return self._imported(stream, event.span)
                case _:
                    pass
        if value.text is None:
            return None
        return OutsideImage(reference=value.text)

    def _imported(self, stream: Stream | Value | None, span: Span) -> Image | None:
        """`docker export c | docker import - image`: the files of `c`."""
        if isinstance(stream, Stream) and not stream.filters:
            event = self.trace.steps[stream.step].event
            if isinstance(event, ContainerUse) and event.verb == "export" and event.numbers[0] is not None:
                return self.container(event.numbers[0])
        self.report(rules.SHAPE_NOT_PLANNED, "what this image is made of is not known", span)
        return None

    # containers

    def container(self, number: int) -> Image | None:
        """What container `number` holds when something is taken out of it."""
        self.contributing.add(number)
        if number not in self._stages:
            self._stages[number] = None
            self._stages[number] = self._made(number)
        return self._stages[number]

    def base(self, number: int) -> Image | None:
        """The image that a container was made of."""
        self.contributing.add(number)
        index, event = self._start(number)
        return self.named(event.container.image, index)

    def _start(self, number: int) -> tuple[int, ContainerCreate | ContainerRun]:
        for index, step in enumerate(self.trace.steps):
            if isinstance(step.event, ContainerCreate | ContainerRun) and step.event.container.number == number:
                return index, step.event
        raise LookupError(number)

    def _made(self, number: int) -> Image | None:
        index, start = self._start(number)
        base = self.named(start.container.image, index)
        if base is None:
            self.report_image(start.container, start.span)
            return None
        ran = isinstance(start, ContainerRun)
        commands: list[tuple[Command, Span]] = []
        for step in self.trace.steps[index + 1 :]:
            match step.event:
                case ContainerUse(verb=verb, numbers=numbers) if number in numbers:
                    if verb in ("start", "restart"):
                        ran = True
                    elif verb == "exec":
                        executed = self._executed(step.event)
                        if executed is None:
                            return None
                        commands += executed
                    elif verb not in STILL and verb not in ("export", "commit"):
                        self.report(
                            rules.SHAPE_NOT_PLANNED,
                            f"`docker {verb}` of this container is not planned",
                            step.event.span,
                        )
                        return None
                case Insertion(container_number=into) if into == number:
                    self.report(
                        rules.SHAPE_NOT_PLANNED, "a file that goes into the container is not planned", step.event.span
                    )
                    return None
                case _:
                    pass
        if isinstance(start, ContainerRun) and start.stdin not in (None, EMPTY):
            self.report(rules.SHAPE_NOT_PLANNED, "a container that reads its standard input is not planned", start.span)
            return None
        if ran:
            main = self.main_command(start.container, base, start.span)
            if main is _FAILED:
                return None
            typed = any(o.name == "interactive" for o in start.container.options) and start.container.name is not None
            if typed and (main is None or (isinstance(main, Command) and main.shell)):
                self.report(
                    rules.NO_PLACE_IN_BUILD, "a shell that a person types into has no place in a build", start.span
                )
                return None
            if isinstance(main, Command) and not main.idle and not main.emits and self._ends(index, start):
                commands.insert(0, (main, start.span))
        if not commands:
            return base if not ran or self._is_copied_out_of(start) else None
        return self._stage(start, base, commands)

    def _executed(self, event: ContainerUse) -> list[tuple[Command, Span]] | None:
        """What `docker exec` runs, where it counts; None where that can't be planned."""
        words = self._texts(event.arguments, event.span)
        command = composed(None, "", words) if words is not None else None
        if command is None or command.idle or command.emits:
            return None if words is None else []
        return [(command, event.span)] if self.plain_exec(event) else None

    def plain_exec(self, event: ContainerUse, *, prints: bool = False) -> bool:
        """Whether exec's command runs with what surrounds the container itself; a terminal matters where it `prints`."""
        given = [s for s in event.surroundings if prints or s != "tty"]
        if given:
            self.report(rules.SHAPE_NOT_PLANNED, f"`docker exec` with `--{given[0]}` is not planned", event.span)
        return not given

    def _is_copied_out_of(self, start: ContainerCreate | ContainerRun) -> bool:
        """Whether what a container holds doesn't stand in a mounted folder alone, where only its command can put it."""
        mounted = any(m.host is not None and not m.read_only for m in start.container.mounts)
        number = start.container.number
        taken = any(isinstance(e, Extraction) and e.container_number == number for e in self.trace.events)
        if mounted and not taken:
            message = "what this container makes in a mounted folder is not known"
            self.report(rules.SHAPE_NOT_PLANNED, message, start.span)
            return False
        return True

    def _ends(self, index: int, start: ContainerCreate | ContainerRun) -> bool:
        """Whether what a container does is done when something is taken out of it. In the background it is, where the script
        waits for it; else the script doesn't count on it."""
        if not isinstance(start, ContainerRun) or not start.detached:
            return True
        number = start.container.number
        for step in self.trace.steps[index + 1 :]:
            match step.event:
                case ContainerUse(verb="wait" | "attach", numbers=numbers) if number in numbers:
                    return True
                case Harmless(command="sleep"):
                    message = "whether the container has done its work when something is taken out of it is not known"
                    self.report(rules.SHAPE_NOT_PLANNED, message, start.span)
                    return True
                case Extraction(container_number=taken) if taken == number:
                    break
                case _:
                    pass
        message = "the script doesn't wait for this container: it is taken to make nothing of what is extracted"
        self.report(rules.DETACHED_ASSUMED_IDLE, message, start.span)
        return False

    def main_command(self, container: Container, base: Image, span: Span) -> "Command | object | None":
        """What it runs; None for the base image's own command, `FAILED` where it isn't known."""
        words = self._texts(container.command, span)
        entrypoint = next((o.value for o in reversed(container.options) if o.name == "entrypoint"), None)
        if words is None or (entrypoint is not None and entrypoint.text is None):
            if words is not None:
                self.report(rules.VALUE_UNKNOWN, "the entrypoint of this container is not known", span)
            return _FAILED
        image = self.declared(base)
        found = composed(image, entrypoint.text if entrypoint is not None else None, words)
        outside = image is None or (image.command_outside if found is None else image.entrypoint_outside)
        outside = outside and not self._plain_base(base)
        if found is None and outside:
            message = "the container runs what its base image says: it is taken to make nothing of what is extracted"
            self.report(rules.BASE_COMMAND_ASSUMED, message, span)
        elif found is not None and not found.idle and outside and entrypoint is None:
            message = "an ENTRYPOINT of the base image is not known: it is taken to run the command as it is given"
            self.report(rules.BASE_COMMAND_ASSUMED, message, span)
        return found

    def declared(self, image: Image) -> Declared | None:
        """CMD and ENTRYPOINT of a built image; None for one from outside."""
        match image:
            case BuiltImage(number=number) if number in self._builds:
                build = self._builds[number]
                return declared(build.dockerfile, build.given(), build.target)
            case MadeStage(base=base):
                return self.declared(base)
            case _:
                return None

    def _plain_base(self, image: Image) -> bool:
        """Whether an image comes from an official one that runs nothing but a shell of itself."""
        match image:
            case OutsideImage(reference=text):
                reference = ImageReference.parse(text)
                official = reference is not None and reference.domain == "docker.io"
                return (
                    official and reference is not None and reference.path.removeprefix("library/") in WITHOUT_ENTRYPOINT
                )
            case BuiltImage(number=number) if number in self._builds:
                build = self._builds[number]
                stage = build.stage
                while (below := base_stage(build.dockerfile, stage, build.given())) is not None:
                    stage = below
                variables = global_variables(build.dockerfile, build.given())
                text_of = expand(stage.image.text, variables, build.dockerfile.escape).text
                index = next(i for i, s in enumerate(self.trace.steps) if s.event is build.event)
                inner = self.named(Value.of(text_of), index) if text_of is not None else None
                return inner is not None and inner != image and self._plain_base(inner)
            case MadeStage(base=base):
                return self._plain_base(base)
            case _:
                return False

    def directory(self, image: Image) -> str | None:
        """The working directory of an image, where its Dockerfile says."""
        match image:
            case BuiltImage(number=number) if number in self._builds:
                return _last_directory(self._builds[number])
            case MadeStage(base=base, steps=steps):
                given = next(
                    (s.text for s in reversed(steps) if isinstance(s, Line) and s.text.startswith("WORKDIR ")), None
                )
                return given.split(maxsplit=1)[1] if given else self.directory(base)
            case _:
                return None

    def volumes(self, image: Image) -> tuple[PurePosixPath, ...]:
        """Folders that an image declares as volumes: the classic builder loses what `RUN` writes there."""
        match image:
            case BuiltImage(number=number) if number in self._builds:
                build = self._builds[number]
                found = [
                    in_container(a.text)
                    for s in build.dockerfile.stages
                    for i in s.instructions
                    if i.keyword == "VOLUME"
                    for a in i.arguments
                    if a.text.startswith("/")
                ]
                return tuple(found)
            case MadeStage(base=base):
                return self.volumes(base)
            case _:
                return ()

    # stages

    def _stage(
        self, start: ContainerCreate | ContainerRun, base: Image, commands: list[tuple[Command, Span]]
    ) -> MadeStage | None:
        container = start.container
        workspace = start.workspace if isinstance(start, ContainerRun) else None
        surroundings = around(self, container, base, workspace, start.span)
        if surroundings is None:
            return None
        if isinstance(start, ContainerRun) and start.stdin is not None:
            self.report(rules.SHAPE_NOT_PLANNED, "a container that reads its standard input is not planned", start.span)
            return None
        kept = self._kept(base)
        missing = [str(v) for v in dict.fromkeys(self.volumes(base)) if str(v) not in surroundings.before.split()]
        folders = f"mkdir -p {' '.join(missing)}" if missing else ""
        ahead: tuple[Step, ...] = ()
        mounted = surroundings.before.removeprefix("mkdir -p ").split()
        user = self.user(base, surroundings.steps)
        before = " && ".join(p for p in (folders, surroundings.before) if p)
        steps = surroundings.steps
        if user is not None and (kept or mounted):
            # who the container runs as could write to the mounted folders, and can't make them
            opened = [*([str(ARTIFACTS)] if kept else []), *mounted]
            made = f"RUN mkdir -p {' '.join(dict.fromkeys((*opened, *missing)))} && chmod 777 {' '.join(opened)}"
            ahead = (Line(text="USER root"), Line(text=made), Line(text=f"USER {user}"))
            before = ""
            last = steps[-1] if steps else None
            steps = steps[:-1] if isinstance(last, Line) and last.text == f"USER {user}" else steps
        lines = [Line(text=run_line(c, before=before, after=kept)) for c, _ in commands]
        return MadeStage(base=base, steps=(*steps, *ahead, *lines), hint=hint(container), span=start.span)

    def user(self, image: Image, steps: tuple[Step, ...] = ()) -> str | None:
        """The user that RUN has behind `steps` on `image`, as its Dockerfile says; None for root, or where nothing is said."""
        given = next((s.text for s in reversed(steps) if isinstance(s, Line) and s.text.startswith("USER ")), None)
        if given is not None:
            name: str | None = given.split(maxsplit=1)[1]
        else:
            match image:
                case BuiltImage(number=number) if number in self._builds:
                    name = self._declared_user(self._builds[number])
                case MadeStage(base=base, steps=inner):
                    name = self.user(base, inner)
                case _:
                    name = None
        return None if name is None or name.partition(":")[0] in ("root", "0") else name

    def _declared_user(self, build: Build) -> str | None:
        chain = [build.stage]
        while (below := base_stage(build.dockerfile, chain[-1], build.given())) is not None:
            chain.append(below)
        for stage in chain:
            for instruction in reversed(stage.instructions):
                if instruction.keyword == "USER":
                    return instruction.text.strip()
        return None

    def opened(self, image: Image, steps: tuple[Step, ...], others: Sequence[str] = ()) -> "Opened":
        """What makes the folder for artifacts for whoever the RUN runs as, and `others`, as root has them."""
        user = self.user(image, steps)
        folders = " ".join((str(ARTIFACTS), *others))
        if user is None:
            return Opened(before=f"mkdir -p {folders}")
        made = Line(text=f"RUN mkdir -p {folders} && chmod 777 {ARTIFACTS}")
        return Opened(steps=(Line(text="USER root"), made, Line(text=f"USER {user}")))

    def as_root(self, image: Image) -> tuple[Step, ...]:
        """What a stage begins with that copies files with their owners."""
        return (Line(text="USER root"),) if self.user(image) is not None else ()

    def _kept(self, base: Image) -> str:
        """The shell command that saves what was written under a volume, since a RUN's writes there may be lost."""
        return " && ".join(
            f"mkdir -p {ARTIFACTS}{v} && cp -a {v}/. {ARTIFACTS}{v}/" for v in dict.fromkeys(self.volumes(base))
        )

    def place(self, image: Image, path: PurePosixPath) -> Place:
        """`path` in `image`; of a stage that runs something, where what it wrote under a volume was saved."""
        if isinstance(image, MadeStage) and any(isinstance(s, Line) and s.text.startswith("RUN ") for s in image.steps):
            for volume in self.volumes(image):
                if path == volume or volume in path.parents:
                    return Place(image=image, path=ARTIFACTS / path.relative_to("/"))
        return Place(image=image, path=path)

    def _texts(self, values: tuple[Value, ...], span: Span) -> tuple[str, ...] | None:
        unknown = next((v for v in values if v.text is None), None)
        if unknown is not None:
            self.report(rules.VALUE_UNKNOWN, f"`{unknown}` in the container's command is not known", span)
            return None
        return tuple(v.text or "" for v in values)


_FAILED = object()


def hint(container: Container) -> str:
    """What the author called a container."""
    made_up = container.service is not None and container.service.text("container_name") is None
    return "run" if made_up or container.name is None or container.name.text is None else container.name.text


def _last_directory(build: Build) -> str | None:
    """The working directory at the end of a Dockerfile's last stage."""
    stage = build.stage
    places = working_directory(build.dockerfile, stage, build.given())
    if not stage.instructions:
        return None
    last = stage.instructions[-1]
    if last.keyword != "WORKDIR":
        return places[-1]
    variables = stage_variables(build.dockerfile, stage, build.given())[-1]
    text = expand(last.arguments[0].text, variables, build.dockerfile.escape).text
    if text is None or (places[-1] is None and not text.startswith("/")):
        return None
    return in_container(f"{places[-1] or ''}/{text}" if not text.startswith("/") else text).as_posix()
