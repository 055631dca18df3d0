"""A bake file for what the migrated driver builds, where that is several images."""

from collections.abc import Iterator
from dataclasses import replace

from migrate import rules
from migrate.diagnostics import Diagnostic, Label
from migrate.discover import Driver, Repository
from migrate.dockerfile.reader import read_dockerfile
from migrate.drivers.script import Start
from migrate.outcome import BuildOutcome, Status
from migrate.pipeline.following import Inputs
from migrate.pipeline.refining import version
from migrate.plan.baking import bake_targets
from migrate.proof.prove import Given, prove
from migrate.provenance.images import same_image
from migrate.render.bake import BAKE_FILE, render_bake
from migrate.source import FileChange, Span, decode, encode
from migrate.trace.events import HostChange, ImageBuild, Opaque
from migrate.trace.values import Value


def baked(repository: Repository, outcome: BuildOutcome, how: tuple[Driver, Start], inputs: Inputs) -> BuildOutcome:
    """`outcome` with a bake file among its changes, or with the reason why there is none. `how` is what builds its images."""
    driver, start = how
    texts = {c.path: None if c.after is None else decode(c.after) for c in outcome.changes}
    changed = repository.changed(texts)
    before = version(changed, driver.path, start, inputs)
    builds = [e for e in before.trace.events if isinstance(e, ImageBuild)]
    if len(builds) < 2:
        return _told(outcome, "one image needs no bake file: `docker build` makes it")
    if changed.kind(BAKE_FILE) is not None:
        return _told(outcome, f"`{BAKE_FILE}` is there already")
    other = next((e for e in before.trace.events if isinstance(e, HostChange | Opaque)), None)
    if other is not None:
        return _told(outcome, "the driver does more than build", other.span)
    for build in builds:
        tags = [t for b in builds if b is not build for t in b.tags]
        base = next((i for i in _images(changed, build) if any(same_image(Value.of(i), t) for t in tags)), None)
        if base is not None:
            return _told(outcome, f"this image is made from another one, `{base}`", build.span)
    targets, why_not = bake_targets(_for_anyone(changed, how, inputs, builds))
    if why_not:
        return replace(outcome, diagnostics=(*outcome.diagnostics, *why_not))
    text = render_bake(targets)
    change = FileChange(path=BAKE_FILE, before=None, after=encode(text))
    after = version(repository.changed({**texts, BAKE_FILE: text}), driver.path, start, inputs)
    proof = prove(before, after, (change,), Given(facts={}, dockerfiles={}, buildkit=True))
    copied = tuple(d for d in proof.assumptions if d.rule is rules.CHANGED_FILE_COPIED)
    if proof.difference is not None:
        return _told(outcome, "an image would hold it")
    status = Status.PLANNED if outcome.status is Status.UNCHANGED else outcome.status
    return replace(
        outcome, status=status, changes=(*outcome.changes, change), diagnostics=(*outcome.diagnostics, *copied)
    )


def _for_anyone(
    repository: Repository, how: tuple[Driver, Start], inputs: Inputs, builds: list[ImageBuild]
) -> list[ImageBuild]:
    """The same builds as the driver makes them for somebody who sets other variables, where they are the same."""
    driver, start = how
    if not inputs.environment:
        return builds
    again = version(repository, driver.path, start, replace(inputs, environment={}))
    found = [e for e in again.trace.events if isinstance(e, ImageBuild)]
    same = [(e.dockerfile, e.context) for e in found] == [(e.dockerfile, e.context) for e in builds]
    return found if same else builds


def _images(repository: Repository, build: ImageBuild) -> Iterator[str]:
    """What a build's Dockerfile names as an image."""
    source = repository.source(build.dockerfile) if build.dockerfile is not None else None
    dockerfile, _ = read_dockerfile(source) if source is not None else (None, ())
    for stage in dockerfile.stages if dockerfile is not None else ():
        yield stage.image.text
        yield from (f.value for i in stage.instructions if (f := i.flag("from")) is not None and f.value)


def _told(outcome: BuildOutcome, message: str, place: Span | None = None) -> BuildOutcome:
    label = Label(span=place) if place is not None else None
    told = Diagnostic(rule=rules.NOT_BAKED, message=message, primary=label)
    return replace(outcome, diagnostics=(*outcome.diagnostics, told))
