"""What the trace foretold of a script's docker commands, against those that were recorded when it ran.

The two are aligned in order. What the trace doesn't know of a command matches anything; a command of which it doesn't know
whether it runs, or how often, matches whatever happened. Compared is what puts files into images, or names what does; what only
reads, asks a registry or stops a container is left out on both sides. `sudo docker` is recorded as `docker`, by the stand-in that
sudo starts; what compose comes to is recorded as the docker commands that it is lowered to.
"""

import posixpath
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Label
from migrate.engine.recorder import RecordedCommand
from migrate.source import Span
from migrate.trace.docker_cli import CommandLineError, DockerCommand, parse
from migrate.trace.events import (
    BuildOption,
    Container,
    ContainerCreate,
    ContainerRemove,
    ContainerRun,
    ContainerUse,
    Extraction,
    ImageBuild,
    ImageUse,
    Insertion,
    Trace,
    Traced,
)
from migrate.trace.paths import resolve
from migrate.trace.values import ContainerId, ImageId, Text, Unknown, Value

_OF_OPERANDS = frozenset("rm rmi start exec commit export tag save load import".split())
_COMPARED = _OF_OPERANDS | {"build", "create", "run", "cp"}
_SEPARATOR = "\0"
_CONTAINER_ID, _IMAGE_ID = "[0-9a-f]+", "(?:sha256:)?[0-9a-f]+"
_ANYTHING = re.compile(".*", re.DOTALL)
_SHOWN, _WORDS_SHOWN = 6, 160


class Kind(Enum):
    NOT_RUN = "foretold, and not run"
    NOT_FORETOLD = "run, and not foretold"
    OTHERWISE = "run otherwise"
    MOVED = "run at another moment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One command on which the trace and the record don't agree. `step` is what was foretold, `ran` what was recorded; one of
    them is None where only the other is there. `after` is the last step before it on which they agree; `fields` are what of an
    OTHERWISE is not as foretold, each with what was foretold."""

    kind: Kind
    step: Traced | None
    ran: RecordedCommand | None
    after: Traced | None = None
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Foretold:
    """`fields` hold a pattern for each thing that is known, and how it is shown; `certain` is whether it is known to run, and
    that it runs once."""

    step: Traced
    verb: str
    fields: Mapping[str, tuple[re.Pattern[str], str]]
    certain: bool

    def differing(self, ran: "_Ran") -> tuple[tuple[str, str], ...]:
        return tuple(
            (n, shown) for n, (pattern, shown) in self.fields.items() if not pattern.fullmatch(ran.fields.get(n, ""))
        )

    def is_met(self, ran: "_Ran") -> bool:
        return self.verb == ran.verb and not self.differing(ran)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ran:
    command: RecordedCommand
    verb: str
    fields: Mapping[str, str]

    def overlaps(self, other: "_Ran") -> bool:
        one, two = self.command, other.command
        return self is not other and one.start < two.start + two.seconds and two.start < one.start + one.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the repository is and where its copies are: `trees` are the absolute paths of those."""

    root: PurePosixPath
    trees: tuple[PurePosixPath, ...]

    def as_read(self, word: str) -> str:
        """A word of the run as it would be in the repository."""
        for tree in sorted(map(str, self.trees), key=len, reverse=True):
            word = word.replace(tree, str(self.root))
        return word


def disagreements(
    trace: Trace, commands: Sequence[RecordedCommand], places: Places, services: Sequence[str] = ()
) -> tuple[Disagreement, ...]:
    """Where the record of a run that ended well isn't what the trace says. `services` are those of compose files of which
    containers were run."""
    # what `--output` of a build writes is read as a container that is copied out whole, by the same command
    written = {e.span for e in trace.events if isinstance(e, ImageBuild) and e.option("output") is not None}
    steps_read = [s for s in trace.steps if isinstance(s.event, ImageBuild) or s.event.span not in written]
    foretold = [f for s in steps_read if (f := _foretold(s, trace, services)) is not None]
    ran = [r for c in commands if (r := _ran(c, places)) is not None]
    certain = [f for f in foretold if f.certain]
    pairs = _aligned(certain, ran)
    met = {i for i, _ in pairs}, {j for _, j in pairs}
    left = [f for n, f in enumerate(certain) if n not in met[0]]
    over = [r for n, r in enumerate(ran) if n not in met[1]]
    found: list[tuple[int, Disagreement]] = []
    steps = {f: n for n, f in enumerate(certain)}
    runs = {r: n for n, r in enumerate(ran)}

    def before(index: int, side: int) -> int:
        """How many agreed pairs lie before a place on one side."""
        return sum(pair[side] < index for pair in pairs)

    def add(kind: Kind, step: _Foretold | None, by: _Ran | None, fields: tuple[tuple[str, str], ...] = ()) -> None:
        gap = before(runs[by], 1) if by is not None else before(steps[step], 0) if step is not None else 0
        after = certain[pairs[gap - 1][0]].step if gap else None
        command = by.command if by is not None else None
        told = Disagreement(kind=kind, step=step.step if step else None, ran=command, after=after, fields=fields)
        found.append((gap, told))

    for step, by in _taken(left, over, lambda f, r: f.is_met(r)):
        if not any(by.overlaps(r) for r in ran):  # commands at work together (a pipeline, `make -j`) have no order
            add(Kind.MOVED, step, by)
    free = [f for f in foretold if not f.certain]
    over = [r for r in over if not any(f.is_met(r) for f in free)]
    for step, by in _taken(left, over, lambda f, r: f.verb == r.verb and before(steps[f], 0) == before(runs[r], 1)):
        add(Kind.OTHERWISE, step, by, step.differing(by))
    for step in left:
        add(Kind.NOT_RUN, step, None)
    for by in over:
        add(Kind.NOT_FORETOLD, None, by)
    return tuple(told for _, told in sorted(found, key=lambda pair: pair[0]))


def misread(found: Sequence[Disagreement], place: Span) -> tuple[Diagnostic, ...]:
    """The disagreements as findings; `place` is where those go that come before any command of the script's."""
    told = [_diagnostic(d, place) for d in found[:_SHOWN]]
    if len(found) > _SHOWN:
        more = f"and {len(found) - _SHOWN} more commands of which it is so"
        told[-1] = replace(told[-1], notes=(*told[-1].notes, more))
    return tuple(told)


def _diagnostic(found: Disagreement, place: Span) -> Diagnostic:
    ran = f"`{_shown(found.ran)}`" if found.ran is not None else ""
    notes = tuple(f"foretold: {name} `{shown}`" for name, shown in found.fields)
    match found.kind:
        case Kind.NOT_RUN:
            message = "this command was not run, though nothing that is known keeps it from running"
        case Kind.NOT_FORETOLD:
            message = f"{ran} was run, and nothing that the script says was read to run it"
            if found.after is not None:
                notes = (*notes, "it was run after this command")
        case Kind.MOVED:
            message = f"{ran} was run at another moment than it was read to run"
        case Kind.OTHERWISE:
            message = f"{ran} was run, and read otherwise"
    step = found.step or found.after
    span = step.event.span if step is not None else place
    return Diagnostic(
        rule=rules.RUN_NOT_AS_READ,
        message=message,
        primary=Label(span=span),
        notes=notes,
        help="what was really built is what was compared; see by hand that the migration is of what the script does",
    )


def _shown(command: RecordedCommand | None) -> str:
    text = shlex.join([command.program, *command.arguments]) if command is not None else ""
    return text if len(text) <= _WORDS_SHOWN else text[: _WORDS_SHOWN - 1] + "…"


# aligning


def _aligned(certain: Sequence[_Foretold], ran: Sequence[_Ran]) -> list[tuple[int, int]]:
    """The most pairs of what was foretold and what ran, in the order of both."""
    start = 0
    while start < min(len(certain), len(ran)) and certain[start].is_met(ran[start]):
        start += 1
    here, there = certain[start:], ran[start:]
    met = [[f.is_met(r) for r in there] for f in here]
    best = [[0] * (len(there) + 1) for _ in range(len(here) + 1)]
    for i in reversed(range(len(here))):
        for j in reversed(range(len(there))):
            best[i][j] = best[i + 1][j + 1] + 1 if met[i][j] else max(best[i + 1][j], best[i][j + 1])
    pairs = [(n, n) for n in range(start)]
    i = j = 0
    while i < len(here) and j < len(there):
        if met[i][j]:
            pairs.append((start + i, start + j))
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def _taken(
    left: list[_Foretold], over: list[_Ran], fits: Callable[[_Foretold, _Ran], bool]
) -> list[tuple[_Foretold, _Ran]]:
    """Pairs that fit, the first with the first; they are taken out of both lists."""
    found = []
    for step in list(left):
        by = next((r for r in over if fits(step, r)), None)
        if by is not None:
            left.remove(step)
            over.remove(by)
            found.append((step, by))
    return found


# what was recorded


def _ran(command: RecordedCommand, places: Places) -> _Ran | None:
    """None for what isn't compared."""
    words = [places.as_read(w) for w in command.arguments]
    parsed = parse(["buildx", *words] if command.program == "docker-buildx" else words)
    if isinstance(parsed, CommandLineError) or parsed.verb not in _COMPARED:
        return None
    operands = [o.text for o in parsed.operands]
    match parsed.verb:
        case "build":
            fields = _built(parsed, command.directory, places)
        case "create" | "run":
            image, *rest = operands or [""]
            fields = {"name": parsed.last("name") or "", "image": image, "command": _SEPARATOR.join(rest)}
        case "cp":
            source, destination, *_ = [*operands, "", ""]
            fields = {"source": source, "destination": destination}
        case _:
            fields = {"operands": _SEPARATOR.join(operands)}
    return _Ran(command=command, verb=parsed.verb, fields=fields)


def _built(parsed: DockerCommand, directory: PurePosixPath | None, places: Places) -> dict[str, str]:
    # of several docker takes none, and the build fails: the trace takes a word that it doesn't know for an option
    context = parsed.operands[-1].text if parsed.operands else "."
    given = parsed.last("file")
    if context == "-":
        dockerfile = given or "Dockerfile"
    elif given == "-":
        dockerfile = "-"
    else:
        dockerfile = _path(places, directory, given if given is not None else posixpath.join(context, "Dockerfile"))
    return {
        "context": context if context == "-" else _path(places, directory, context),
        "Dockerfile": dockerfile,
        "tags": _SEPARATOR.join(parsed.values("tag")),
        "build arguments": _SEPARATOR.join(parsed.values("build-arg")),
        "target": parsed.last("target") or "",
        "output": parsed.last("output") or "",
    }


def _path(places: Places, directory: PurePosixPath | None, text: str) -> str:
    """Relative to the repository's root where it lies within, else as it was given."""
    if directory is None and not text.startswith("/"):
        return text
    path = resolve(places.root, directory or PurePosixPath(), text)
    return text if path is None else path.as_posix()


# what was foretold


def _foretold(step: Traced, trace: Trace, services: Sequence[str]) -> _Foretold | None:
    """None for what isn't compared."""
    read = _read(step)
    if read is None or read[0] not in _COMPARED:
        return None
    verb, fields = read
    composed = trace.composed.get(step.command.span.file)
    # of compose's services only those run that bring something into an image (docs/compose.md)
    carried_out = composed is None or verb == "build" or composed.service.name in services
    certain = carried_out and all(c.decided for c in step.conditions)
    return _Foretold(step=step, verb=verb, fields=fields, certain=certain)


def _read(step: Traced) -> tuple[str, dict[str, tuple[re.Pattern[str], str]]] | None:
    match step.event:
        case ImageBuild() as build:
            return "build", _build_read(build)
        case ContainerCreate(container=container):
            return "create", _container_read(container)
        case ContainerRun(container=container):
            return "run", _container_read(container)
        case Extraction(container=container, source=source, destination=destination):
            whole = container + Value.of(f":{source}")
            return "cp", {"source": _one(whole), "destination": _one(destination)}
        case Insertion(container=container, source=source, destination=destination):
            whole = container + Value.of(":") + destination
            return "cp", {"source": _one(source), "destination": _one(whole)}
        case ContainerUse(verb=verb, containers=containers, arguments=arguments):
            return verb, {"operands": _several((*containers, *arguments))}
        case ContainerRemove(containers=containers):
            return "rm", {"operands": _several(containers)}
        case ImageUse(verb=verb, images=images):
            return verb, {"operands": _several(images)}
        case _:
            return None


def _build_read(build: ImageBuild) -> dict[str, tuple[re.Pattern[str], str]]:
    fields = {"context": _host(build, build.context)}
    if _may_hold_options(build.options):
        return fields
    arguments = tuple(
        Value.of(a.name) if a.value is None else Value.of(f"{a.name}=") + a.value for a in build.build_arguments
    )
    streamed = build.context is None and build.dockerfile is not None
    dockerfile = _one(Value.of(str(build.dockerfile))) if streamed else _host(build, build.dockerfile)
    return {
        **fields,
        "Dockerfile": dockerfile,
        "tags": _several(build.tags),
        "build arguments": _several(arguments),
        **{
            n: _one(o.value if (o := build.option(n)) is not None and o.value else Value.of(""))
            for n in ("target", "output")
        },
    }


def _container_read(container: Container) -> dict[str, tuple[re.Pattern[str], str]]:
    fields = {"image": _one(container.image), "command": _several(container.command)}
    if _may_hold_options(container.options):
        return fields
    return {"name": _one(container.name or Value.of("")), **fields}


def _may_hold_options(options: Sequence[BuildOption]) -> bool:
    """Whether a word that isn't known stands where options do: it is kept as an option that is named by itself."""
    return any(o.value is not None and o.value.first_unknown is not None and o.name == str(o.value) for o in options)


def _host(build: ImageBuild, path: PurePosixPath | None) -> tuple[re.Pattern[str], str]:
    """A path of the repository. Below a link that the script went through, the record has where that leads."""
    if path is None:
        return _one(Value.of("-"))
    folder = build.directory
    passed = [p for p in (folder, *folder.parents) if p != PurePosixPath()] if folder is not None else []
    if folder is None or any(build.workspace.is_link(p) is not False for p in passed):
        return _ANYTHING, str(path)
    return _one(Value.of(path.as_posix()))


def _one(value: Value) -> tuple[re.Pattern[str], str]:
    return re.compile(_pattern(value), re.DOTALL), str(value)


def _several(values: Sequence[Value]) -> tuple[re.Pattern[str], str]:
    """A list of words. One of which nothing is known may be none, or several."""
    shown = " ".join(map(str, values))
    if any(v.parts and all(isinstance(p, Unknown) for p in v.parts) for v in values):
        return _ANYTHING, shown
    return re.compile(_SEPARATOR.join(map(_pattern, values)), re.DOTALL), shown


def _pattern(value: Value) -> str:
    pieces = []
    for part in value.parts:
        match part:
            case Text(text=text):
                pieces.append(".*".join(map(re.escape, text.split("\0"))))
            case ContainerId():
                pieces.append(_CONTAINER_ID)
            case ImageId():
                pieces.append(_IMAGE_ID)
            case Unknown():
                pieces.append(".*")
    return "".join(pieces)
