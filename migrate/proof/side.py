"""One side of a migration: what its driver does → an expression for every image that it makes.

The legacy side and the migrated one are read by the same code, each from its own trace and its own files.
"""

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations, takewhile
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, at
from migrate.discover import EntryKind, Repository
from migrate.dockerfile.expand import argument_pairs
from migrate.dockerfile.ignore import IgnoreFile, read_ignore
from migrate.dockerfile.reader import read_dockerfile
from migrate.dockerfile.scope import built_stage, has_stage
from migrate.image import ImageReference
from migrate.proof import commands
from migrate.proof.contents import assembled, fetched, joined, put, stdout, unpacked
from migrate.proof.context import HostContext, NoContext, TarContext
from migrate.proof.expressions import (
    At,
    Changed,
    Command,
    Content,
    Emptied,
    Exec,
    Files,
    Folders,
    ImageExpression,
    Landing,
    Packed,
    Setting,
    Tree,
)
from migrate.proof.kinds import Facts
from migrate.proof.model import UnprovableError
from migrate.proof.stage import Built, Context, Inputs, Place, folders, image_of, is_root, outside
from migrate.proof.symbols import calls_in, known, mark, marked, shown
from migrate.provenance.around import PLAIN_NETWORKS
from migrate.provenance.commands import POSITIONAL
from migrate.provenance.commands import Command as Text
from migrate.provenance.images import STILL, WITHOUT_ENTRYPOINT, same_image
from migrate.source import Span
from migrate.trace.events import (
    Container,
    ContainerCreate,
    ContainerRun,
    ContainerUse,
    Extraction,
    Harmless,
    HostChange,
    ImageBuild,
    ImageUse,
    Insertion,
    Mount,
    Opaque,
    Trace,
)
from migrate.trace.paths import CACHE, in_container
from migrate.trace.values import EMPTY, ImageId, Stream, Value
from migrate.trace.workspace import Altered, Artifact, Node, Streamed, Workspace

_FELT = frozenset(
    "network add-host shm-size ulimit memory memory-swap cpu-shares cpu-period cpu-quota cpuset-cpus cpuset-mems security-opt"
    " secret ssh cgroup-parent isolation build-context".split()
)
"""Options of a build that its commands can feel."""
_NO_PLACE = frozenset(
    {"privileged", "device", "gpus", "volumes-from", "link", "pid", "ipc", "cap-add", "runtime", "tmpfs"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An image that a build of the driver makes; `problem` says why there is no expression of it."""

    event: ImageBuild
    image: ImageExpression | None
    problem: UnprovableError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a command does with images: `what` tells uses apart, whatever the images are called."""

    what: tuple[str, ...]
    text: str
    span: Span


class Side:
    """Evaluates one trace. `versions` are the texts that the migration made, by path; `dockerfiles` those of the builds whose
    context is a tar; `facts` may grow while images are asked for; `aside` is whether nobody but a migration uses the folder
    ARTIFACTS."""

    def __init__(
        self,
        trace: Trace,
        repository: Repository,
        versions: Mapping[PurePosixPath, str],
        dockerfiles: Mapping[int, PurePosixPath],
        facts: Facts,
        *,
        buildkit: bool,
        aside: bool = True,
    ) -> None:
        self._trace = trace
        self._repository = repository
        self._versions = versions
        self._dockerfiles = dockerfiles
        self._facts = facts
        self._buildkit = buildkit
        self._aside = aside
        self._calls = calls_in(_given(trace))
        self.arguments: set[str] = set()
        """Every name that an ARG of a Dockerfile declares."""
        self._built: dict[int, Built] = {}
        self._needed: set[int] = set()
        self._needed_by: dict[int, set[int]] = {}
        self._containers: dict[int, Built] = {}
        self._container_needs: dict[int, set[int]] = {}
        self.assumed: dict[Diagnostic, None] = {}
        """What was taken for granted on the way."""

    # builds

    def images(self) -> Iterator[Made]:
        """The image of every build, in order."""
        for index, event in enumerate(self._trace.events):
            if not isinstance(event, ImageBuild):
                continue
            path = self._dockerfile_path(event)
            self._needed = self._needed_by[event.number] = set()
            try:
                built = self._build(event, index, path)
            except UnprovableError as problem:
                yield Made(event=event, image=None, problem=problem)
                continue
            self._built[event.number] = built
            yield Made(event=event, image=_image(event, built))

    def parts_of(self, number: int) -> frozenset[int]:
        """The builds whose images a build's image is made of."""
        return frozenset(self._needed_by.get(number, ()))

    def builders(self, made: ImageBuild) -> frozenset[bool]:
        """Which builders the script asks for, for an image and its parts, as far as it does."""
        parts = self.parts_of(made.number)
        events = (e for e in self._trace.events if isinstance(e, ImageBuild))
        asked = (e.buildkit for e in events if e is made or e.number in parts)
        return frozenset(a for a in asked if a is not None)

    def untraced(self, number: int) -> list[Span]:
        """The commands ahead of a build of which it isn't known what they do."""
        events = takewhile(lambda e: not (isinstance(e, ImageBuild) and e.number == number), self._trace.events)
        return [e.span for e in events if isinstance(e, Opaque)]

    def uses(self, places: Mapping[int, int]) -> list[Use]:
        """What the driver does with the images of the builds in `places`, which says what those stand for."""
        found = []
        names: dict[str, int] = {}
        for event in self._trace.events:
            match event:
                case ImageBuild(number=number, tags=tags):
                    for tag in tags:
                        names[_reference(tag)] = number
                        if number not in places:
                            names.pop(_reference(tag))
                case ImageUse(verb="tag" | "push" | "save" as verb, images=images, span=span):
                    made = [names.get(_reference(i)) for i in images]
                    first = next((places[n] for n in made if n is not None and n in places), None)
                    if first is None:
                        continue
                    if verb == "tag" and len(images) == 2 and made[0] is not None:
                        names[_reference(images[1])] = made[0]
                    what = (verb, str(first), *(_reference(i) for i in images))
                    found.append(Use(what=what, text=" ".join(span.text.split()), span=span.origin))
                case _:
                    pass
        return found

    def _dockerfile_path(self, event: ImageBuild) -> PurePosixPath | None:
        return self._dockerfiles.get(event.number, event.dockerfile)

    def _build(self, event: ImageBuild, index: int, path: PurePosixPath | None) -> Built:
        if path is None:
            raise UnprovableError("the Dockerfile comes on standard input", event.span)
        source = self._repository.source(path) if event.number in self._dockerfiles else None
        source = source or event.workspace.source(path)
        if source is None:
            raise UnprovableError(f"the Dockerfile `{path}` is not known", event.span)
        dockerfile, _ = read_dockerfile(source)
        if dockerfile is None:
            raise UnprovableError(f"the Dockerfile `{path}` can't be read", event.span)
        declared = (i for i in dockerfile.instructions if i.keyword == "ARG")
        self.arguments |= {name for i in declared for name, _ in argument_pairs(i)}
        target = event.option("target")
        name = marked(target.value) if target is not None and target.value is not None else None
        if name is not None and not has_stage(dockerfile, name):
            raise UnprovableError(f"the Dockerfile `{path}` has no stage `{shown(name)}`", event.span)
        stage = built_stage(dockerfile, name)
        platform = event.option("platform")
        felt = (o for o in event.options if o.name in _FELT)
        inputs = Inputs(
            arguments={
                a.name: marked(a.value, self._calls) if a.value is not None else _of_environment(event, a.name)
                for a in event.build_arguments
            },
            platform=marked(platform.value) if platform is not None and platform.value is not None else "",
            options=tuple(sorted({f"{o.name}={marked(o.value) if o.value is not None else ''}" for o in felt})),
            aside=self._aside,
            context=self._context(event, path),
            images=lambda text, span: self._named(Value.of(text), index, span),
            facts=self._facts,
        )
        return _labelled(image_of(dockerfile, stage, inputs), event)

    def _context(self, event: ImageBuild, path: PurePosixPath) -> Context:
        if event.context is None:
            if not isinstance(event.streamed, Stream):
                return NoContext()
            asked = self._buildkit if event.buildkit is None else event.buildkit
            owner = "kept" if asked else "0:0"
            content = unpacked(self._streamed(event.streamed), event.span)
            return TarContext(
                content=content, owner=owner, facts=self._facts, told=lambda span: self._owners(event, span)
            )
        return self._host(event.workspace, event.context, self._ignore(event, path), event)

    def _owners(self, event: ImageBuild, span: Span) -> None:
        if event.buildkit is None:
            message = "whose the files of a build context from standard input are depends on the builder"
            self.assumed[at(rules.STREAM_OWNERS, message, span)] = None

    def _host(
        self, workspace: Workspace, root: PurePosixPath, ignore: IgnoreFile | None, before: ImageBuild | ContainerRun
    ) -> HostContext:
        return HostContext(
            workspace=workspace,
            root=root,
            ignore=ignore,
            versions=self._versions,
            made_by=lambda path: self._made_by(path, before),
            artifact=lambda node, path: self._content(node, path, workspace),
            facts=self._facts,
        )

    def _made_by(self, path: PurePosixPath, before: ImageBuild | ContainerRun) -> str:
        """The commands that made of a file what it is by then: two files are the same where the same commands made them."""
        events = takewhile(lambda e: e is not before, self._trace.events)
        changes = (e for e in events if isinstance(e, HostChange))
        named = (e for e in changes if any(p == path or p in path.parents or path in p.parents for p in e.paths))
        return "; ".join(" ".join(e.span.text.split()) for e in named)

    def _ignore(self, event: ImageBuild, path: PurePosixPath) -> IgnoreFile | None:
        """`<Dockerfile>.dockerignore` before the context's own (semantics.md 3, rule 9)."""
        if event.context is None:
            return None
        places = (path.with_name(path.name + ".dockerignore"), event.context / ".dockerignore")
        source = next((s for s in map(event.workspace.repository.source, places) if s is not None), None)
        if source is None:
            return None
        ignore, found = read_ignore(source)
        if ignore is None:
            place = found[0].primary.span if found and found[0].primary is not None else event.span
            raise UnprovableError(f"the ignore file `{source.path}` can't be read", place)
        return ignore

    # names

    def _image(self, value: Value, index: int, span: Span) -> Built:
        """The image that a word of the script means before step `index`."""
        return self._named(value, index, span) or outside(marked(value), "", span)

    def _named(self, value: Value, index: int, span: Span) -> Built | None:
        """The same; None for one that the driver doesn't make."""
        for step in range(index - 1, -1, -1):
            event = self._trace.steps[step].event
            match event:
                case ImageBuild() if value.parts == (ImageId(number=event.number),) or any(
                    same_image(t, value) for t in event.tags
                ):
                    if event.number not in self._built:
                        raise UnprovableError("the image that this is made of is not known", event.span)
                    self._needed |= {event.number, *self._needed_by[event.number]}
                    return self._built[event.number]
                case ImageUse(verb="tag", images=(source, target)) if same_image(target, value):
                    return self._image(source, step, span)
                case ContainerUse(verb="commit", arguments=(target,), numbers=(number,)) if same_image(target, value):
                    if number is None:
                        raise UnprovableError("which container is committed is not known", event.span)
                    return self._container(number)
                case ImageUse(verb="import", images=(_, target), streamed=stream) if same_image(target, value):
                    return self._imported(stream, event.span)
                case _:
                    pass
        return None

    def _imported(self, stream: Stream | Value | None, span: Span) -> Built:
        """The files of a container, and no config."""
        content = unpacked(self._streamed(stream), span) if isinstance(stream, Stream) else None
        if isinstance(content, At) and content.path == "/":
            return Built(files=content.files, root=content.files, base=None)
        raise UnprovableError("what this image is made of is not known", span)

    # containers

    def _start(self, number: int) -> tuple[int, ContainerCreate | ContainerRun]:
        for index, step in enumerate(self._trace.steps):
            if isinstance(step.event, ContainerCreate | ContainerRun) and step.event.container.number == number:
                return index, step.event
        raise LookupError(number)

    def _container(self, number: int) -> Built:
        """What a container holds when something is taken out of it."""
        if number not in self._containers:
            outer, self._needed = self._needed, set()
            self._containers[number] = self._held(number)
            self._container_needs[number], self._needed = self._needed, outer
        self._needed |= self._container_needs[number]
        return self._containers[number]

    def _held(self, number: int) -> Built:
        index, start = self._start(number)
        base = self._image(start.container.image, index, start.span)
        runs = [start.span] if isinstance(start, ContainerRun) else []
        taken = False
        executed: list[tuple[Command, Span]] = []
        for step in self._trace.steps[index + 1 :]:
            match step.event:
                case Extraction(container_number=out_of) if out_of == number:
                    taken = True
                case Insertion(container_number=into) if into == number:
                    raise UnprovableError("a file goes into the container", step.event.span)
                case ContainerUse(verb="start" | "restart", numbers=numbers) if number in numbers:
                    runs.append(step.event.span)
                    self._before(step.event.span, taken=taken)
                case ContainerUse(verb="exec", numbers=numbers, arguments=arguments) if number in numbers:
                    command = commands.of_words(self._words(arguments), step.event.span)
                    if not _idle(command) and not _text(command).emits:
                        self._plain_exec(step.event)
                        self._before(step.event.span, taken=taken)
                        executed.append((command, step.event.span))
                case ContainerUse(verb=verb, numbers=numbers) if number in numbers:
                    if verb not in STILL and verb not in ("export", "commit"):
                        raise UnprovableError(
                            f"what `docker {verb}` does to the container is not known", step.event.span
                        )
                case _:
                    pass
        built = base
        main = self._main(start, base, index) if runs else None
        if main is not None and len(runs) > 1:
            raise UnprovableError("what the container runs, it runs more than once", runs[1])
        ways = [(main, start.span)] if main is not None else []
        for command, span in (*ways, *executed):
            built = self._ran(start, base, built, command, span, first=built is base)
        return built

    def _plain_exec(self, event: ContainerUse, *, prints: bool = False) -> None:
        given = [s for s in event.surroundings if prints or s != "tty"]
        if given:
            raise UnprovableError(f"`docker exec` with `--{given[0]}` is not evaluated", event.span)

    def _before(self, span: Span, *, taken: bool) -> None:
        if taken:
            raise UnprovableError("the container runs after something was taken out of it", span)

    def _ran(
        self,
        start: ContainerCreate | ContainerRun,
        base: Built,
        built: Built,
        command: Command,
        span: Span,
        *,
        first: bool,
    ) -> Built:
        """After a command in a container, with what surrounds it."""
        surrounded = self._surrounded(start, base) if first else built
        paths = commands.only_folders(command)
        if paths and is_root(surrounded.user):
            return replace(surrounded, files=folders(surrounded.files, paths, surrounded.user, span))
        return replace(surrounded, files=self._exec(surrounded, command, span))

    def _exec(self, built: Built, command: Command, span: Span) -> Exec:
        return Exec(
            files=built.files,
            command=command,
            environment=tuple(sorted(built.environment.items())),
            directory=built.directory,
            user=built.user,
            container=True,
            span=span,
        )

    def _surrounded(self, start: ContainerCreate | ContainerRun, base: Built) -> Built:
        """The image with the container's mounts, variables, user and directory."""
        built = self._mounts(start, base)
        environment = dict(built.environment)
        directory, user = built.directory, built.user
        made: list[str] = []
        for option in start.container.options:
            text = marked(option.value, self._calls) if option.value is not None else ""
            place = option.spans[0] if option.spans else start.span
            match option.name:
                case "env":
                    name, equals, value = text.partition("=")
                    environment[name] = value if equals else mark(f"environment variable {name}")
                case "workdir":
                    directory = joined(built.directory, text)
                    made.append(directory)
                case "user":
                    user = text
                case "network" | "net" if text not in PLAIN_NETWORKS:
                    raise UnprovableError(f"a container in the network `{text}` is not what a build is", place)
                case name if name in _NO_PLACE:
                    raise UnprovableError(f"a container with `--{name}` is not what a build is", place)
                case _:
                    pass
        files = folders(built.files, tuple(made), "mounted", start.span)
        mounted = [in_container(m.target.text).as_posix() for m in self._bare(start) if m.target.text is not None]
        files = folders(files, tuple(mounted), "mounted", start.span)
        return replace(built, files=files, environment=environment, directory=directory, user=user)

    def _bare(self, start: ContainerCreate | ContainerRun) -> list[Mount]:
        """Mounts of folders in which nothing lies yet."""
        if not isinstance(start, ContainerRun):
            return []
        writable = (m for m in start.container.mounts if m.host is not None and not m.read_only)
        return [m for m in writable if not self._landings(start, m)]

    def _landings(self, start: ContainerRun, mount: Mount) -> list[Landing]:
        """What a mount shows, as if it were copied there."""
        place = Place(
            destination=in_container(mount.target.text or "/").as_posix(),
            within=None,
            owner="0:0",
            mode="",
            adds=False,
            facts=self._facts,
            span=start.span,
        )
        found = self._host(start.workspace, mount.host or PurePosixPath(), None, start).mounted(place)
        return [replace(each, mounted=True) for each in found if not _is_empty(each)]

    def _mounts(self, start: ContainerCreate | ContainerRun, base: Built) -> Built:
        files = base.files
        shared = [m.host for m in start.container.mounts if m.host is not None and not m.read_only]
        if any(one == other or one in other.parents for one, other in permutations(shared, 2)):
            raise UnprovableError("the container can write to one folder of the host at two places", start.span)
        for mount in start.container.mounts:
            target = mount.target.text
            if target is None:
                raise UnprovableError("where a folder is mounted is not known", start.span)
            if mount.source.marked.endswith("docker.sock"):
                raise UnprovableError("the container has the docker socket", start.span)
            if mount.host is None:
                if not (CACHE.search(mount.source.marked) or CACHE.search(target)):
                    raise UnprovableError(
                        f"`{mount.source}`, which is mounted, is no folder of the repository", start.span
                    )
                message = f"`{mount.source}` is taken for a cache: the build does without it"
                self.assumed[at(rules.CACHE_MOUNT_DROPPED, message, start.span)] = None
                continue
            if not isinstance(start, ContainerRun):
                raise UnprovableError("a container with mounts is created first and started later", start.span)
            landings = self._landings(start, mount)
            inside = in_container(target).as_posix()
            single = start.workspace.is_file(mount.host)
            if not single and (landings or not mount.read_only):
                files = Emptied(files=files, path=inside, mounted=True, span=start.span)
            files = put(files, tuple(landings), start.span)
        return replace(base, files=files)

    def _words(self, values: Sequence[Value]) -> tuple[str, ...]:
        return tuple(marked(v) for v in values)

    def _main(self, start: ContainerCreate | ContainerRun, base: Built, index: int) -> Command | None:
        """What a container runs, where it counts; None where it makes nothing of what is taken out."""
        container = start.container
        command = self._composed(container, base, start.span)
        if command is None or _idle(command) or _text(command).emits:
            return None
        if isinstance(start, ContainerRun) and start.detached and not self._awaited(index, container.number):
            message = "the script doesn't wait for this container: it is taken to make nothing of what is extracted"
            self.assumed[at(rules.DETACHED_ASSUMED_IDLE, message, start.span)] = None
            return None
        if isinstance(start, ContainerRun) and start.stdin not in (None, EMPTY):
            raise UnprovableError("the container reads its standard input", start.span)
        return command

    def _awaited(self, index: int, number: int) -> bool:
        for step in self._trace.steps[index + 1 :]:
            match step.event:
                case ContainerUse(verb="wait" | "attach", numbers=numbers) if number in numbers:
                    return True
                case Harmless(command="sleep"):
                    return True
                case Extraction(container_number=taken) if taken == number:
                    return False
                case _:
                    pass
        return False

    def _composed(self, container: Container, base: Built, span: Span) -> Command | None:
        """ENTRYPOINT, CMD and what the script gives (docker run reference, "Overriding image defaults")."""
        given = self._words(container.command)
        override = next((o.value for o in reversed(container.options) if o.name == "entrypoint"), None)
        if override is not None:
            entry = marked(override)
            return commands.of_words(((entry,) if entry else ()) + given, span)
        entrypoint = base.entrypoint
        if entrypoint is not None and entrypoint.script:
            behind = given or _words_of(base.command)
            if behind and POSITIONAL.search(entrypoint.script):
                return commands.of_words((*entrypoint.shell, entrypoint.script, *behind), span)
            return commands.of_script(entrypoint.script, entrypoint.shell, span)
        words = entrypoint.words if entrypoint is not None else ()
        outside_entry = entrypoint is None and base.base is not None and not _plain(base.base)
        if not given and base.command is None and entrypoint is None:
            if base.base is not None and not _plain(base.base):
                message = (
                    "the container runs what its base image says: it is taken to make nothing of what is extracted"
                )
                self.assumed[at(rules.BASE_COMMAND_ASSUMED, message, span)] = None
            return None
        if given:
            found = commands.of_words((*words, *given), span)
        elif base.command is None:
            found = commands.of_words(words, span)
        elif words or base.command.words:
            found = commands.of_words((*words, *_words_of(base.command)), span)
        else:
            found = commands.of_script(base.command.script, base.command.shell, span)
        if outside_entry and not _idle(found):
            message = "an ENTRYPOINT of the base image is not known: it is taken to run the command as it is given"
            self.assumed[at(rules.BASE_COMMAND_ASSUMED, message, span)] = None
        return found

    # what stands on the host

    def _content(self, node: Node, path: PurePosixPath, workspace: Workspace) -> Content:
        """What something that came out of a container is."""
        match node:
            case Artifact(container=container, source=source):
                held = self._container(container)
                found = held.stands(joined("/", str(source)), self._fetched_at(container, source))
                return fetched(found, self._facts)
            case Streamed(stream=stream):
                return self._streamed(stream)
            case Altered(base=(inner,), command=command, span=span) if not isinstance(inner, EntryKind):
                return self._altered(inner, command, path, span, workspace)
            case _:
                raise UnprovableError(f"what `{path}` is by then is not known", _span(node, self._trace))

    def _altered(self, base: Node, command: str, path: PurePosixPath, span: Span, workspace: Workspace) -> Content:
        """What a command of the host made of it."""
        try:
            words = tuple(shlex.split(command))
        except ValueError:
            words = ()
        if not words or (words[0] != "find" and re.search(r"[;&|<>`(\n*?$]", command)):
            raise UnprovableError(f"what `{command}` does to `{path}` is not known", span)
        suffix = {"gzip": ".gz", "xz": ".xz", "bzip2": ".bz2"}.get(words[0], "")
        inner = self._content(base, path.with_name(path.name.removesuffix(suffix)), workspace)
        if words[0] == "tar" and not any("strip" in w for w in words):
            return unpacked(inner, span)
        named = [w for w in words[1:] if not w.startswith("-")]
        operands = named[:1] if words[0] == "find" else named[1:] if words[0] == "chmod" else named
        normal = commands.normal_words(words, tuple(operands))
        return Changed(content=inner, words=normal, span=span)

    def _fetched_at(self, container: int, source: PurePosixPath) -> Span:
        for event in self._trace.events:
            if isinstance(event, Extraction) and event.container_number == container:
                taken = in_container(event.source)
                if taken == source or taken in source.parents:
                    return event.span
        return self._start(container)[1].span

    def _streamed(self, stream: Stream) -> Content:
        """What a docker command printed, through its filters."""
        event = self._trace.steps[stream.step].event
        match event:
            case Extraction(container_number=number, source=source) if number is not None:
                place = joined("/", source)
                found = self._container(number).stands(place, event.span)
                if not source.endswith("/."):
                    found = assembled(((posixpath.basename(place), found),), event.span)
                content: Content = Packed(content=found, span=event.span)
            case ContainerUse(verb="export", numbers=(number, *_)) if number is not None:
                content = Packed(content=self._container(number).stands("/", event.span), span=event.span)
            case ContainerUse(verb="exec", numbers=(number, *_), arguments=arguments) if number is not None:
                self._plain_exec(event, prints=True)
                command = commands.of_words(self._words(arguments), event.span)
                content = stdout(self._exec(self._container(number), command, event.span))
            case ContainerRun(container=container):
                content = self._printed(event, container)
            case _:
                raise UnprovableError("what this command prints is not known", event.span)
        for each in stream.filters:
            words = self._words(each.words)
            content = Changed(content=content, words=words, span=each.span)
        return content

    def _printed(self, event: ContainerRun, container: Container) -> Content:
        index, start = self._start(container.number)
        base = self._image(container.image, index, event.span)
        if event.stdin is not None:
            raise UnprovableError("the container reads its standard input", event.span)
        if any(o.name == "tty" for o in container.options):
            raise UnprovableError("what a container prints to a terminal has other line ends", event.span)
        command = self._composed(container, base, event.span)
        if command is None:
            raise UnprovableError("what this container prints is its base image's to say", event.span)
        return stdout(self._exec(self._surrounded(start, base), command, event.span))


def _of_environment(event: ImageBuild, name: str) -> str:
    """What `--build-arg NAME` takes; a script can change it between two builds."""
    held = event.variables.get(name)
    by_then = f" when it is {marked(held)}" if isinstance(held, Value) else ""
    if name in event.variables and name not in event.exported:
        by_then = ", which the script doesn't export,"
    return mark(f"environment variable {name}{by_then}")


def _words_of(command: Command | None) -> tuple[str, ...]:
    """What CMD puts behind an ENTRYPOINT."""
    if command is None:
        return ()
    return command.words or (*command.shell, command.script)


def _given(trace: Trace) -> Iterator[Value]:
    """The values that builds and containers are given."""
    for event in trace.events:
        match event:
            case ImageBuild(build_arguments=arguments):
                yield from (a.value for a in arguments if a.value is not None)
            case ContainerCreate(container=container) | ContainerRun(container=container):
                yield from (o.value for o in container.options if o.value is not None)
            case _:
                pass


def _reference(value: Value) -> str:
    """An image's name, however it is written. The id that a build printed is the image that it made."""
    parsed = ImageReference.parse(value.text) if value.text is not None else None
    return str(parsed) if parsed is not None else marked(value)


def _labelled(built: Built, event: ImageBuild) -> Built:
    """With the labels that the command says, which win over those of the Dockerfile."""
    settings = dict(built.settings)
    for option in event.options:
        if option.name == "label" and option.value is not None:
            name, _, value = marked(option.value).partition("=")
            settings[f"LABEL {name}"] = Setting(name=f"LABEL {name}", value=value, span=option.spans[0])
    return replace(built, settings=settings)


def _image(event: ImageBuild, built: Built) -> ImageExpression:
    files: Files = built.files
    if built.aside.used:
        held = tuple(sorted(built.aside.held.items()))
        landings = [Landing(content=c, destination=p, owner="kept", exact=True, span=c.span) for p, c in held]
        made = Folders(files=files, paths=(commands.ARTIFACTS,), owner="", span=event.span)
        files = put(made, tuple(landings), event.span)
    return ImageExpression(files=files, config=built.config(), span=event.span)


def _is_empty(landing: Landing) -> bool:
    return isinstance(landing.content, Tree) and not landing.content.entries


def _plain(reference: str) -> bool:
    """An official image that runs nothing but a shell of itself."""
    parsed = ImageReference.parse(reference)
    return (
        parsed is not None
        and parsed.domain == "docker.io"
        and parsed.path.removeprefix("library/") in WITHOUT_ENTRYPOINT
    )


def _text(command: Command) -> Text:
    if command.script:
        return Text(text=command.script, words=None)
    return Text(text=shlex.join(command.words), words=command.words)


def _idle(command: Command) -> bool:
    """Whether it surely changes no file."""
    return known(command.script) and all(map(known, command.words)) and _text(command).idle


def _span(node: Node, trace: Trace) -> Span:
    return node.span if isinstance(node, Altered) else trace.source.span(0, len(trace.source.line(1)))
