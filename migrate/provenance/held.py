"""Which file of the repository an image has at a path: what COPY brought, and what `cp` and `mv` made of it since."""

import itertools
import json
import posixpath
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from migrate.dockerfile.expand import expand
from migrate.dockerfile.instructions import Instruction, Stage
from migrate.dockerfile.scope import Variables, base_stage, global_variables, stage_variables, working_directory
from migrate.provenance.ignores import ignore_of
from migrate.provenance.images import Images, same_image
from migrate.provenance.model import Build, BuiltImage, ContextCopy, Image, Line, MadeStage, StageCopy
from migrate.trace.paths import in_container
from migrate.trace.values import Value
from migrate.trace.workspace import Workspace

_ARCHIVE = re.compile(r"\.(?:tar|tgz|tbz2?|txz|tzst|tar\.\w+)$", re.IGNORECASE)
_BRANCHES = re.compile(r"\|\||<<|[(){}]|\b(?:if|then|else|fi|for|while|until|case|esac|do|done|exec|exit|eval)\b")
_NOT_PLAIN = re.compile(r"[|&<>`~#!\\]")
_PATTERN = re.compile(r"[*?\[]")
_QUIET = frozenset("cd mkdir echo printf true : chmod chown chgrp touch ls pwd test set sync sleep export".split())
_APART = frozenset(
    "go gcc g++ cc c++ clang clang++ rustc javac strip upx apt-get apt apk yum dnf pip pip3 adduser addgroup useradd groupadd"
    " ldconfig update-ca-certificates".split()
)
"""Programs that write what they are told to, and no file of the repository that they aren't given."""
_COPY_OPTIONS = re.compile(
    r"-[afprRvPLHdT]+|--(?:archive|recursive|force|verbose|no-target-directory|preserve(?:=\S+)?)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The repository's file `path`. `assumed` where commands ran since of which it isn't known what they do."""

    path: PurePosixPath
    assumed: bool = False


class _Else(Enum):
    """What a step did to a path, where none of its candidates is a file of the repository."""

    NOTHING = "nothing"
    PERHAPS = "perhaps something"
    OTHER = "something that is not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Effect:
    """`candidates` are what may stand at the path since the step: a file of the repository, or what stood at another path
    before."""

    candidates: tuple[Held | PurePosixPath, ...] = ()
    otherwise: _Else = _Else.NOTHING


_Step = Callable[[PurePosixPath], _Effect]
_NOTHING = _Effect()
_PERHAPS = _Effect(otherwise=_Else.PERHAPS)
_OTHER = _Effect(otherwise=_Else.OTHER)


class Holdings:
    """Answers for the images of one trace; `workspace` are the host's files that a container may have had mounted."""

    def __init__(self, images: Images, workspace: Workspace) -> None:
        self._images = images
        self._workspace = workspace

    def at(self, image: Image, path: PurePosixPath) -> Held | None:
        """The file that `image` has at `path`; None where that isn't known, or none of the repository's."""
        match image:
            case BuiltImage(number=number) if (build := self._images.build(number)) is not None:
                return self._in_stage(build, build.stage, path)
            case MadeStage(base=base):
                return _last(self._made(image), path, lambda p: self.at(base, p))
            case _:
                return None

    def _in_stage(self, build: Build, stage: Stage, path: PurePosixPath) -> Held | None:
        base = base_stage(build.dockerfile, stage, build.given())
        steps: list[_Step] = []
        scopes = stage_variables(build.dockerfile, stage, build.given())
        places = working_directory(build.dockerfile, stage, build.given())
        for instruction, scope, place in zip(stage.instructions, scopes, places, strict=True):
            match instruction.keyword:
                case "COPY" | "ADD":
                    steps.append(self._copy(build, stage, instruction, scope, place))
                case "RUN" if instruction.here_documents:
                    steps.append(_Opaque(text=instruction.span.text))
                case "RUN" if instruction.json:
                    steps += _commands([a.text for a in instruction.arguments], place)
                case "RUN":
                    steps += _shell(instruction.text, place)
                case _:
                    pass
        return _last(
            steps, path, lambda p: self._in_stage(build, base, p) if base is not None else self._below(build, stage, p)
        )

    def _below(self, build: Build, stage: Stage, path: PurePosixPath) -> Held | None:
        """In the image that a stage starts from, where the script built it before."""
        variables = global_variables(build.dockerfile, build.given())
        text = expand(stage.image.text, variables, build.dockerfile.escape).text
        for other in reversed(self._images.builds):
            named = text is not None and any(same_image(t, Value.of(text)) for t in other.event.tags)
            if named and other.number < build.number:
                return self.at(BuiltImage(number=other.number), path)
        return None

    def _made(self, image: MadeStage) -> list[_Step]:
        place = self._images.directory(image.base)
        steps: list[_Step] = []
        for step in image.steps:
            match step:
                case Line(text=text) if text.startswith("WORKDIR "):
                    place = posixpath.join(place or "/", text.split(maxsplit=1)[1])
                case Line(text=text) if text.startswith("RUN ["):
                    steps += _commands(json.loads(text.removeprefix("RUN ")), place)
                case Line(text=text) if text.startswith("RUN "):
                    steps += _shell(text.removeprefix("RUN "), place)
                case ContextCopy():
                    steps.append(self._mounted(step))
                case StageCopy():
                    steps.append(self._staged(step))
                case _:
                    pass
        return steps

    def _mounted(self, copy: ContextCopy) -> _Step:
        def step(path: PurePosixPath) -> _Effect:
            if not path.is_relative_to(copy.target):
                return _NOTHING
            return self._on_host(self._workspace, copy.path / path.relative_to(copy.target))

        return step

    def _staged(self, copy: StageCopy) -> _Step:
        def step(path: PurePosixPath) -> _Effect:
            if not path.is_relative_to(copy.target):
                return _NOTHING
            found = [self.at(copy.place.image, c) for c in _copied(copy.place.path, copy.target, path)]
            return _Effect(candidates=tuple(h for h in found if h is not None), otherwise=_Else.PERHAPS)

        return step

    @staticmethod
    def _on_host(workspace: Workspace, path: PurePosixPath) -> _Effect:
        """What a copy of the host's `path` is."""
        source = workspace.source(path)
        if source is not None:
            return _Effect(candidates=(Held(path=source.path),))
        return _NOTHING if workspace.node(path) is None else _OTHER

    # COPY

    def _copy(self, build: Build, stage: Stage, instruction: Instruction, scope: Variables, place: str | None) -> _Step:
        *given, last = [expand(a.text, scope, build.dockerfile.escape).text for a in instruction.arguments]
        if last is None or (place is None and not last.startswith("/")):
            return lambda _: _PERHAPS
        target = in_container(posixpath.join(place or "/", last))
        sources = [s for s in given if s is not None]
        known = len(sources) == len(given) and not instruction.here_documents
        flag = instruction.flag("from")

        def step(path: PurePosixPath) -> _Effect:
            if not path.is_relative_to(target):
                return _NOTHING
            if not known:
                return _OTHER if target in (path, path.parent) else _PERHAPS
            if flag is not None:
                effects = [self._from_stage(build, stage, flag.value or "", s, target, path) for s in sources]
            else:
                effects = [self._from_context(build, instruction.keyword, s, target, path) for s in sources]
            return _joined(effects)

        return step

    def _from_stage(
        self, build: Build, stage: Stage, name: str, source: str, target: PurePosixPath, path: PurePosixPath
    ) -> _Effect:
        earlier = build.dockerfile.stages[: stage.index]
        other = next(
            (s for s in earlier if str(s.index) == name or (s.name and s.name.text.lower() == name.lower())), None
        )
        paths = _copied(in_container(source), target, path) if other is not None else ()
        held = [self._in_stage(build, other, p) for p in paths if other is not None]
        otherwise = _Else.OTHER if path == target else _Else.PERHAPS
        return _Effect(candidates=tuple(h for h in held if h is not None), otherwise=otherwise)

    def _from_context(
        self, build: Build, keyword: str, source: str, target: PurePosixPath, path: PurePosixPath
    ) -> _Effect:
        if keyword == "ADD" and "://" in source:
            return _OTHER if path == target or path.name in source else _NOTHING
        if keyword == "ADD" and _ARCHIVE.search(source):
            return _PERHAPS
        workspace = build.workspace
        ignore, _ = ignore_of(build)
        wanted = build.context / posixpath.normpath(posixpath.join("/", source)).lstrip("/")
        matching = [wanted]
        if _PATTERN.search(source):
            entries = [p for p, _ in workspace.below(build.context) if len(p.parts) == len(wanted.parts)]
            matching = [p for p in entries if all(map(fnmatchcase, p.parts, wanted.parts))]
        effects: list[_Effect] = []
        for origin in matching:
            candidate = origin
            if workspace.is_directory(origin):
                candidate = origin / path.relative_to(target)
            elif path not in (target, target / origin.name):
                effects += [_PERHAPS] if workspace.is_directory(origin) is None else []
                continue
            if ignore is None or not ignore.ignores(candidate.relative_to(build.context).as_posix()):
                effects.append(self._on_host(workspace, candidate))
        return _joined(effects)


def _last(steps: Sequence[_Step], path: PurePosixPath, below: Callable[[PurePosixPath], Held | None]) -> Held | None:
    """What stands at `path` after `steps`, on what `below` gives."""
    seen: dict[tuple[int, PurePosixPath], Held | None] = {}

    def before(index: int, path: PurePosixPath) -> Held | None:
        if (index, path) not in seen:
            seen[index, path] = None
            seen[index, path] = found(index, path)
        return seen[index, path]

    def found(index: int, path: PurePosixPath) -> Held | None:
        assumed = False
        for at in reversed(range(index)):
            effect = steps[at](path)
            for candidate in effect.candidates:
                held = before(at, candidate) if isinstance(candidate, PurePosixPath) else candidate
                if held is not None:
                    return replace(held, assumed=held.assumed or assumed)
            if effect.otherwise is _Else.OTHER:
                return None
            assumed = assumed or effect.otherwise is _Else.PERHAPS
        held = below(path)
        return replace(held, assumed=held.assumed or assumed) if held is not None else None

    return before(len(steps), path)


def _joined(effects: Sequence[_Effect]) -> _Effect:
    """One after the other: what came last counts first."""
    candidates = tuple(c for e in reversed(effects) for c in e.candidates)
    for otherwise in (_Else.OTHER, _Else.PERHAPS):
        if any(e.otherwise is otherwise for e in effects):
            return _Effect(candidates=candidates, otherwise=otherwise)
    return _Effect(candidates=candidates)


def _copied(source: PurePosixPath, target: PurePosixPath, path: PurePosixPath) -> tuple[PurePosixPath, ...]:
    """What of `source` stands at `path`, which is `target` or lies in it, where COPY brought it there: a file, or what a folder
    holds."""
    inner = path.relative_to(target)
    if not inner.parts:
        return (source,)
    if _PATTERN.search(source.name):
        return (source.with_name(path.name),) if fnmatchcase(str(inner), source.name) else ()
    return (source, source / inner) if inner.parts == (source.name,) else (source / inner,)


# RUN


def _shell(text: str, place: str | None) -> list[_Step]:
    """The commands of a RUN in shell form."""
    joined = re.sub(r"\$\{(\w+)\}", r"$\1", text.replace("\\\n", " "))
    if _BRANCHES.search(joined):
        return [_Opaque(text=joined)]
    steps: list[_Step] = []
    for piece in (p.strip() for p in re.split(r"&&|;|\n", joined)):
        try:
            words = shlex.split(piece) if not _NOT_PLAIN.search(piece) else None
        except ValueError:
            words = None
        if words == []:
            continue
        if words is None:
            steps.append(_Opaque(text=piece))
        else:
            steps.append(_Command(words=tuple(words), place=place))
        if re.match(r"(?:cd|pushd|popd)\b", piece):
            inner = words[1] if words is not None and words[0] == "cd" and len(words) == 2 else None
            whole = inner is not None and inner.startswith("/")
            plain = inner is not None and inner != "-" and not re.search(r"[$*?\[]", inner)
            place = posixpath.join(place or "/", inner or "") if plain and (whole or place is not None) else None
    return steps


def _commands(words: Sequence[str], place: str | None) -> list[_Step]:
    if len(words) == 3 and words[0] in ("sh", "/bin/sh", "bash", "/bin/bash") and words[1] == "-c":
        return _shell(words[2], place)
    return [_Command(words=tuple(words), place=place)] if words else []


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opaque:
    """Shell text that isn't read: it is taken to leave alone what it doesn't name."""

    text: str

    def __call__(self, path: PurePosixPath) -> _Effect:
        named = re.search(rf"(?<![\w.-]){re.escape(path.name)}(?![\w.-])", self.text)
        return _OTHER if named is not None else _PERHAPS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Command:
    """One simple command, variables unexpanded, started in `place` (None: not known)."""

    words: tuple[str, ...]
    place: str | None

    def __call__(self, path: PurePosixPath) -> _Effect:
        first, *rest = [*itertools.dropwhile(re.compile(r"\w+=").match, self.words), ""]
        name = first.rpartition("/")[2]
        unread = _Opaque(text=" ".join(self.words))(path)
        if name in _QUIET or not name:
            return _NOTHING
        if name in _APART and rest[0] not in ("run", "generate"):
            return unread if unread.otherwise is _Else.OTHER else _NOTHING
        options = [w for w in self.words[1:] if w.startswith("-") and w != "-"]
        operands = [w for w in self.words[1:] if w not in options]
        if any("$" in w for w in self.words) or first is not self.words[0]:
            return unread
        if name not in ("cp", "mv", "rm") or (self.place is None and not all(w.startswith("/") for w in operands)):
            return unread
        if name == "rm":
            return _OTHER if self._names(operands, path) else _NOTHING
        if len(operands) < 2 or _PATTERN.search(operands[-1]) or not all(map(_COPY_OPTIONS.fullmatch, options)):
            return unread
        *sources, target = operands
        return self._placed(sources, self._path(target), path, moves=name == "mv")

    def _path(self, word: str) -> PurePosixPath:
        return in_container(posixpath.join(self.place or "/", word))

    def _names(self, operands: Sequence[str], path: PurePosixPath) -> bool:
        """Whether `path` is one of what a command names, or lies in one."""
        return any(fnmatchcase(str(at), str(self._path(w))) for w in operands for at in (path, *path.parents))

    def _placed(self, sources: Sequence[str], target: PurePosixPath, path: PurePosixPath, *, moves: bool) -> _Effect:
        """`cp` and `mv`: the last source that comes to stand at `path` counts."""
        candidates = tuple(c for s in reversed(sources) for c in self._landed(s, target, path))
        moved = moves and self._names(sources, path)
        if moved or path == target or any(path == target / self._path(s).name for s in sources):
            return _Effect(candidates=candidates, otherwise=_Else.OTHER)
        return _Effect(candidates=candidates, otherwise=_Else.PERHAPS if candidates else _Else.NOTHING)

    def _landed(self, source: str, target: PurePosixPath, path: PurePosixPath) -> tuple[PurePosixPath, ...]:
        """What of `source` stands at `path` behind `cp source target`. A folder goes into `target` where that was there; where
        it wasn't, nothing stood at `path` before, and what stands there now isn't said."""
        origin = self._path(source)
        inner = path.relative_to(target) if path.is_relative_to(target) else None
        if inner is None:
            return ()
        if not inner.parts:
            return (origin,)
        if source.endswith("/."):
            return (origin / inner,)
        matches = fnmatchcase(inner.parts[0], origin.name)
        return (origin.with_name(inner.parts[0]) / PurePosixPath(*inner.parts[1:]),) if matches else ()
