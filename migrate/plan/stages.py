"""The plan as a whole: which build is the builder, which the runtime, and how their Dockerfiles become one."""

from migrate import rules
from migrate.diagnostics import Diagnostic, at, has_errors
from migrate.dockerfile.instructions import Dockerfile, Stage
from migrate.image import ImageReference
from migrate.plan.context import check_context
from migrate.plan.copies import CopyPlanner
from migrate.plan.driver import plan_driver
from migrate.plan.joining import check_joinable, uses_of_builder
from migrate.plan.model import ArtifactKey, Facts, StagePlan
from migrate.plan.options import join_options
from migrate.provenance import Provenance, same_image
from migrate.source import Edit, Span
from migrate.trace.events import ImageBuild, Trace

_NAMES = ("builder", "build", "build-stage", "artifact-builder")


def plan(trace: Trace, provenance: Provenance, facts: Facts) -> tuple[StagePlan | None, tuple[Diagnostic, ...]]:
    """`facts` are what an engine said of the artifacts, by builder and path; without it owners are written out."""
    shape = _shape(trace, provenance)
    if has_errors(shape):
        return None, shape
    builder, runtime = provenance.builders[0], provenance.runtimes[0]
    found = [*shape, *check_joinable(builder, runtime), *check_context(builder, runtime, trace.script.source.path)]
    name, name_diagnostics = _stage_name(builder.dockerfile, runtime.dockerfile)
    copies = CopyPlanner(builder, runtime, name, facts)
    runtime_edits = [e for c in provenance.copies for e in copies.edits(c)]
    options = join_options(builder, runtime)
    driver, driver_diagnostics = plan_driver(trace, provenance, builder, runtime, options.words)
    found += [*name_diagnostics, *copies.diagnostics, *options.diagnostics, *driver_diagnostics]
    diagnostics = tuple(found)
    if has_errors(diagnostics):
        return None, diagnostics
    moved = tuple(i.span for i in runtime.dockerfile.global_arguments)
    runtime_edits += [Edit(span=_whole_lines(s), text="") for s in moved]
    runtime_edits += [Edit(span=_whole_lines(d.span), text="") for d in runtime.dockerfile.directives]
    result = StagePlan(
        builds=tuple(e for e in trace.events if isinstance(e, ImageBuild)),
        builder=builder,
        runtime=runtime,
        stage_name=name,
        builder_edits=_name_stage(builder.dockerfile.stages[-1], name),
        runtime_edits=tuple(runtime_edits),
        moved_arguments=moved,
        driver=driver,
        artifacts=tuple(
            dict.fromkeys(ArtifactKey(builder=o.builder, source=o.source) for c in provenance.copies for o in c.origins)
        ),
        diagnostics=diagnostics,
    )
    return result, diagnostics


def _shape(trace: Trace, provenance: Provenance) -> tuple[Diagnostic, ...]:
    """One builder, one runtime, each its own image; whatever else is there is said."""
    found = [
        at(rules.ARTIFACT_UNUSED, f"`{e.source}` is extracted, and no image of this script takes it", e.span)
        for e in provenance.unused
    ]
    for kind, builds in (("builders", provenance.builders), ("runtimes", provenance.runtimes)):
        if len(builds) > 1:
            found.append(
                at(rules.SHAPE_NOT_PLANNED, f"a script with {len(builds)} {kind} is not planned", builds[1].event.span)
            )
    if has_errors(tuple(found)) or not provenance.builders or not provenance.runtimes:
        return tuple(found)
    builder, runtime = provenance.builders[0], provenance.runtimes[0]
    if builder.context != runtime.context:
        message = f"the builder's build context is `{builder.context}`, the runtime's `{runtime.context}`"
        found.append(at(rules.DIFFERENT_CONTEXTS, message, runtime.event.span))
    if builder.path == runtime.path:
        found.append(at(rules.SHAPE_NOT_PLANNED, "both builds use one Dockerfile", runtime.event.span))
    if any(same_image(a, b) for a in builder.event.tags for b in runtime.event.tags):
        found.append(at(rules.BUILDER_IMAGE_USED, "builder and runtime have one tag", runtime.event.span))
    if builder.event.number > runtime.event.number:
        found.append(at(rules.SHAPE_NOT_PLANNED, "the runtime is built before the builder", runtime.event.span))
    found += uses_of_builder(builder, (*provenance.runtimes, *provenance.others))
    found += [
        at(rules.SHAPE_NOT_PLANNED, f"`{e.dockerfile}` is built a second time", e.span)
        for e in trace.events
        if isinstance(e, ImageBuild) and e is not builder.event and e.dockerfile == builder.path
    ]
    return tuple(found)


def _stage_name(builder: Dockerfile, runtime: Dockerfile) -> tuple[str, list[Diagnostic]]:
    """The builder's own name for its last stage, else the first usual one that hides nothing (semantics.md 3, rule 4)."""
    stages = (*builder.stages, *runtime.stages)
    taken = {s.name.text.lower() for s in stages if s.name}
    images = {s.image.text for s in stages} | {
        f.value for s in stages for i in s.instructions if (f := i.flag("from")) is not None and f.value is not None
    }
    hidden = {
        r.path.removeprefix("library/")
        for i in images
        if (r := ImageReference.parse(i)) is not None and r.domain == "docker.io"
    }
    own = builder.stages[-1].name
    clashes = [
        s.name
        for s in runtime.stages
        if s.name and s.name.text.lower() in {b.name.text.lower() for b in builder.stages if b.name}
    ]
    found = [at(rules.STAGE_NAME_TAKEN, f"both Dockerfiles have a stage `{c.text}`", c.span) for c in clashes]
    hides = [
        s.name
        for s in builder.stages
        if s.name and s.name.text.lower() in {r.image.text.lower() for r in runtime.stages}
    ]
    found += [
        at(rules.STAGE_NAME_TAKEN, f"the stage `{h.text}` would hide an image of that name", h.span) for h in hides
    ]
    if own is not None:
        return own.text, found
    free = next((n for n in _NAMES if n not in taken and n not in hidden), None)
    return free or f"builder-{len(stages)}", found


def _name_stage(stage: Stage, name: str) -> tuple[Edit, ...]:
    if stage.name is not None:
        return ()
    end = stage.image.span.end
    keyword = stage.span.file.text[stage.instruction.span.start : stage.instruction.span.start + 4]
    word = "as" if keyword.islower() else "AS"
    return (Edit(span=stage.span.file.span(end, end), text=f" {word} {name}"),)


def _whole_lines(span: Span) -> Span:
    """The span with the line end behind it."""
    text, end = span.file.text, span.end
    while end < len(text) and text[end] in " \t\r":
        end += 1
    return span.file.span(span.start, end + 1 if end < len(text) and text[end] == "\n" else end)
