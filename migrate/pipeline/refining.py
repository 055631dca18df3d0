"""Dockerfiles that are multi-stage already, as plans: names for their stages, held to what they make today.

No driver says how such a file is built, so it is built as people do: all that it has, in the folder where its sources are.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate.diagnostics import Diagnostic
from migrate.discover import Driver, DriverKind, EntryKind, Repository
from migrate.dockerfile.instructions import Dockerfile, Stage
from migrate.dockerfile.reader import read_dockerfile
from migrate.dockerfile.scope import base_stage
from migrate.drivers.script import Start
from migrate.pipeline.following import Inputs, traced
from migrate.pipeline.missing import plain_sources
from migrate.pipeline.proving import with_assumptions
from migrate.plan.naming import clean
from migrate.plan.stage_names import name_stages
from migrate.proof.model import Proof
from migrate.proof.prove import Given, Version, prove
from migrate.source import Edit, FileChange, SourceFile, Span, apply_edits, encode

_DOCKERFILE = re.compile(r"(?i)dockerfile(?:[._-](?!.*(?:ignore|md|j2|tmpl|tpl|in|erb)$).+)?|.+\.dockerfile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refinement:
    """A Dockerfile with another text for the same images. `driver` and `start` are how both are built, `before` and `after` the
    two texts, `place` what it is about; `what` says it to a person. `base` are changes that are made ahead, `changes` all that
    there are then. With `timed`, how long it takes is what matters."""

    driver: Driver
    start: Start
    before: Dockerfile
    after: Dockerfile
    what: str
    place: Span
    changes: tuple[FileChange, ...]
    diagnostics: tuple[Diagnostic, ...]
    proof: Proof
    base: tuple[FileChange, ...] = ()
    timed: bool = False


def named_stages(repository: Repository, dockerfile: Dockerfile, inputs: Inputs) -> Refinement | None:
    """A multi-stage Dockerfile of which a stage has no name, or is referred to by its number; None for any other."""
    edits = name_stages(dockerfile)
    return _refined(repository, dockerfile, edits, "names for its stages", inputs) if edits else None


def multi_stage(repository: Repository) -> Iterator[tuple[PurePosixPath, Dockerfile]]:
    """The repository's own Dockerfiles that have more than one stage."""
    for path, kind in repository.entries.items():
        if kind is not EntryKind.FILE or repository.hides(path) or not is_dockerfile(path):
            continue
        source = repository.source(path)
        dockerfile, _ = read_dockerfile(source) if source is not None else (None, ())
        if dockerfile is not None and len(dockerfile.stages) > 1:
            yield path, dockerfile


def is_dockerfile(path: PurePosixPath) -> bool:
    """By its name: `Dockerfile`, `Dockerfile.NAME`, `NAME.Dockerfile`. A template of one is none."""
    return (
        re.fullmatch(r"(?i)dockerfile(?:[._-](?!.*(?:ignore|md|j2|tmpl|tpl|in|erb)$).+)?|.+\.dockerfile", path.name)
        is not None
    )


def _refined(
    repository: Repository, dockerfile: Dockerfile, edits: tuple[Edit, ...], what: str, inputs: Inputs
) -> Refinement:
    source = dockerfile.source
    text = apply_edits(source, list(edits))
    after, _ = read_dockerfile(SourceFile(path=source.path, text=text))
    if after is None:
        raise ValueError("names make no Dockerfile unreadable")
    change = FileChange(path=source.path, before=encode(source.text), after=encode(text))
    start = build_start(repository, dockerfile)
    place = edits[0].span
    old = version(repository, source.path, start, inputs)
    new = version(repository.changed({source.path: text}), source.path, start, inputs)
    proof = prove(old, new, (change,), Given(facts={}, dockerfiles={}, buildkit=True))
    proof, diagnostics = with_assumptions(proof, (), place)
    return Refinement(
        driver=Driver(path=source.path, kind=DriverKind.SCRIPT),
        start=start,
        before=dockerfile,
        after=after,
        what=what,
        place=place,
        changes=(change,),
        diagnostics=diagnostics,
        proof=proof,
    )


def version(repository: Repository, driver: PurePosixPath, start: Start, inputs: Inputs) -> Version:
    """A state of the repository, and what `driver` does in it."""
    source = repository.source(driver)
    followed, _ = traced(repository, source, start, inputs) if source is not None else (None, ())
    if followed is None:
        raise ValueError(f"`{driver}` was followed a moment ago")
    return Version(trace=followed, repository=repository)


def build_start(repository: Repository, dockerfile: Dockerfile) -> Start:
    """`docker build` of the last stage, and of each other one that has a name and that no stage needs."""
    path = dockerfile.source.path
    context = _context(repository, dockerfile)
    image = clean(path.parent.name or repository.root.name) or "image"
    named = ("-f", str(path)) if path != context / "Dockerfile" else ()
    *ahead, last = dockerfile.stages
    ends = [s.name.text for s in ahead if s.name is not None and s.index not in needed(dockerfile)]
    ends += [last.name.text] if ends and last.name is not None else []
    calls = [("docker", "build", "--target", t, "-t", f"{image}:{clean(t) or t}", *named, str(context)) for t in ends]
    if not ends or last.name is None:
        calls.append(("docker", "build", "-t", image, *named, str(context)))
    name = " && ".join(map(shlex.join, calls))
    return Start(directory=PurePosixPath(), name=name, arguments=(), commands=tuple(calls))


def needed(dockerfile: Dockerfile) -> frozenset[int]:
    """The stages, by index, that other stages begin with or take something from."""
    found: set[int] = set()
    for stage in dockerfile.stages:
        base = base_stage(dockerfile, stage, {})
        found |= {base.index} if base is not None else set()
        for text in _origins(stage):
            number = int(text) if text.isdigit() else None
            found |= {
                s.index
                for s in dockerfile.stages[: stage.index]
                if s.index == number or (s.name is not None and s.name.text.lower() == text.lower())
            }
    return frozenset(found)


def _origins(stage: Stage) -> Iterator[str]:
    """What the stage's instructions name as an image or stage to take from."""
    for instruction in stage.instructions:
        for flag in instruction.flags:
            if flag.name == "from" and flag.value:
                yield flag.value
            elif flag.name == "mount" and flag.value:
                yield from re.findall(r"(?:^|,)from=([^,]+)", flag.value)


def _context(repository: Repository, dockerfile: Dockerfile) -> PurePosixPath:
    """The folder of the Dockerfile, or one above it, where most of what it copies stands; the nearest of those."""
    wanted = plain_sources(dockerfile)
    folders = dockerfile.source.path.parents
    return max(folders, key=lambda f: sum(repository.kind(f / w) is not None for w in wanted))
