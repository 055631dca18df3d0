"""What the words of a COPY or ADD take of a build context: files of the repository, artifacts, or both."""

import posixpath
import re
import shlex
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Label, Rule, at
from migrate.discover import EntryKind
from migrate.dockerfile.expand import expand
from migrate.dockerfile.ignore import IgnoreFile
from migrate.dockerfile.instructions import Argument, Instruction, Stage
from migrate.dockerfile.scope import Variables, stage_variables
from migrate.provenance.images import ARTIFACTS, Images
from migrate.provenance.model import ArtifactCopy, Build, Line, MadeStage, Origin, Place
from migrate.provenance.streams import Streams, without_filters
from migrate.source import Span
from migrate.trace.archives import tar_words
from migrate.trace.events import ContainerRun, Extraction, Trace
from migrate.trace.paths import in_container
from migrate.trace.workspace import Altered, Artifact, Changed, Made, Node, Streamed, from_container

_IN_THE_BUILDER = "do this in the builder's Dockerfile, then run ms-migrate again"
_ARCHIVE = re.compile(r"\.(?:tar|tgz|tbz2?|txz|tzst|tar\.\w+)$", re.IGNORECASE)
_IN_A_STAGE = frozenset({"chmod", "strip", "gzip", "xz", "bzip2", "cp", "install", "find"})


class Sources:
    """Goes through the COPYs of one build's Dockerfile."""

    def __init__(
        self, build: Build, ignore: IgnoreFile | None, trace: Trace, images: Images, diagnostics: list[Diagnostic]
    ) -> None:
        self._build = build
        self._ignore = ignore
        self._trace = trace
        self._images = images
        self._streams = Streams(trace, images)
        self._diagnostics = diagnostics
        self._context = build.context

    def copies(self) -> list[ArtifactCopy]:
        found = []
        for stage in self._build.dockerfile.stages:
            scopes = stage_variables(self._build.dockerfile, stage, self._build.given())
            for instruction, scope in zip(stage.instructions, scopes, strict=True):
                if instruction.keyword not in ("COPY", "ADD") or instruction.flag("from") or instruction.here_documents:
                    continue
                copy = self._copy(stage, instruction, scope)
                if copy is not None:
                    found.append(copy)
        return found

    def _copy(self, stage: Stage, instruction: Instruction, scope: Variables) -> ArtifactCopy | None:
        *sources, destination = instruction.arguments
        origins: list[Origin] = []
        others: list[Argument] = []
        for argument in sources:
            found = self._source(argument, instruction, scope)
            if found is None:
                return None
            taken, rest = found
            origins += taken
            if rest:
                others.append(argument)
        if not origins:
            return None
        return ArtifactCopy(
            build=self._build.number,
            stage=stage,
            instruction=instruction,
            destination=destination,
            origins=tuple(origins),
            others=tuple(others),
        )

    def _source(
        self, argument: Argument, instruction: Instruction, scope: Variables
    ) -> tuple[list[Origin], bool] | None:
        """The artifacts that one source word takes, and whether it takes other files too; None where that can't be said."""
        if instruction.keyword == "ADD" and "://" in argument.text:
            return [], True
        text = argument.text if instruction.json and "$" not in argument.text else self._expanded(argument, scope)
        workspace = self._build.workspace
        if text is None:
            if workspace.carried or workspace.shares or self._build.tree is not None:
                self._report(rules.COPY_PATH_UNKNOWN, f"what `{argument.text}` comes to is not known", argument)
                return None
            return [], True
        cleaned = posixpath.normpath(posixpath.join("/", text)).lstrip("/")
        if self._build.tree is not None:
            return self._in_tree(argument, cleaned, text)
        path = self._context / cleaned
        if any(c in cleaned for c in "*?["):
            return self._pattern(path, argument, instruction)
        share = workspace.share(path)
        node = workspace.node(path)
        if share is not None:
            node = Artifact(container=share.container, source=share.target / path.relative_to(share.host))
        if node is not None and not isinstance(node, EntryKind) and from_container(node):
            return self._single(path, node, argument, instruction)
        return self._directory(path, argument, instruction)

    def _in_tree(self, argument: Argument, cleaned: str, text: str) -> tuple[list[Origin], bool]:
        """A word of a Dockerfile whose context is a tar out of a container."""
        tree = self._build.tree
        assert tree is not None  # noqa: S101 -- asked by the caller
        pattern = PurePosixPath(cleaned) if any(c in cleaned for c in "*?[") else None
        path = PurePosixPath(cleaned) if pattern is None else PurePosixPath()
        place = tree.member(path)
        if place is None:
            whole = self._streams.whole(tree)
            place = Place(image=whole.image, path=whole.path / path)
        origin = Origin(
            argument=argument,
            host=PurePosixPath(cleaned),
            below=PurePosixPath(),
            place=place,
            span=self._build.event.span,
            folder=True if cleaned in ("", ".") or text.endswith("/") else None,
            contents=cleaned in ("", "."),
            keeps_owners=True,
            pattern=pattern,
        )
        return [origin], False

    def _single(
        self, path: PurePosixPath, node: Node, argument: Argument, instruction: Instruction
    ) -> tuple[list[Origin], bool] | None:
        below_context = path.relative_to(self._context).as_posix()
        if self._ignore is not None and self._ignore.ignores(below_context):
            self._report(rules.ARTIFACT_MISSED, f"the ignore file keeps `{below_context}` from this build", argument)
            return None
        workspace = self._build.workspace
        if any(path in p.parents for p in workspace.overlay):
            self._report(rules.ARTIFACT_MIXED, f"`{argument.text}` holds files of more than one origin", argument)
            return None
        deep = isinstance(node, Artifact) and path not in workspace.overlay and workspace.share(path) is None
        if argument.text.endswith("/.") and deep:
            self._report(rules.COPY_PATH_UNKNOWN, f"whether `{argument.text}` is a folder is not known", argument)
            return None
        origin = self._origin(path, PurePosixPath(), node, argument, instruction)
        return None if origin is None else ([origin], False)

    def _directory(
        self, path: PurePosixPath, argument: Argument, instruction: Instruction
    ) -> tuple[list[Origin], bool] | None:
        """A directory of the context: its artifacts, and whether there is anything else in it."""
        workspace = self._build.workspace
        held = dict(workspace.below(path))
        for share in workspace.shares:
            if path in share.host.parents and workspace.share(share.host) is share:
                held = {p: n for p, n in held.items() if share.host not in p.parents}
                held[share.host] = Artifact(container=share.container, source=share.target)
        artifacts = [
            (p, n)
            for p, n in sorted(held.items())
            if not isinstance(n, EntryKind) and from_container(n) and not self._ignored(p)
        ]
        if not artifacts:
            return [], True
        places = [p for p, _ in artifacts]
        if any(a in p.parents for a in places for p in workspace.overlay):
            self._report(rules.ARTIFACT_MIXED, f"`{argument.text}` holds files of more than one origin", argument)
            return None
        empty = [p for p, n in held.items() if isinstance(n, Made) or n is EntryKind.DIRECTORY]
        others = [p for p in held if p not in places and p not in empty and not self._ignored(p)]
        bare = [
            p
            for p in empty
            if not self._ignored(p)
            and not any(p in a.parents for a in places)
            and not any(p in o.parents for o in others)
        ]
        origins = []
        for place, node in artifacts:
            origin = self._origin(place, place.relative_to(path), node, argument, instruction)
            if origin is None:
                return None
            origins.append(origin)
        if bare and not others:
            message = f"`{argument.text}` takes the empty folder `{bare[0]}` together with artifacts"
            self._report(rules.ARTIFACT_MIXED, message, argument)
            return None
        return origins, bool(others)

    def _pattern(
        self, path: PurePosixPath, argument: Argument, instruction: Instruction
    ) -> tuple[list[Origin], bool] | None:
        """A pattern: artifacts that match it, or what of an artifact's folder does."""
        workspace = self._build.workspace
        fixed = next(p for p in path.parents if not any(c in p.as_posix() for c in "*?["))
        rest = path.relative_to(fixed)
        node = workspace.node(fixed)
        share = workspace.share(fixed)
        if share is not None:
            node = Artifact(container=share.container, source=share.target / fixed.relative_to(share.host))
        if node is not None and not isinstance(node, EntryKind) and from_container(node):
            inner = [p for p in workspace.overlay if fixed in p.parents]
            origin = self._origin(fixed, PurePosixPath(), node, argument, instruction, pattern=rest)
            if origin is None or inner:
                if inner:
                    self._report(
                        rules.ARTIFACT_MIXED, f"`{argument.text}` matches files of more than one origin", argument
                    )
                return None
            return [origin], False
        if any(path.parent == c or c in path.parents for c in workspace.carried) or any(
            fixed in s.host.parents and len(rest.parts) > 1 for s in workspace.shares
        ):
            self._report(rules.ARTIFACT_MIXED, f"the pattern `{argument.text}` looks into an artifact", argument)
            return None
        matching = [
            (p, n)
            for p, n in workspace.below(fixed)
            if len(p.parts) == len(path.parts)
            and all(fnmatchcase(a, b) for a, b in zip(p.parts, path.parts, strict=True))
            and not self._ignored(p)
        ]
        origins, others = [], False
        for found, inner_node in matching:
            if not isinstance(inner_node, EntryKind) and from_container(inner_node):
                origin = self._origin(found, PurePosixPath(), inner_node, argument, instruction)
                if origin is None:
                    return None
                origins.append(origin)
            else:
                below = self._directory(found, argument, instruction)
                if below is None or below[0]:
                    self._report(
                        rules.ARTIFACT_MIXED, f"the pattern `{argument.text}` takes a folder with artifacts", argument
                    )
                    return None
                others = True
        return origins, others or not origins

    # origins

    def _origin(
        self,
        path: PurePosixPath,
        below: PurePosixPath,
        node: Node,
        argument: Argument,
        instruction: Instruction,
        *,
        pattern: PurePosixPath | None = None,
    ) -> Origin | None:
        unpacks = instruction.keyword == "ADD" and pattern is None and below == PurePosixPath()
        if unpacks and (tree := self._unpacked(path, node)) is not None:
            return Origin(
                argument=argument,
                host=path,
                below=below,
                place=tree,
                span=self._came(path, node),
                folder=True,
                contents=True,
                keeps_owners=True,
            )
        taken = self._taken(path, node, argument)
        if taken is None:
            return None
        place, contents, span, folder = taken
        return Origin(
            argument=argument,
            host=path,
            below=below,
            place=place,
            span=span,
            folder=folder,
            contents=contents,
            pattern=pattern,
        )

    def _unpacked(self, path: PurePosixPath, node: Node) -> Place | None:
        """The tree that ADD unpacks where the file is an archive; None where it is none."""
        match node:
            case Streamed(stream=stream):
                return self._streams.folder(stream, _stem(path))
            case Altered(base=(Streamed(stream=stream),), command=command) if _first(command) in (
                "gzip",
                "xz",
                "bzip2",
            ):
                self._images.used.add(node.span)
                return self._streams.folder(without_filters(stream), _stem(path))
            case Artifact(container=container, source=source) if _ARCHIVE.search(path.name):
                image = self._images.container(container)
                if image is None:
                    return None
                place = self._images.place(image, source)
                folder = ARTIFACTS / _stem(path)
                option = "z" if path.name.endswith("gz") else "J" if path.name.endswith("xz") else ""
                option = "j" if re.search(r"\.(?:tbz2?|bz2)$", path.name) else option
                text = f"RUN mkdir -p {folder} && tar -x{option}f {shlex.quote(str(place.path))} -C {folder}"
                steps = (*self._images.as_root(image), Line(text=text))
                stage = MadeStage(base=image, steps=steps, hint=_stem(path), span=self._came(path, node))
                return Place(image=stage, path=folder)
            case _:
                return None

    def _taken(
        self, path: PurePosixPath, node: Node, argument: Argument
    ) -> tuple[Place, bool, Span, bool | None] | None:
        """Place, whether its contents land in the destination, the command that brought it, whether it is a folder (None: not
        known)."""
        match node:
            case Artifact(container=container, source=source):
                image = self._images.container(container)
                if image is None:
                    return None
                extraction = self._extraction(path, node)
                slash = (
                    extraction is not None
                    and extraction.source.endswith(("/", "/."))
                    and in_container(extraction.source) == source
                )
                shared = any(s.container == container and s.target == source for s in self._build.workspace.shares)
                mounted = self._images.place(image, source)
                if shared:
                    self._hides(mounted, argument)
                return mounted, shared, self._came(path, node), slash or shared or None
            case Streamed(stream=stream):
                place = self._streams.file(stream, path.name)
                return (place, False, stream.span, False) if place is not None else None
            case Altered(base=(Streamed(stream=stream),), command=command) if _first(command) == "tar":
                words = tar_words(shlex.split(command)[1:])
                if words is None or "strip" in command or words[3]:
                    self._report_altered(path, node, argument)
                    return None
                place = self._streams.folder(stream, _stem(path))
                self._images.used.add(node.span)
                return (place, True, node.span, True) if place is not None else None
            case Altered(sure=True) if _first(node.command) in _IN_A_STAGE:
                return self._in_a_stage(path, node, argument)
            case _:
                self._report_altered(path, node, argument)
                return None

    def _in_a_stage(
        self, path: PurePosixPath, node: Altered, argument: Argument
    ) -> tuple[Place, bool, Span, bool | None] | None:
        """A command of the host that changed an artifact, done in a stage on a copy of it."""
        bases = [b for b in node.base if not isinstance(b, EntryKind)]
        finds = _first(node.command) == "find"
        words = shlex.split(node.command) if finds else _words(node.command)
        if len(bases) != 1 or words is None or not from_container(bases[0]):
            self._report_altered(path, node, argument)
            return None
        named = [i for i, w in enumerate(words) if i and not w.startswith("-")]
        operands = [1] if finds else named[1:] if words[0] == "chmod" else named
        suffix = {"gzip": ".gz", "xz": ".xz", "bzip2": ".bz2"}.get(words[0], "")
        before = path.with_name(path.name.removesuffix(suffix)) if suffix else path
        two = words[0] in ("cp", "install")
        wrong = len(operands) != (2 if two else 1) or (suffix and not path.name.endswith(suffix))
        odd = not finds and any(w.startswith("-") and re.search(r"[rRod]", w) for w in words[1:])
        if wrong or odd or "$" in node.command:
            self._report_altered(path, node, argument)
            return None
        inner = self._taken(before, bases[0], argument)
        if inner is None:
            return None
        self._images.used.add(node.span)
        place = inner[0]
        regular = False if suffix or words[0] in ("strip", "cp", "install") else inner[3]
        target = ARTIFACTS / before.name
        if two:
            words[operands[0]], words[operands[1]] = str(place.path), str(target)
            command = shlex.join(words)
        else:
            words[operands[0]] = str(target)
            copied = f"cp -a {shlex.quote(str(place.path))} {shlex.quote(str(target))} && "
            command = ("" if place.path == target else copied) + shlex.join(words)
        stage = MadeStage(
            base=place.image,
            steps=(*self._images.as_root(place.image), Line(text=f"RUN mkdir -p {ARTIFACTS} && {command}")),
            hint=_stem(path),
            span=node.span,
        )
        self._images.report(rules.HOST_COMMAND_IN_STAGE, f"`{_short(node.command)}` is run in a stage", node.span)
        return Place(image=stage, path=target.with_name(target.name + suffix)), False, node.span, regular

    def _extraction(self, path: PurePosixPath, node: Artifact) -> Extraction | None:
        source = node.source
        found = [e for e in self._trace.events if isinstance(e, Extraction) and e.container_number == node.container]
        near = [e for e in found if e.landed is not None and (path == e.landed or e.landed in path.parents)]
        moved = [e for e in found if in_container(e.source) == source or in_container(e.source) in source.parents]
        both = [e for e in near if e in moved]
        result = next(reversed(both or near or moved), None)
        if result is not None:
            self._images.used.add(result.span)
        return result

    def _hides(self, place: Place, argument: Argument) -> None:
        """A folder that is taken whole out of a mount has in the stage what the image had there too, unless that was cleared."""
        steps = place.image.steps if isinstance(place.image, MadeStage) else ()
        cleared = f"RUN rm -rf {place.path}/* "
        if not any(isinstance(s, Line) and s.text.startswith(cleared) for s in steps):
            message = (
                f"the image is taken to have nothing at `{place.path}`, which the mounted folder would have hidden"
            )
            self._diagnostics.append(at(rules.MOUNT_ASSUMED_EMPTY, message, argument.span))

    def _came(self, path: PurePosixPath, node: Node) -> Span:
        match node:
            case Artifact(container=container):
                extraction = self._extraction(path, node)
                if extraction is not None:
                    return extraction.span
                runs = [
                    e for e in self._trace.events if isinstance(e, ContainerRun) and e.container.number == container
                ]
                return runs[0].span if runs else self._build.event.span
            case Streamed(stream=stream):
                return stream.span
            case Altered(span=span):
                return span
            case _:
                return self._build.event.span

    def _report_altered(self, path: PurePosixPath, node: Node | EntryKind, argument: Argument) -> None:
        """An artifact that is no longer what came out of the container."""
        message = f"`{argument.text}` takes `{path}`, which came out of a container and was changed on its way"
        place, rule = argument.span, rules.COMMAND_TOUCHES_ARTIFACT
        help_: str | None = _IN_THE_BUILDER
        if isinstance(node, Altered):
            verb = "changes" if node.sure else "is not traced and may change"
            message, place = f"`{_short(node.command)}` {verb} the artifact `{path}` on its way", node.span
        elif isinstance(node, Changed) and node.joined:
            message = f"`{argument.text}` takes the artifact `{path}`, which only some ways through the script extract"
            rule, help_ = rules.RUNS_CONDITIONALLY, None
        self._diagnostics.append(Diagnostic(rule=rule, message=message, primary=Label(span=place), help=help_))

    def _ignored(self, path: PurePosixPath) -> bool:
        return self._ignore is not None and self._ignore.ignores(path.relative_to(self._context).as_posix())

    def _expanded(self, argument: Argument, scope: Variables) -> str | None:
        """Where the two builders may disagree, since the base's ENV isn't known (see scope.Variables), that is said."""
        expansion = expand(argument.text, scope, self._build.dockerfile.escape)
        assumed = sorted(set(expansion.used) & scope.assumed)
        workspace = self._build.workspace
        if assumed and expansion.text is not None and (workspace.carried or workspace.shares):
            message = f"`{assumed[0]}` is taken from ARG: with the classic builder an ENV of the base image would win"
            self._report(rules.ARGUMENT_ASSUMED, message, argument)
        return expansion.text

    def _report(self, rule: Rule, message: str, argument: Argument) -> None:
        found = at(rule, message, argument.span)
        if found not in self._diagnostics:
            self._diagnostics.append(found)


def _words(command: str) -> list[str] | None:
    if re.search(r"[;&|<>`(\n*?]", command):
        return None
    try:
        return shlex.split(command)
    except ValueError:
        return None


def _first(command: str) -> str:
    return command.split(maxsplit=1)[0] if command.split() else ""


def _stem(path: PurePosixPath) -> str:
    """A name for a stage and a folder: the file's, without what stands behind its first dot."""
    return re.sub(r"[^\w-]", "-", path.name.partition(".")[0]).strip("-") or "tree"


def _short(text: str) -> str:
    first = text.split("\n", 1)[0]
    return first if len(first) <= 60 else first[:57] + "…"
