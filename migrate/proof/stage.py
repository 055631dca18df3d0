"""The instructions of a Dockerfile → the image they make, as an expression.

Rules: Dockerfile reference; BuildKit's dispatch (frontend/dockerfile/dockerfile2llb/convert.go); design of the two builders'
differences as measured in docs/landing.md. Where both builders do one thing with the same words, the words stand in the
expression.
"""

import json
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from migrate.dockerfile.expand import argument_pairs, environment_pairs
from migrate.dockerfile.instructions import Argument, Dockerfile, Instruction, Stage
from migrate.dockerfile.reader import read_dockerfile
from migrate.dockerfile.scope import PLATFORM_ARGUMENTS, PROXY_ARGUMENTS
from migrate.image import ImageReference
from migrate.proof import commands
from migrate.proof.aside import Aside, is_aside
from migrate.proof.contents import as_folder, assembled, joined, member, put, settled, stdout, unpacked
from migrate.proof.expressions import (
    At,
    Base,
    Changed,
    Command,
    Config,
    Content,
    Emptied,
    Exec,
    File,
    Files,
    Folders,
    Inline,
    Landing,
    Matching,
    Mounted,
    Packed,
    Repacked,
    Scratch,
    Setting,
    Stranger,
)
from migrate.proof.kinds import Facts, inside, is_folder
from migrate.proof.model import UnprovableError
from migrate.proof.symbols import Scope, expanded, known, mark
from migrate.provenance.commands import compresses
from migrate.source import SourceFile, Span

_PATTERN = re.compile(r"[*?\[]")
_ARCHIVE = re.compile(r"\.(?:tar|tgz|tbz2?|txz|tzst|tar\.\w+)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An image, and what instructions behind it need to know of it. `base` names the image from outside whose config counts where
    nothing is said, None for `scratch`; `arguments` are ARGs in force, `inherited` those of the stage it is made FROM. `aside` is
    what was put below ARTIFACTS. None stands for what the base image says."""

    files: Files
    root: Files
    base: str | None
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)
    inherited: Mapping[str, str] = field(default_factory=dict)
    directory: str = "/"
    user: str = ""
    shell: tuple[str, ...] = commands.SHELL
    volumes: tuple[str, ...] = ()
    command: Command | None = None
    entrypoint: Command | None = None
    has_command: bool = False
    reset: bool = False
    settings: Mapping[str, Setting] = field(default_factory=dict)
    triggers: tuple[tuple[str, Span], ...] = ()
    aside: Aside = field(default_factory=Aside)

    def stands(self, path: str, span: Span) -> Content:
        """What stands at `path`."""
        return self.aside.stands(path, span) or At(files=self.files, path=path, span=span)

    def config(self) -> Config:
        settings = dict(self.settings)
        found: dict[str, str] = {}
        if self.environment:
            found["ENV"] = json.dumps(list(self.environment.items()))
        if self.entrypoint is not None:
            found["ENTRYPOINT"] = _said(self.entrypoint)
        if self.has_command or self.reset:
            found["CMD"] = _said(self.command) if self.command is not None else "none"
        if self.volumes:
            found["VOLUME"] = " ".join(sorted(set(self.volumes)))
        if self.triggers:
            found["ONBUILD"] = json.dumps([t for t, _ in self.triggers])
        for name, value in found.items():
            span = settings[name].span if name in settings else None
            settings[name] = Setting(name=name, value=value, span=span)
        return Config(base=self.root, settings=tuple(settings[n] for n in sorted(settings)))


def _said(command: Command) -> str:
    return json.dumps([list(command.words), command.script, list(command.shell)])


class Context(Protocol):
    """What COPY takes from the build context."""

    def landings(self, source: str, place: "Place") -> list[Landing]:
        """Where the word `source` of a COPY puts what."""
        ...

    def shown(self, source: str, span: Span) -> Content:
        """What `RUN --mount=type=bind` shows of it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a COPY puts things, and how."""

    destination: str
    within: bool | None
    owner: str | None
    mode: str
    adds: bool
    facts: Facts
    span: Span
    flags: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()

    def landing(
        self,
        content: Content,
        *,
        owner: str = "0:0",
        name: str = "",
        below: str = "",
        contents: bool = False,
        exact: bool = False,
    ) -> Landing:
        """What lands, in normal form; with `below`, at that path within the destination. ADD unpacks an archive, and keeps its
        owners."""
        plain = self.adds and not contents and not below
        if plain and is_archive(content, name):
            content, owner, contents, plain = unpacked(content, self.span), "kept", True, False
        found = Landing(
            content=content,
            destination=joined(self.destination, below) if below else self.destination,
            owner=self.owner if self.owner is not None else owner,
            name=name,
            within=self.within,
            contents=contents,
            exact=exact,
            mode=self.mode,
            flags=(*self.flags, *(("unpacks",) if plain else ())),
            assumed=self.assumed,
            span=self.span,
        )
        return settled(found, self.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a build is given beside its Dockerfile. `arguments` are build arguments, `options` those of the build that RUN
    feels; `aside` whether ARTIFACTS is nobody's but a migration's; `images` gives an image that a word means, None for one
    from outside."""

    arguments: Mapping[str, str]
    platform: str
    options: tuple[str, ...]
    aside: bool
    context: Context
    images: Callable[[str, Span], Built | None]
    facts: Facts


def outside(reference: str, platform: str, span: Span | None) -> Built:
    """An image that the driver does not make."""
    parsed = ImageReference.parse(reference)
    name = str(parsed) if parsed is not None else reference
    files = Base(reference=name, platform=platform, span=span)
    return Built(
        files=files,
        root=files,
        base=name,
        directory=mark(f"working directory of {name}"),
        user=mark(f"user of {name}"),
        shell=(mark(f"shell of {name}"),) if not known(name) else commands.SHELL,
    )


def image_of(dockerfile: Dockerfile, stage: Stage, inputs: Inputs) -> Built:
    """The image of one stage. Raises UnprovableError."""
    return _Evaluation(dockerfile, inputs).stage(stage)


class _Evaluation:
    def __init__(self, dockerfile: Dockerfile, inputs: Inputs) -> None:
        self._dockerfile = dockerfile
        self._inputs = inputs
        self._stages: dict[int, Built] = {}
        self._global = self._global_scope()

    def _global_scope(self) -> Scope:
        declared = {n: self._inputs.arguments.get(n, mark(n)) for n in PLATFORM_ARGUMENTS}
        for instruction in self._dockerfile.global_arguments:
            before = Scope(declared=dict(declared))
            for name, default in argument_pairs(instruction):
                if name in self._inputs.arguments:
                    declared[name] = self._inputs.arguments[name]
                elif default is not None:
                    declared[name] = expanded(default, before, self._dockerfile.escape)
        return Scope(declared=declared)

    def stage(self, stage: Stage) -> Built:
        if stage.index not in self._stages:
            built = self._from(stage)
            for instruction in stage.instructions:
                built = self._after(built, instruction, stage)
            self._stages[stage.index] = built
        return self._stages[stage.index]

    def _from(self, stage: Stage) -> Built:
        text = expanded(stage.image.text, self._global, self._dockerfile.escape)
        flag = stage.instruction.flag("platform")
        platform = expanded(flag.value, self._global, self._dockerfile.escape) if flag and flag.value else ""
        span = stage.instruction.span
        local = self._named(text, stage.index, numbers=False)
        if local is not None:
            found = self.stage(local)
            inherited = {**found.inherited, **found.arguments}
        elif text.lower() == "scratch":
            empty = Scratch(span=span)
            found, inherited = Built(files=empty, root=empty, base=None), {}
        else:
            found, inherited = self._outside(text, platform, span), {}
        triggers = found.triggers
        built = replace(
            found,
            arguments={},
            inherited=inherited,
            triggers=(),
            has_command=False,
            reset=found.reset or found.has_command,
        )
        for trigger, place in triggers:
            built = self._after(built, _triggered(trigger, place, self._dockerfile.escape), stage)
        return built

    def _outside(self, text: str, platform: str, span: Span) -> Built:
        return self._inputs.images(text, span) or outside(text, platform or self._inputs.platform, span)

    def _named(self, text: str, before: int, *, numbers: bool) -> Stage | None:
        for stage in reversed(self._dockerfile.stages[:before]):
            if stage.name is not None and stage.name.text.lower() == text.lower():
                return stage
        if numbers and text.isdigit() and int(text) < before:
            return self._dockerfile.stages[int(text)]
        return None

    def _scope(self, built: Built) -> Scope:
        """The variables that expand. A name that is both ENV and ARG, with two values, is either's."""
        inherited = {n: mark(f"{n}: {v} or unset") for n, v in built.inherited.items()}
        declared = {**inherited, **built.arguments}
        for name, value in built.environment.items():
            other = declared.get(name, value)
            declared[name] = value if other == value else mark(f"{name}: ENV {value}, ARG {other}")
        return Scope(declared=declared, base=built.base)

    def _text(self, text: str, built: Built) -> str:
        return expanded(text, self._scope(built), self._dockerfile.escape)

    # instructions

    def _after(self, built: Built, instruction: Instruction, stage: Stage) -> Built:
        match instruction.keyword:
            case "ENV":
                return self._env(built, instruction)
            case "ARG":
                return self._arg(built, instruction)
            case "RUN":
                return self._run(built, instruction, stage)
            case "COPY" | "ADD":
                return self._copy(built, instruction, stage)
            case "WORKDIR":
                text = self._text(instruction.arguments[0].text, built)
                directory = joined(built.directory, text)
                files = folders(built.files, (directory,), built.user, instruction.span)
                # BuildKit of Docker 20.10 leaves the slash in the config (measured)
                said = directory + ("/" if text.endswith("/") and directory != "/" else "")
                setting = Setting(name="WORKDIR", value=said, span=instruction.span)
                return replace(built, files=files, directory=directory, settings={**built.settings, "WORKDIR": setting})
            case _:
                return self._configured(built, instruction)

    def _configured(self, built: Built, instruction: Instruction) -> Built:
        """Instructions that only change the config."""
        span = instruction.span
        texts = [self._text(a.text, built) for a in instruction.arguments]
        settings = dict(built.settings)

        def said(name: str, value: str) -> Mapping[str, Setting]:
            return {**settings, name: Setting(name=name, value=value, span=span)}

        match instruction.keyword:
            case "USER":
                return replace(built, user=texts[0], settings=said("USER", texts[0]))
            case "SHELL":
                shell = tuple(a.text for a in instruction.arguments)
                return replace(built, shell=shell, settings=said("SHELL", json.dumps(shell)))
            case "VOLUME":
                volumes = (*built.volumes, *(joined("/", t) for t in texts))
                return replace(built, volumes=volumes, settings=said("VOLUME", ""))
            case "CMD":
                command = _declared(instruction, built)
                return replace(built, command=command, has_command=True, settings=said("CMD", ""))
            case "ENTRYPOINT":
                entrypoint = _declared(instruction, built)
                kept = built.command if built.has_command else None
                return replace(built, entrypoint=entrypoint, command=kept, reset=True, settings=said("ENTRYPOINT", ""))
            case "ONBUILD":
                return replace(
                    built, triggers=(*built.triggers, (instruction.text, span)), settings=said("ONBUILD", "")
                )
            case "LABEL" | "EXPOSE":
                return replace(built, settings={**settings, **self._named_settings(built, instruction)})
            case "HEALTHCHECK":
                flags = sorted(f"{f.name}={f.value}" for f in instruction.flags)
                value = json.dumps([flags, [a.text for a in instruction.arguments], list(built.shell)])
                return replace(built, settings=said("HEALTHCHECK", value))
            case keyword:  # STOPSIGNAL, and MAINTAINER, which an image's config has as its author
                return replace(built, settings=said(keyword, " ".join(texts)))

    def _named_settings(self, built: Built, instruction: Instruction) -> Mapping[str, Setting]:
        """LABEL and EXPOSE: each name is a field of its own."""
        if instruction.keyword == "LABEL":
            pairs = [(self._text(k, built), self._text(v, built)) for k, v in environment_pairs(instruction)]
        else:
            ports = [self._text(a.text, built) for a in instruction.arguments]
            pairs = [(p if "/" in p or not known(p) else f"{p}/tcp", "") for p in ports]
        names = ((f"{instruction.keyword} {name}", value) for name, value in pairs)
        return {name: Setting(name=name, value=value, span=instruction.span) for name, value in names}

    def _env(self, built: Built, instruction: Instruction) -> Built:
        environment = dict(built.environment)
        for key, value in environment_pairs(instruction):
            environment[self._text(key, built)] = self._text(value, built)
        arguments = {n: v for n, v in built.arguments.items() if n not in environment}
        inherited = {n: v for n, v in built.inherited.items() if n not in environment}
        setting = Setting(name="ENV", value="", span=instruction.span)
        return replace(
            built,
            environment=environment,
            arguments=arguments,
            inherited=inherited,
            settings={**built.settings, "ENV": setting},
        )

    def _arg(self, built: Built, instruction: Instruction) -> Built:
        arguments = dict(built.arguments)
        for name, default in argument_pairs(instruction):
            if name in self._inputs.arguments:
                arguments[name] = self._inputs.arguments[name]
            elif default is not None:
                arguments[name] = self._text(default, built)
            elif name in self._global.declared and name not in PLATFORM_ARGUMENTS:
                arguments[name] = self._global.declared[name]
            elif name in PLATFORM_ARGUMENTS:
                arguments[name] = mark(name)
            elif name in arguments:
                # BuildKit keeps the value of an ARG before, the classic builder drops it
                arguments[name] = mark(f"{name}: {arguments[name]} or unset")
        return replace(built, arguments=arguments)

    # RUN

    def environment(self, built: Built) -> tuple[tuple[str, str], ...]:
        """The variables that a RUN sees on top of the base image's."""
        found = {n: v for n, v in self._inputs.arguments.items() if n in PROXY_ARGUMENTS}
        # BuildKit hands a stage's ARGs to the stages made FROM it, the classic builder doesn't
        found |= {f"{n}?": v for n, v in built.inherited.items() if n not in built.arguments}
        found |= built.arguments
        for name, value in built.environment.items():
            # an ENV may lose to a proxy argument under BuildKit, which puts both into the command's environment
            other = found.get(name, value)
            found[name] = value if other == value else mark(f"{name}: ENV {value}, ARG {other}")
        return tuple(sorted(found.items()))

    def _run(self, built: Built, instruction: Instruction, stage: Stage) -> Built:
        span = instruction.span
        documents = tuple(json.dumps([d.name, d.expands, d.body]) for d in instruction.here_documents)
        if instruction.json:
            command = commands.of_words(tuple(a.text for a in instruction.arguments), span)
            made = commands.only_folders(command) if not instruction.flags else ()
            files = (
                folders(built.files, made, built.user, span) if made else self._exec(built, command, instruction, stage)
            )
            return replace(built, files=files)
        # what a mount holds is gone behind the command, so a RUN with flags stays whole
        whole = bool(documents or instruction.flags) or not commands.is_posix(built.shell)
        whole = whole or (not self._inputs.aside and commands.names_artifacts(instruction.text))
        parts = (commands.Runs(text=instruction.text),) if whole else commands.read_parts(instruction.text)
        for part in parts:
            built = self._part(built, part, instruction, stage, documents)
        return built

    def _exec(self, built: Built, command: Command, instruction: Instruction, stage: Stage) -> Exec:
        options = tuple(f"{f.name}={f.value}" for f in instruction.flags if f.name != "mount")
        return Exec(
            files=built.files,
            command=command,
            environment=self.environment(built),
            directory=built.directory,
            user=built.user,
            volumes=built.volumes,
            mounts=tuple(
                self._mount(f.value or "", built, stage, f.span) for f in instruction.flags if f.name == "mount"
            ),
            options=tuple(sorted((*self._inputs.options, *options))),
            span=instruction.span,
        )

    def _mount(self, text: str, built: Built, stage: Stage, span: Span) -> Mounted:
        fields = dict(p.partition("=")[::2] for p in self._text(text, built).split(","))
        kind = fields.get("type", "bind")
        source = fields.get("source", fields.get("src", ""))
        origin = fields.pop("from", None)
        shown: Content | None = None
        if origin is not None:
            shown = self._image(origin, stage, span).stands(joined("/", source), span)
        elif kind == "bind":
            shown = self._inputs.context.shown(source, span)
            fields.pop("source", None)
            fields.pop("src", None)
        said = ",".join(f"{k}={v}" for k, v in sorted(fields.items()))
        return Mounted(text=said, shown=shown, span=span)

    def _part(
        self, built: Built, part: commands.Part, instruction: Instruction, stage: Stage, documents: tuple[str, ...]
    ) -> Built:
        span, root, aside = instruction.span, is_root(built.user), built.aside
        match part:
            case commands.Runs(text=text):
                if self._inputs.aside and commands.names_artifacts(text):
                    raise UnprovableError(f"what this does in `{commands.ARTIFACTS}` is not known", span)
                command = commands.of_script(text, built.shell, span, documents)
                return replace(built, files=self._exec(built, command, instruction, stage))
            case commands.Clears(path=path) if root:
                return replace(built, files=Emptied(files=built.files, path=path, span=span))
            case commands.Clears(path=path):
                command = commands.of_script(f"rm -rf {path}/* {path}/.[!.]*", built.shell, span)
                return replace(built, files=self._exec(built, command, instruction, stage))
            case commands.MakesFolders(paths=paths):
                for path in filter(is_aside, paths):
                    aside = aside.made(joined("/", path), root=root, span=span)
                own = tuple(joined("/", p) for p in paths if not is_aside(p))
                return replace(built, files=self._made(built, own, instruction, stage), aside=aside)
            case commands.Opens(paths=paths):
                for path in filter(is_aside, paths):
                    aside = aside.opened(path, root=root, span=span)
                own = tuple(p for p in paths if not is_aside(p))
                return replace(built, files=self._opened(built, own, instruction, stage), aside=aside)
            case commands.Prints(text=text, target=target):
                first, *filters = commands.piped(text)
                ran = self._exec(built, commands.of_script(first, built.shell, span), instruction, stage)
                content = stdout(ran)
                for each in filters:
                    content = Changed(content=content, words=commands.plain_words(each) or (each,), span=span)
                # whatever else it did holds for what follows in the stage
                return replace(built, files=ran, aside=aside.put(target, content, root=root, span=span, over=True))
            case _:
                return replace(built, aside=self._aside(built, part, span, root=root))

    def _made(self, built: Built, paths: tuple[str, ...], instruction: Instruction, stage: Stage) -> Files:
        """After `mkdir -p`, which not everybody can do."""
        if is_root(built.user) or not paths:
            return folders(built.files, paths, built.user, instruction.span)
        command = commands.of_script(f"mkdir -p {' '.join(paths)}", built.shell, instruction.span)
        return self._exec(built, command, instruction, stage)

    def _opened(self, built: Built, paths: tuple[str, ...], instruction: Instruction, stage: Stage) -> Files:
        """After `chmod 777` of folders; of those that were made right ahead it is known what they are."""
        files = built.files
        if not paths:
            return files
        if isinstance(files, Folders) and set(paths) <= set(files.paths) and is_root(built.user):
            return replace(files, owner=f"{files.owner}, {' '.join(paths)} open to anyone")
        command = commands.of_script(f"chmod 777 {' '.join(paths)}", built.shell, instruction.span)
        return self._exec(built, command, instruction, stage)

    def _aside(self, built: Built, part: commands.Part, span: Span, *, root: bool) -> Aside:
        """What stands below ARTIFACTS after a command that only works there."""
        aside = built.aside
        match part:
            case commands.PutsAside(source=source, target=target, contents=contents, at_once=at_once):
                content = built.stands(joined("/", source), span)
                content = replace(content, saved=True) if isinstance(content, At) and at_once else content
                if not root:
                    content = Changed(content=content, words=("as", built.user), span=span)
                if contents:
                    return aside.filled(target, content, root=root, span=span)
                inner = target in aside.folders
                path = joined(target, posixpath.basename(source)) if inner else target
                return aside.put(path, content, root=root, span=span)
            case commands.Unpacks(archive=archive, folder=folder):
                found = Repacked(content=unpacked(built.stands(archive, span), span), span=span)
                return aside.filled(folder, found, root=root, span=span)
            case commands.Drops(path=path):
                return aside.without(path, root=root, span=span)
            case commands.Gathers(folder=folder, members=members, target=target):
                place = built.stands(joined("/", folder), span)
                named = (posixpath.normpath(m) for m in members)
                gathered = assembled(tuple((m, member(place, m)) for m in named), span)
                return aside.filled(target, gathered, root=root, span=span)
            case commands.Alters(words=words, source=source, target=target):
                changed = Changed(content=built.stands(source, span), words=words, span=span)
                if is_aside(source):
                    aside = aside.without(source, root=root, span=span)
                return aside.put(target, changed, root=root, span=span)
            case _:
                raise TypeError(part)

    # COPY

    def _image(self, text: str, stage: Stage, span: Span) -> Built:
        local = self._named(text, stage.index, numbers=True)
        return self.stage(local) if local is not None else self._outside(text, "", span)

    def _copy(self, built: Built, instruction: Instruction, stage: Stage) -> Built:
        *sources, destination = instruction.arguments
        several = len(sources) > 1 or any(_PATTERN.search(a.text) for a in sources)
        text = self._text(destination.text, built)
        end = joined(built.directory, text)
        within = True if several or text.endswith(("/", "/.")) or text in (".", "..") else None
        if within is None and is_folder(built.files, end):
            within = True
        plain = several and not (text.endswith(("/", "/.")) or text in (".", ".."))
        chown, chmod = instruction.flag("chown"), instruction.flag("chmod")
        origin = instruction.flag("from")
        owner = self._text(chown.value, built) if chown is not None and chown.value else None
        flags = tuple(
            sorted(f"{f.name}={f.value}" for f in instruction.flags if f.name not in ("from", "chown", "chmod"))
        )
        # several sources and a name without a slash: a folder, a file or a failure, by the builder and the image
        flags = (*flags, "together under one name") if plain else flags
        place = Place(
            destination=end,
            within=within,
            owner=_both(owner),
            mode=self._text(chmod.value, built) if chmod is not None and chmod.value else "",
            adds=instruction.keyword == "ADD",
            facts=self._inputs.facts,
            span=instruction.span,
            flags=flags,
        )
        landings: list[Landing] = []
        documents = {d.name: d for d in instruction.here_documents}
        for argument in sources:
            source = (
                argument.text if instruction.json and "$" not in argument.text else self._text(argument.text, built)
            )
            here = re.fullmatch(r"<<-?[\"']?(\w+)[\"']?", argument.text)
            if here is not None and here[1] in documents:
                document = documents[here[1]]
                body = self._text(document.body, built) if document.expands else document.body
                landings.append(place.landing(Inline(text=body), name=here[1]))
            elif origin is not None and origin.value is not None:
                image = self._image(self._text(origin.value, built), stage, origin.span)
                landings += self._from_image(image, source, place)
            elif instruction.keyword == "ADD" and re.match(r"(?:https?|ftp|git)(?:://|@)", source):
                landings.append(
                    place.landing(Stranger(origin=source, span=argument.span), name=posixpath.basename(source))
                )
            else:
                assumed = self._assumed(argument, built)
                landings += self._inputs.context.landings(source, replace(place, assumed=assumed))
        return replace(built, files=put(built.files, tuple(landings), instruction.span))

    def _assumed(self, argument: Argument, built: Built) -> tuple[str, ...]:
        """ARGs in a word, of which the base image may have an ENV."""
        if built.base is None:
            return ()
        names = re.findall(r"\$\{?(\w+)", argument.text)
        return tuple(n for n in names if n in built.arguments and n not in built.environment)

    def _from_image(self, image: Built, source: str, place: Place) -> list[Landing]:
        path = joined("/", source)
        if _PATTERN.search(path):
            parts = path.split("/")
            first = next(i for i, p in enumerate(parts) if _PATTERN.search(p))
            inside = image.stands("/".join(parts[:first]) or "/", place.span)
            found = Matching(content=as_folder(inside), pattern="/".join(parts[first:]), span=place.span)
            return [place.landing(found, owner="kept")]
        content = image.stands(path, place.span)
        whole = source.endswith(("/", "/.")) or path == "/"
        return [place.landing(content, owner="kept", name=posixpath.basename(path), contents=whole)]


def folders(files: Files, paths: tuple[str, ...], owner: str, span: Span | None) -> Files:
    """Folders that are there from now on; one that lies above another is there with it."""
    new = {p for p in paths if p != "/"}
    if not new:
        return files
    if isinstance(files, Folders) and files.owner == owner:
        new |= set(files.paths)
        files = files.files
    lowest = tuple(sorted(p for p in new if not any(inside(other, p) for other in new)))
    return Folders(files=files, paths=lowest, owner=owner, span=span)


def is_archive(content: Content, name: str) -> bool:
    """Whether ADD surely takes a file for a tar, compressed or not: by what made it, or by its name."""
    match content:
        case Packed():
            return True
        case Changed(content=inner, words=words) if compresses(list(words)):
            return is_archive(inner, name)
        case File() | Inline():
            return False
        case _:
            return _ARCHIVE.search(name) is not None


def is_root(user: str) -> bool:
    """Whether a user is root; one that the base image names is taken to be."""
    return not known(user) or user.partition(":")[0] in ("", "root", "0")


def _both(owner: str | None) -> str | None:
    """A number alone is user and group (Dockerfile reference, "COPY --chown")."""
    return f"{owner}:{owner}" if owner is not None and re.fullmatch(r"\d+", owner) else owner


def _declared(instruction: Instruction, built: Built) -> Command:
    """CMD or ENTRYPOINT as the config holds it."""
    if instruction.json:
        return Command(words=tuple(a.text for a in instruction.arguments), span=instruction.span)
    return Command(script=instruction.text, shell=built.shell, span=instruction.span)


def _triggered(trigger: str, place: Span, escape: str) -> Instruction:
    """The instruction that an ONBUILD says."""
    head = "FROM scratch\n" if escape == "\\" else f"# escape={escape}\nFROM scratch\n"
    whole = SourceFile.derived(place.file.path, [(head, place, False), (trigger, place, False)])
    read, _ = read_dockerfile(whole)
    if read is None:
        raise UnprovableError("what this ONBUILD says can't be read", place)
    return read.stages[0].instructions[0]
