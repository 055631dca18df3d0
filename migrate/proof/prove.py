"""The phase: two traces and the files that they ran among → whether both make the same images, and under which assumptions.

Translation validation, as of a compiler: the migrated side is read from its text alone, and knows nothing of the plan that
wrote it.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, at
from migrate.discover import EntryKind, Repository
from migrate.image import ImageReference
from migrate.plan.model import ArtifactFact, ArtifactKey
from migrate.proof import words
from migrate.proof.commands import names_artifacts
from migrate.proof.compare import Comparison, Ground
from migrate.proof.contents import as_folder
from migrate.proof.expressions import At, Base, Changed, Exec, ImageExpression, Landing, below
from migrate.proof.model import Difference, Proof, Verdict
from migrate.proof.side import Made, Side
from migrate.proof.symbols import marked, shown
from migrate.source import FileChange, SourceFile
from migrate.trace.events import ImageBuild, Trace

_OUTCOMES = ("output", "push", "squash", "iidfile", "metadata-file")
"""Options of a build that say what becomes of its image."""
_SCRIPT = re.compile(r"\.(?:\w*sh|mk|py|pl|js|rb|json)$|^[^.]+$")
"""Names of files that a build may run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a repository and what its driver does there."""

    trace: Trace
    repository: Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is known beside the two versions: `facts` of an engine about the legacy images, `dockerfiles` of the legacy builds
    whose context is a tar, and whether `buildkit` builds where the script doesn't say. With `apart`, what compilers are known to
    do may be used, under an assumption."""

    facts: Mapping[ArtifactKey, ArtifactFact]
    dockerfiles: Mapping[int, PurePosixPath]
    buildkit: bool
    apart: bool = False


def prove(legacy: Version, migrated: Version, changes: tuple[FileChange, ...], given: Given) -> Proof:
    """Compare every final image of the two versions. Pure, and never an exception for what a repository holds."""
    facts: dict[tuple[bytes, str], ArtifactFact] = {}
    for key, fact in given.facts.items():
        if isinstance(key.builder, str):
            parsed = ImageReference.parse(key.builder)
            base = Base(reference=str(parsed) if parsed is not None else key.builder)
            facts[base.digest, str(key.source)] = fact
    aside = not _uses_artifacts(legacy, migrated)
    old = Side(legacy.trace, legacy.repository, {}, given.dockerfiles, facts, buildkit=given.buildkit, aside=aside)
    before = []
    for made in old.images():
        before.append(made)
        for key, fact in given.facts.items():
            if key.builder == made.event.number and made.image is not None:
                facts[made.image.files.digest, str(key.source)] = fact
    texts = {c.path: _version(c.after) for c in changes if c.after is not None}
    new = Side(migrated.trace, migrated.repository, texts, {}, facts, buildkit=given.buildkit, aside=aside)
    after = list(new.images())
    options = {
        o for m in before if m.image is not None for e in below(m.image) if isinstance(e, Exec) for o in e.options
    }
    ground = Ground(
        facts=facts,
        options=frozenset(options),
        changed=frozenset(str(c.path) for c in changes),
        created=frozenset(str(c.path) for c in changes if c.before is None),
        arguments=frozenset(old.arguments),
        new_arguments=frozenset(new.arguments - old.arguments),
        apart=given.apart,
    )
    return _judged(before, after, old, new, ground)


def _uses_artifacts(legacy: Version, migrated: Version) -> bool:
    """Whether the author's own texts name the folder in which a migration puts things aside: what the driver and the
    Dockerfiles say, and, where the new ones name it, any script of the repository."""
    if any(names_artifacts(s.text) for s in _texts(legacy)):
        return True
    if not any(names_artifacts(s.text) for s in _texts(migrated)):
        return False
    kept = (p for p, kind in legacy.repository.entries.items() if kind is EntryKind.FILE and _SCRIPT.search(p.name))
    return any(names_artifacts(s.text) for p in kept if (s := legacy.repository.source(p)) is not None)


def _texts(version: Version) -> Iterator[SourceFile]:
    events = [e for e in version.trace.events if isinstance(e, ImageBuild)]
    paths = {e.dockerfile for e in events if e.dockerfile is not None}
    yield from (s for p in paths if (s := version.repository.source(p)) is not None)
    yield from (p.source for p in version.trace.pieces)


def _version(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=6).hexdigest()


def _judged(before: list[Made], after: list[Made], old: Side, new: Side, ground: Ground) -> Proof:
    comparison = Comparison(ground=ground)
    pairs, difference = _pairs(before, after)
    for one, other in pairs if difference is None else ():
        difference = _compared(one, other, comparison)
        if difference is not None:
            break
    if difference is None:
        difference = _another_builder(old, new, pairs) or _run_ahead(old, new, pairs) or _uses(old, new, pairs)
    if difference is None:
        difference = _of_docker(one.image for one, _ in pairs if one.image is not None)
    if difference is None:
        difference = _missing(before, [one for one, _ in pairs], old)
    if difference is not None:
        return Proof(verdict=Verdict.NOT_PROVED, images=len(pairs), difference=difference)
    images = [one.image for one, _ in pairs if one.image is not None]
    assumed = tuple(dict.fromkeys((*old.assumed, *comparison.assumed, *_of_containers(images))))
    verdict = Verdict.ASSUMING if assumed else Verdict.PROVED
    return Proof(verdict=verdict, images=len(pairs), assumptions=assumed)


def _tags(made: Made) -> tuple[str, ...]:
    found = []
    for tag in made.event.tags:
        parsed = ImageReference.parse(tag.text) if tag.text is not None else None
        found.append(str(parsed) if parsed is not None else marked(tag))
    return tuple(sorted(found))


def _pairs(before: list[Made], after: list[Made]) -> tuple[list[tuple[Made, Made]], Difference | None]:
    """Each image of the new side with the legacy one of the same tags; of several, the last ones, in order."""
    waiting = list(before)
    pairs: list[tuple[Made, Made]] = []
    for made in reversed(after):
        other = next((m for m in reversed(waiting) if _tags(m) == _tags(made)), None)
        if other is None:
            message = f"the new driver makes {_name(made)} ({made.event.span.origin}), which the legacy one doesn't"
            return pairs, Difference(message=message, migrated=made.image)
        waiting = waiting[: waiting.index(other)]
        pairs.insert(0, (other, made))
    return pairs, None


def _name(made: Made) -> str:
    tags = _tags(made)
    return f"the image `{shown(tags[0])}`" if tags else "an image without a tag"


def _compared(one: Made, other: Made, comparison: Comparison) -> Difference | None:
    for made, which in ((one, "legacy"), (other, "the new one")):
        if made.problem is not None:
            place = words.located(made.problem.message, made.problem.span)
            return Difference(message=f"{which} can't be evaluated: {place}")
    if one.image is None or other.image is None:
        return Difference(message=f"{_name(one)} can't be evaluated")
    for name in _OUTCOMES:
        mine, theirs = (marked(o.value) if (o := m.event.option(name)) and o.value else bool(o) for m in (one, other))
        if mine != theirs:
            return Difference(message=f"only one of the builds of {_name(one)} has this `--{name}`", legacy=one.image)
    return comparison.images(one.image, other.image)


def _another_builder(old: Side, new: Side, pairs: list[tuple[Made, Made]]) -> Difference | None:
    """The two builders make different things of some instructions, so where the script says which one builds, it must stay so."""
    for one, other in pairs:
        if old.builders(one.event) != new.builders(other.event):
            message = f"the parts of {_name(one)} are no longer all built with what DOCKER_BUILDKIT was for them"
            return Difference(message=words.located(message, other.event.span))
    return None


def _run_ahead(old: Side, new: Side, pairs: list[tuple[Made, Made]]) -> Difference | None:
    """A command of which it isn't known what it does, and that ran behind a builder's build, must not come to run ahead of it."""
    for one, other in pairs:
        ahead = Counter(" ".join(s.text.split()) for s in new.untraced(other.event.number))
        for part in old.parts_of(one.event.number):
            before = Counter(" ".join(s.text.split()) for s in old.untraced(part))
            for text in ahead - before:
                message = (
                    f"`{text}` ran behind the build of a part of {_name(one)}, and runs ahead of it in the new one"
                )
                return Difference(message=message)
    return None


def _uses(old: Side, new: Side, pairs: list[tuple[Made, Made]]) -> Difference | None:
    """What is done with the images that stay: tags, pushes, archives, one after the other."""
    mine = old.uses({one.event.number: i for i, (one, _) in enumerate(pairs)})
    theirs = new.uses({other.event.number: i for i, (_, other) in enumerate(pairs)})
    if [u.what for u in mine] == [u.what for u in theirs]:
        return None
    for one, other in zip_longest(mine, theirs):
        if one is None or other is None or one.what != other.what:
            said = words.located(f"legacy says `{one.text}`", one.span) if one is not None else "legacy says no more"
            new_one = words.located(f"`{other.text}`", other.span) if other is not None else "no more"
            return Difference(message=f"{said} of these images; the new one {new_one}")
    return None


def _missing(before: list[Made], compared: list[Made], old: Side) -> Difference | None:
    """An image that the new driver no longer makes must be a part of one that it does."""
    inside = {n for m in compared for n in (m.event.number, *old.parts_of(m.event.number))}
    builders = {_tags(m) for m in before if m.event.number in inside}
    for made in before:
        # a builder that is built once more, under the same tags, is no other image
        if made.event.number not in inside and not (_tags(made) and _tags(made) in builders):
            message = (
                f"the new driver no longer makes {_name(made)} ({made.event.span.origin}), and no other image needs it"
            )
            return Difference(message=message, legacy=made.image)
    return None


def _of_docker(images: Iterable[ImageExpression]) -> Difference | None:
    """What docker itself puts into every container (`/.dockerenv`, `/etc/hosts`) comes along from there, and not from a stage."""
    for image in images:
        for node in below(image):
            match node:
                case Landing(content=content, destination=end):
                    taken = as_folder(content)
                    if isinstance(taken, At) and taken.path in ("/", "/etc", "/dev") and taken.path != end:
                        message = f"{words.content(taken)} is taken to `{shown(end)}`, with what docker puts there"
                        return Difference(message=words.located(message, node.span), legacy=node)
                case _:
                    pass
    return None


def _of_containers(images: list[ImageExpression]) -> list[Diagnostic]:
    """What is assumed wherever a container's command, or one of the host, is done by RUN."""
    found: dict[Diagnostic, None] = {}
    for image in images:
        for node in below(image):
            match node:
                case Exec(container=True, command=command, span=span) if span is not None:
                    message = f"`{words.said(command)}` is taken to do in a build what it did in a container"
                    found[at(rules.CONTAINER_RUN_IN_BUILD, message, span)] = None
                case Changed(words=said, span=span) if span is not None:
                    message = f"`{' '.join(said)}` of the host is taken to do the same in a stage"
                    found[at(rules.HOST_COMMAND_IN_STAGE, message, span)] = None
                case _:
                    pass
    return list(found)
