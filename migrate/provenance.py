"""Phase 3: where every artifact of a runtime image comes from. Input: a Trace and the Dockerfiles. Output: for each COPY
that takes an extracted file, the container path that it came from.

image ← COPY ← host path ← `docker cp` ← container ← image ← builder's Dockerfile.
"""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Label, Rule, at
from migrate.discover import EntryKind, Repository
from migrate.dockerfile.expand import expand
from migrate.dockerfile.ignore import IgnoreFile, read_ignore
from migrate.dockerfile.instructions import Argument, Dockerfile, Instruction, Stage
from migrate.dockerfile.reader import read_dockerfile
from migrate.dockerfile.scope import Variables, stage_variables
from migrate.image import ImageReference
from migrate.source import SourceFile
from migrate.trace.events import (
    Compose,
    ContainerCreate,
    ContainerRun,
    ContainerUse,
    Extraction,
    ImageBuild,
    Insertion,
    Trace,
    Traced,
)
from migrate.trace.paths import in_container
from migrate.trace.values import ImageId, Stream, Value
from migrate.trace.workspace import Altered, Artifact, Changed, Made, Node, Streamed, from_container

_IN_THE_BUILDER = "do this in the builder's Dockerfile, then run ms-migrate again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One artifact as a COPY takes it: `source` is the path in the builder's image, `host` the path it had on the host,
    `argument` the word of the COPY that names it (or the directory it lies in), `below` its path under that word."""

    argument: Argument
    host: PurePosixPath
    below: PurePosixPath
    builder: int
    source: PurePosixPath
    extraction: Extraction


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactCopy:
    """A COPY or ADD of a runtime Dockerfile that takes artifacts; `others` are its sources that are none."""

    stage: Stage
    instruction: Instruction
    destination: Argument
    origins: tuple[Origin, ...]
    others: tuple[Argument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A build of the script with its Dockerfile read. `path` is the Dockerfile's, `context` the build context's, relative to
    the repository's root."""

    event: ImageBuild
    path: PurePosixPath
    context: PurePosixPath
    dockerfile: Dockerfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """`builders` are the builds that containers were made of, `runtimes` those that take artifacts, `others` the rest;
    `creates` maps a container's number to the builder's build number."""

    builders: tuple[Build, ...]
    runtimes: tuple[Build, ...]
    others: tuple[Build, ...]
    creates: Mapping[int, int]
    copies: tuple[ArtifactCopy, ...]
    unused: tuple[Extraction, ...]


def extracts(trace: Trace) -> bool:
    """Whether the driver is a legacy build at all: it takes something out of a container, by `docker cp` or another way."""
    return any(_takes_out(trace, index) for index in range(len(trace.steps)))


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
            return mounted and own and bool(_builds(trace.steps[index:]))
        case ContainerUse(verb=verb):
            return verb == "export" and bool(_builds(trace.steps[index:]))
        case ImageBuild(streamed=streamed, workspace=workspace):
            nodes = (workspace.overlay[p] for p in workspace.carried)
            return isinstance(streamed, Stream) or any(not isinstance(n, Artifact) for n in nodes)
        case _:
            return False


def _builds(steps: Sequence[Traced]) -> list[ImageBuild]:
    return [s.event for s in steps if isinstance(s.event, ImageBuild)]


def derive(trace: Trace, repository: Repository) -> tuple[Provenance | None, tuple[Diagnostic, ...]]:
    """Follow every artifact back. None where a Dockerfile can't be read or a container can't be traced to a build."""
    diagnostics: list[Diagnostic] = _other_ways(trace)
    if diagnostics:
        return None, tuple(diagnostics)
    builds = _read_builds(trace, repository, diagnostics)
    creates = _builders_of(trace, diagnostics)
    if builds is None or creates is None:
        return None, tuple(diagnostics)
    built_from = set(creates.values())
    copies: list[ArtifactCopy] = []
    runtimes: list[Build] = []
    others: list[Build] = []
    for build in builds:
        if build.event.number in built_from:
            continue
        found = _Reader(build, creates, trace, diagnostics).copies()
        copies += found
        (runtimes if found else others).append(build)
    used = {o.extraction for c in copies for o in c.origins}
    return (
        Provenance(
            builders=tuple(b for b in builds if b.event.number in built_from),
            runtimes=tuple(runtimes),
            others=tuple(others),
            creates=creates,
            copies=tuple(copies),
            unused=tuple(e for e in trace.events if isinstance(e, Extraction) and e not in used),
        ),
        tuple(diagnostics),
    )


def _other_ways(trace: Trace) -> list[Diagnostic]:
    """Ways out of a container that are traced and not yet followed back, each with the place."""
    found = []
    taken = {e.container_number for e in trace.events if isinstance(e, Extraction)}
    for index, event in enumerate(trace.events):
        match event:
            case ContainerRun(container=container) if container.number in taken:
                message = "an artifact of a container that is run is not planned"
            case ContainerRun() if _takes_out(trace, index):
                message = "a container that may write to a mounted folder is not planned"
            case Extraction(landed=None):
                message = "an extraction to standard output is not planned"
            case ImageBuild(context=None) | ImageBuild(dockerfile=None):
                message = "a build from standard input is not planned"
            case ContainerUse(numbers=numbers, verb=verb) if verb == "export" or (
                set(numbers) & (taken - {None}) and verb not in ("stop", "kill", "logs", "wait")
            ):
                message = f"`docker {verb}` of a container is not planned"
            case Insertion():
                message = "a file that goes into a container is not planned"
            case Compose(verb=verb) if verb in ("up", "build", "run", "create", "start", "exec"):
                message = f"what `docker compose {verb}` builds or runs is not read"
            case _:
                continue
        found.append(at(rules.SHAPE_NOT_PLANNED, message, event.span))
    return found


def same_image(one: Value, other: Value) -> bool:
    """Whether two words name one image: the same text, the same reference written otherwise, the same unknown."""
    if one == other:
        return True
    first, second = (ImageReference.parse(v.marked) if v.text is not None else None for v in (one, other))
    return first is not None and first == second


def ignore_source(build: Build) -> SourceFile | None:
    """The ignore file that holds for a build: `<Dockerfile>.dockerignore` before the context's own (semantics.md 3, rule 9)."""
    repository = build.event.workspace.repository
    return next((s for s in map(repository.source, ignore_paths(build)) if s is not None), None)


def ignore_paths(build: Build) -> tuple[PurePosixPath, PurePosixPath]:
    """Where a build's ignore file may stand, the one that wins first."""
    beside = build.path.with_name(build.path.name + ".dockerignore")
    return beside, build.context / ".dockerignore"


def _read_builds(trace: Trace, repository: Repository, diagnostics: list[Diagnostic]) -> list[Build] | None:
    builds, failed = [], False
    for event in trace.events:
        if not isinstance(event, ImageBuild):
            continue
        path, context = event.dockerfile, event.context
        if path is None or context is None:
            failed = True
            continue
        source = repository.source(path)
        if source is None or path in event.workspace.overlay or event.workspace.source(path) != source:
            where = "is written by the script" if event.workspace.node(path) is not None else "is not there"
            diagnostics.append(at(rules.DOCKERFILE_MISSING, f"the Dockerfile `{path}` {where}", event.span))
            failed = True
            continue
        dockerfile, found = read_dockerfile(source)
        diagnostics += found
        if dockerfile is None:
            failed = True
        else:
            builds.append(Build(event=event, path=path, context=context, dockerfile=dockerfile))
    return None if failed else builds


def _builders_of(trace: Trace, diagnostics: list[Diagnostic]) -> dict[int, int] | None:
    """Container number → number of the build whose image it was made of; only for containers that something is taken out of."""
    extractions = [e for e in trace.events if isinstance(e, Extraction)]
    wanted = {e.container_number for e in extractions}
    result: dict[int, int] = {}
    built: list[ImageBuild] = []
    failed = False
    for extraction in extractions:
        if extraction.container_number is None:
            message = (
                f"the container `{extraction.container}` is not made by this script, so what is in it is not known"
            )
            diagnostics.append(at(rules.CONTAINER_UNKNOWN, message, extraction.source_span))
            failed = True
    for event in trace.events:
        if isinstance(event, ImageBuild):
            built.append(event)
        if not isinstance(event, ContainerCreate) or event.container.number not in wanted:
            continue
        image = event.container.image
        build = next((b for b in reversed(built) if _made(b, image)), None)
        if build is None:
            message = f"the image `{image}` is not built by this script before it is used"
            diagnostics.append(at(rules.BUILDER_NOT_BUILT, message, event.span))
            failed = True
        else:
            result[event.container.number] = build.number
    return None if failed else result


def _made(build: ImageBuild, image: Value) -> bool:
    return image.parts == (ImageId(number=build.number),) or any(same_image(tag, image) for tag in build.tags)


class _Reader:
    """Goes through the COPYs of one runtime Dockerfile."""

    def __init__(self, build: Build, creates: Mapping[int, int], trace: Trace, diagnostics: list[Diagnostic]) -> None:
        self._build = build
        self._creates = creates
        self._diagnostics = diagnostics
        self._extractions = [e for e in trace.events if isinstance(e, Extraction)]
        self._context = build.context
        self._ignore = self._read_ignore()

    def copies(self) -> list[ArtifactCopy]:
        found = []
        for stage in self._build.dockerfile.stages:
            scopes = self._scopes(stage)
            for instruction, scope in zip(stage.instructions, scopes, strict=True):
                if instruction.keyword not in ("COPY", "ADD") or instruction.flag("from") or instruction.here_documents:
                    continue
                copy = self._copy(stage, instruction, scope)
                if copy is not None:
                    found.append(copy)
        return found

    def _scopes(self, stage: Stage) -> tuple[Variables, ...]:
        given: dict[str, str | None] = {
            a.name: a.value.text if a.value else None for a in self._build.event.build_arguments
        }
        return stage_variables(self._build.dockerfile, stage, given)

    def _copy(self, stage: Stage, instruction: Instruction, scope: Variables) -> ArtifactCopy | None:
        *sources, destination = instruction.arguments
        origins: list[Origin] = []
        others: list[Argument] = []
        for argument in sources:
            found = self._source(argument, instruction, scope)
            if found is None:
                return None
            origins += found
            if not found:
                others.append(argument)
        if not origins:
            return None
        return ArtifactCopy(
            stage=stage, instruction=instruction, destination=destination, origins=tuple(origins), others=tuple(others)
        )

    def _source(self, argument: Argument, instruction: Instruction, scope: Variables) -> list[Origin] | None:
        """The artifacts that one source word takes: none where it is an ordinary file, None where that can't be said."""
        if instruction.keyword == "ADD" and "://" in argument.text:
            return []
        text = argument.text if instruction.json and "$" not in argument.text else self._expanded(argument, scope)
        event = self._build.event
        if text is None:
            if event.workspace.carried:
                self._report(rules.COPY_PATH_UNKNOWN, f"what `{argument.text}` comes to is not known", argument)
                return None
            return []
        cleaned = posixpath.normpath(posixpath.join("/", text)).lstrip("/")
        path = self._context / cleaned
        if any(c in cleaned for c in "*?["):
            return self._pattern(path, argument)
        node = event.workspace.node(path)
        if isinstance(node, Artifact):
            return self._single(path, node, argument)
        if node is not None and from_container(node):
            self._report_altered(path, node, argument)
            return None
        return self._directory(path, argument)

    def _single(self, path: PurePosixPath, node: Artifact, argument: Argument) -> list[Origin] | None:
        below_context = path.relative_to(self._context).as_posix()
        if self._ignore is not None and self._ignore.ignores(below_context):
            self._report(rules.ARTIFACT_MISSED, f"the ignore file keeps `{below_context}` from this build", argument)
            return None
        inner = [
            p
            for p, n in self._build.event.workspace.below(path)
            if n is not None and p in self._build.event.workspace.overlay
        ]
        if inner:
            self._report(rules.ARTIFACT_MIXED, f"`{argument.text}` holds files of more than one origin", argument)
            return None
        return [self._origin(path, PurePosixPath(), node, argument)]

    def _directory(self, path: PurePosixPath, argument: Argument) -> list[Origin] | None:
        """A directory of the context: all of it artifacts, none of it, or both (which isn't planned)."""
        workspace = self._build.event.workspace
        held = workspace.below(path)
        for inner, node in held:
            if from_container(node) and not isinstance(node, Artifact) and not self._ignored(inner):
                self._report_altered(inner, node, argument)
                return None
        artifacts = [(p, n) for p, n in held if isinstance(n, Artifact) and not self._ignored(p)]
        if not artifacts:
            return []
        others = [
            p
            for p, n in held
            if not isinstance(n, Artifact | Made) and n is not EntryKind.DIRECTORY and not self._ignored(p)
        ]
        empty = [p for p, n in held if isinstance(n, Made) or n is EntryKind.DIRECTORY]
        bare = [p for p in empty if not any(p in a.parents for a, _ in artifacts)]
        if others or bare:
            self._report(
                rules.ARTIFACT_MIXED,
                f"`{argument.text}` takes the artifact `{artifacts[0][0]}` together with other files of the build context",
                argument,
                note=f"`{(others or bare)[0]}` is one of them",
            )
            return None
        return [self._origin(p, p.relative_to(path), n, argument) for p, n in artifacts]

    def _report_altered(self, path: PurePosixPath, node: Node | EntryKind, argument: Argument) -> None:
        """An artifact that is no longer what came out of the container."""
        message = f"`{argument.text}` takes `{path}`, which came out of a container and was changed on its way"
        place, rule = argument.span, rules.COMMAND_TOUCHES_ARTIFACT
        help_: str | None = _IN_THE_BUILDER
        if isinstance(node, Altered):
            verb = "changes" if node.sure else "is not traced and may change"
            message, place = f"`{_short(node.command)}` {verb} the artifact `{path}` on its way", node.span
        elif isinstance(node, Streamed):
            message = f"`{argument.text}` takes `{path}`, which a container wrote to its standard output"
            rule, help_ = rules.SHAPE_NOT_PLANNED, None
        elif isinstance(node, Changed) and node.joined:
            message = f"`{argument.text}` takes the artifact `{path}`, which only some ways through the script extract"
            rule, help_ = rules.RUNS_CONDITIONALLY, None
        self._diagnostics.append(Diagnostic(rule=rule, message=message, primary=Label(span=place), help=help_))

    def _pattern(self, path: PurePosixPath, argument: Argument) -> list[Origin] | None:
        """A pattern: none of the artifacts may be meant, since what else it takes isn't traced."""
        for artifact in self._build.event.workspace.carried:
            for place in (artifact, *artifact.parents):
                if fnmatchcase(place.as_posix(), path.as_posix()):
                    self._report(
                        rules.ARTIFACT_MIXED, f"the pattern `{argument.text}` takes the artifact `{artifact}`", argument
                    )
                    return None
            if path.parent == artifact or artifact in path.parents:
                self._report(
                    rules.ARTIFACT_MIXED,
                    f"the pattern `{argument.text}` looks into the artifact `{artifact}`",
                    argument,
                )
                return None
        return []

    def _origin(self, path: PurePosixPath, below: PurePosixPath, node: Artifact, argument: Argument) -> Origin:
        extraction = next(
            e
            for e in reversed(self._extractions)
            if e.container_number == node.container
            and e.landed is not None
            and (path == e.landed or e.landed in path.parents or _moved(e, node))
        )
        return Origin(
            argument=argument,
            host=path,
            below=below,
            builder=self._creates[node.container],
            source=node.source,
            extraction=extraction,
        )

    def _ignored(self, path: PurePosixPath) -> bool:
        return self._ignore is not None and self._ignore.ignores(path.relative_to(self._context).as_posix())

    def _expanded(self, argument: Argument, scope: Variables) -> str | None:
        """None also where the two builders may disagree, since the base's ENV isn't known (see scope.Variables)."""
        expansion = expand(argument.text, scope, self._build.dockerfile.escape)
        return None if set(expansion.used) & scope.assumed else expansion.text

    def _read_ignore(self) -> IgnoreFile | None:
        source = ignore_source(self._build)
        if source is None:
            return None
        ignore, found = read_ignore(source)
        self._diagnostics += found
        return ignore

    def _report(self, rule: Rule, message: str, argument: Argument, *, note: str | None = None) -> None:
        self._diagnostics.append(
            Diagnostic(rule=rule, message=message, primary=Label(span=argument.span), notes=(note,) if note else ())
        )


def _moved(extraction: Extraction, node: Artifact) -> bool:
    """Whether `extraction` brought `node`, whatever the host did to its name since."""
    source = in_container(extraction.source)
    return node.source == source or source in node.source.parents


def _short(text: str) -> str:
    first = text.split("\n", 1)[0]
    return first if len(first) <= 60 else first[:57] + "…"
