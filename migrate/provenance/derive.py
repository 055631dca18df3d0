"""The phase itself: builds read, containers resolved, COPYs followed back."""

import itertools
import posixpath
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Label, Rule, at
from migrate.discover import EntryKind, Repository
from migrate.dockerfile.expand import expand
from migrate.dockerfile.instructions import Dockerfile
from migrate.dockerfile.reader import read_dockerfile
from migrate.dockerfile.scope import global_variables
from migrate.provenance.held import Holdings
from migrate.provenance.ignores import ignore_of
from migrate.provenance.images import Images, same_image
from migrate.provenance.model import (
    ArtifactCopy,
    Build,
    BuiltImage,
    Image,
    ImageWord,
    OutsideImage,
    Provenance,
    Tree,
    root_of,
)
from migrate.provenance.sources import Sources
from migrate.provenance.streams import Streams
from migrate.source import Span
from migrate.trace.events import (
    Compose,
    ContainerCreate,
    ContainerRun,
    ContainerUse,
    Extraction,
    Harmless,
    HostChange,
    ImageBuild,
    ImageUse,
    Opaque,
    Trace,
    Traced,
)
from migrate.trace.paths import in_container
from migrate.trace.values import ImageId, Stream, Value
from migrate.trace.workspace import Artifact, Copied, Node, Streamed, Written


def extracts(trace: Trace) -> bool:
    """Whether the driver is a legacy build at all: it takes something out of a container, by `docker cp` or another way."""
    return bool(taking_out(trace))


def taking_out(trace: Trace) -> tuple[Traced, ...]:
    """The steps that take something out of a container, and the builds that take it from a stream."""
    return tuple(s for i, s in enumerate(trace.steps) if _takes_out(trace, i))


def _takes_out(trace: Trace, index: int) -> bool:
    """Whether a step takes something out of a container. A folder that a container can write to counts where the script built
    the container's image, and builds another one afterwards."""
    event = trace.steps[index].event
    match event:
        case Extraction():
            return True
        case ContainerRun(container=container):
            mounted = any(m.host is not None and not m.read_only for m in container.mounts)
            own = any(_made(b, container.image) for b in _builds(trace.steps[:index]))
            left = event.detached and not _is_asked(trace.steps[index + 1 :], container.number)
            return mounted and own and not left and bool(_builds(trace.steps[index:]))
        case ContainerUse(verb=verb):
            return verb == "export" and bool(_builds(trace.steps[index:]))
        case ImageBuild(streamed=streamed, workspace=workspace):
            nodes = (workspace.overlay[p] for p in workspace.carried)
            return isinstance(streamed, Stream) or any(
                not isinstance(n, Artifact) and not _of_another_service(trace, n) for n in nodes
            )
        case _:
            return False


def _of_another_service(trace: Trace, node: Node) -> bool:
    """What a service printed whose container the script didn't make: a backup, say."""
    step = trace.steps[node.stream.step] if isinstance(node, Streamed) else None
    return (
        step is not None
        and isinstance(step.event, ContainerUse)
        and step.command.span.file in trace.composed
        and not any(n is not None for n in step.event.numbers)
    )


def _is_asked(steps: Sequence[Traced], number: int) -> bool:
    """Whether the script waits for a container in the background, or does anything with it: else it is what the script starts."""
    for step in steps:
        match step.event:
            case ContainerUse(numbers=numbers) if number in numbers:
                return True
            case Extraction(container_number=taken) if taken == number:
                return True
            case Harmless(command="sleep" | "docker ps" | "docker inspect"):
                return True
            case _:
                pass
    return False


def only_shows(trace: Trace, provenance: Provenance) -> bool:
    """Whether a driver does no more than to let containers see folders of the repository: nothing comes out in another way, and
    what its images copy from there are files that the repository holds; or nothing, where the containers are those of services
    (others are rarely run for anything else)."""
    taking = [s.event for i, s in enumerate(trace.steps) if _takes_out(trace, i)]
    services = [e.container.service for e in taking if isinstance(e, ContainerRun)]
    if len(services) < len(taking) or any(_copies_shared(b) for b in provenance.builds):
        return False
    return any(c.origins for c in provenance.copies) or None not in services


def _copies_shared(build: Build) -> bool:
    """Whether a build copies something else than files of the repository out of what a container could write to; or all files of
    a folder that holds nothing else: what was built once lies there."""
    hosts = [s.host for s in build.workspace.shares]
    repository = build.workspace.repository
    named: set[PurePosixPath] = set()
    for instruction in (i for s in build.dockerfile.stages for i in s.instructions):
        if instruction.keyword not in ("COPY", "ADD") or instruction.flag("from") is not None:
            continue
        for argument in instruction.arguments[:-1]:
            path = PurePosixPath(posixpath.normpath(build.context / argument.text.lstrip("/")))
            shared = any(path == h or h in path.parents or path in h.parents for h in hosts)
            if shared and repository.kind(path) is not EntryKind.FILE:
                return True
            named.add(path)
    for host in hosts:
        if host != build.context and host not in build.context.parents:
            files = {p for p, k in repository.entries.items() if host in p.parents and k is not EntryKind.DIRECTORY}
            if files and files <= named:
                return True
    return False


def _builds(steps: Sequence[Traced]) -> list[ImageBuild]:
    return [s.event for s in steps if isinstance(s.event, ImageBuild)]


def _made(build: ImageBuild, image: Value) -> bool:
    return image.parts == (ImageId(number=build.number),) or any(same_image(tag, image) for tag in build.tags)


def derive(trace: Trace, repository: Repository) -> tuple[Provenance | None, tuple[Diagnostic, ...]]:
    """Follow every artifact back. None where a Dockerfile can't be read or a container can't be traced to an image."""
    phase = _Phase(trace, repository)
    result = phase.derive()
    found = [*phase.diagnostics, *phase.images.diagnostics]
    return result, tuple(dict.fromkeys(found))


class _Phase:
    def __init__(self, trace: Trace, repository: Repository) -> None:
        self._trace = trace
        self._repository = repository
        self.images = Images(trace, ())
        self.diagnostics: list[Diagnostic] = []

    def derive(self) -> Provenance | None:
        self._composed()
        builds = self._read_builds()
        known = self._containers_known()
        if builds is None or not known:
            return None
        copies: list[ArtifactCopy] = []
        words: list[ImageWord] = []
        for build in builds:
            ignore, found = ignore_of(build)
            self.diagnostics += found
            copies += Sources(build, ignore, self._trace, self.images, self.diagnostics).copies()
            words += self._image_words(build)
        return Provenance(
            builds=builds,
            copies=tuple(copies),
            words=tuple(words),
            containers=self._containers(),
            unused=tuple(
                e.span for e in self._trace.events if isinstance(e, Extraction) and e.span not in self.images.used
            ),
            used=frozenset(self.images.used),
            contributing=frozenset(self.images.contributing),
            step_images=self._step_images(),
        )

    def _composed(self) -> None:
        for event in self._trace.events:
            if not isinstance(event, Compose) or event.unread is None:
                continue
            if event.verb in ("up", "build", "run", "create", "start", "exec", "cp"):
                reason, place = event.unread
                message = f"what `docker compose {event.verb}` builds or runs is not followed: {reason}"
                self.diagnostics.append(at(rules.SHAPE_NOT_PLANNED, message, place))

    # builds

    def _read_builds(self) -> tuple[Build, ...] | None:
        builds: list[Build] = []
        failed = False
        for event in self._trace.events:
            if not isinstance(event, ImageBuild):
                continue
            build = self._read_build(event, tuple(builds))
            if build is None:
                failed = True
            else:
                builds.append(build)
                self.images.add(build)
        return None if failed else tuple(builds)

    def _read_build(self, event: ImageBuild, before: tuple[Build, ...]) -> Build | None:
        path, context = event.dockerfile, event.context
        tree: Tree | None = None
        if path is None:
            self._report(rules.SHAPE_NOT_PLANNED, "a Dockerfile from standard input is not planned", event.span)
            return None
        if context is None:
            found = self._streamed(event, path, before)
            if found is None:
                return None
            path, context, tree = found
            if any(b.path == path and b.tree is None for b in before):
                message = f"`{path}` would be the Dockerfile of the builder and of what is built out of it"
                self._report(rules.SHAPE_NOT_PLANNED, message, event.span)
                return None
        node = event.workspace.node(path)
        if tree is None and isinstance(node, Copied) and self._repository.source(node.path) is not None:
            path = node.path
        dockerfile = self._read_dockerfile(event, path, streamed=tree is not None)
        if dockerfile is None:
            return None
        return Build(event=event, path=path, context=context, dockerfile=dockerfile, tree=tree)

    def _read_dockerfile(self, event: ImageBuild, path: PurePosixPath, *, streamed: bool) -> Dockerfile | None:
        source = self._repository.source(path)
        moved = path in event.workspace.overlay or event.workspace.source(path) != source
        if source is None or (moved and not streamed):
            self._missing(event, path)
            return None
        dockerfile, found = read_dockerfile(source)
        self.diagnostics += found
        return dockerfile

    def _missing(self, event: ImageBuild, path: PurePosixPath) -> None:
        """Says why the Dockerfile of a build can't be read, and which command is in the way."""
        node = event.workspace.node(path)
        before = itertools.takewhile(lambda e: e is not event, self._trace.events)
        named = re.compile(rf"(?<![\w.-]){re.escape(path.name)}(?![\w.-])")
        changing = [e for e in before if isinstance(e, HostChange | Opaque) and named.search(e.span.text)]
        where = "is not there"
        secondary: tuple[Label, ...] = ()
        if isinstance(node, Written) or (node is not None and not changing):
            where = "is written by the script"
        elif node is not None and self._repository.source(path) is None:
            where = f"is no file of the repository: `{_short(changing[-1].span.text)}` may put it there"
        elif node is not None:
            where = f"may be another one than the repository's: `{_short(changing[-1].span.text)}` names it"
        if node is not None and changing:
            text = "written here" if isinstance(node, Written) else "what this leaves there is not traced"
            secondary = (Label(span=changing[-1].span, text=text),)
        message = f"the Dockerfile `{path}` {where}"
        self.diagnostics.append(
            Diagnostic(
                rule=rules.DOCKERFILE_MISSING, message=message, primary=Label(span=event.span), secondary=secondary
            )
        )

    def _streamed(
        self, event: ImageBuild, name: PurePosixPath, before: tuple[Build, ...]
    ) -> tuple[PurePosixPath, PurePosixPath, Tree] | None:
        """`… | docker build -`: the Dockerfile's path in the repository, the builder's context, and the tree of the tar."""
        if not isinstance(event.streamed, Stream):
            self._report(rules.SHAPE_NOT_PLANNED, "a build from standard input is not planned", event.span)
            return None
        tree = Streams(self._trace, self.images).tree(event.streamed, "context")
        if tree is None:
            return None
        root = root_of(tree.place.image)
        build = next((b for b in before if root == BuiltImage(number=b.number)), None)
        path: PurePosixPath | None = None
        if build is not None and tree.packed is not None:
            path = self._held(tree, in_container(str(name)).relative_to("/"), event)
        elif build is not None:
            path = self._likely(build, name, event)
        if build is None or path is None:
            message = f"where the Dockerfile `{name}` of the streamed build context comes from is not known"
            self._report(rules.DOCKERFILE_MISSING, message, event.span)
            return None
        return path, build.context, tree

    def _held(self, tree: Tree, name: PurePosixPath, event: ImageBuild) -> PurePosixPath | None:
        """The repository's file that was packed as `name`."""
        place = tree.member(name)
        held = Holdings(self.images, event.workspace).at(place.image, place.path) if place is not None else None
        if held is not None and held.assumed:
            self._assume(name, held.path, event)
        return held.path if held is not None else None

    def _likely(self, build: Build, name: PurePosixPath, event: ImageBuild) -> PurePosixPath | None:
        """The one file of the builder's context that is called so: what else the container packs isn't known."""
        ignore, _ = ignore_of(build)
        repository = build.workspace.repository
        found = [
            p
            for p in repository.entries
            if p.is_relative_to(build.context)
            and p.parts[-len(name.parts) :] == name.parts
            and repository.source(p) is not None
            and not (ignore is not None and ignore.ignores(p.relative_to(build.context).as_posix()))
        ]
        if len(found) != 1:
            return None
        self._assume(name, found[0], event)
        return found[0]

    def _assume(self, name: PurePosixPath, path: PurePosixPath, event: ImageBuild) -> None:
        message = f"`{name}` in the streamed build context is taken to be `{path}`"
        self._report(rules.STREAMED_DOCKERFILE_ASSUMED, message, event.span)

    # containers and images

    def _containers_known(self) -> bool:
        unknown = [e for e in self._trace.events if isinstance(e, Extraction) and e.container_number is None]
        for event in unknown:
            message = f"the container `{event.container}` is not made by this script, so what is in it is not known"
            self._report(rules.CONTAINER_UNKNOWN, message, event.source_span)
        return not unknown

    def _containers(self) -> dict[int, Image]:
        """Those that something is copied out of, as far as a build takes something of theirs."""
        numbers = dict.fromkeys(e.container_number for e in self._trace.events if isinstance(e, Extraction))
        found = {n: self.images.container(n) for n in numbers if n is not None and n in self.images.contributing}
        return {n: image for n, image in found.items() if image is not None}

    def _image_words(self, build: Build) -> list[ImageWord]:
        """The words of a Dockerfile that name images which the script makes."""
        found = []
        variables = global_variables(build.dockerfile, build.given())
        index = next(i for i, s in enumerate(self._trace.steps) if s.event is build.event)
        names = {s.name.text.lower() for s in build.dockerfile.stages if s.name}
        for stage in build.dockerfile.stages:
            uses: list[tuple[str | None, Span]] = [
                (expand(stage.image.text, variables, build.dockerfile.escape).text, stage.image.span)
            ]
            for instruction in stage.instructions:
                flag = instruction.flag("from")
                if flag is not None and flag.value is not None:
                    uses.append((flag.value, flag.span))
            for text, span in uses:
                if text is None or text.lower() in names or text.isdigit():
                    continue
                image = self.images.named(Value.of(text), index)
                if image is not None and not isinstance(image, OutsideImage):
                    found.append(ImageWord(build=build.number, span=span, image=image, text=text))
        return found

    def _step_images(self) -> dict[int, tuple[Image | None, ...]]:
        """For each step that names images: which the script means by them at that moment."""
        result: dict[int, tuple[Image | None, ...]] = {}
        for index, step in enumerate(self._trace.steps):
            match step.event:
                case ImageUse(images=images):
                    values = images
                case ContainerCreate(container=container) | ContainerRun(container=container):
                    values = (container.image,)
                case _:
                    continue
            result[index] = tuple(self._silently(v, index) for v in values)
        return result

    def _silently(self, value: Value, index: int) -> Image | None:
        """What a word means, where that is no condition of the migration."""
        return Images(self._trace, self.images.builds).named(value, index)

    def _report(self, rule: Rule, message: str, span: Span) -> None:
        self.diagnostics.append(at(rule, message, span))


def _short(text: str) -> str:
    joined = " ".join(text.split())
    return joined if len(joined) <= 60 else joined[:57] + "…"
