"""The static phases for one driver: read, trace, follow back, plan, render, read back. Nothing is started or written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from types import MappingProxyType

from migrate import rules
from migrate.diagnostics import Diagnostic, Severity, at, has_errors
from migrate.discover import Driver, DriverKind, Repository, is_compose_file
from migrate.drivers.compose import FILES
from migrate.drivers.package import is_package, read_package
from migrate.drivers.script import (
    Start,
    composed_start,
    job_start,
    jobs_of,
    make_start,
    named_beside,
    npm_start,
    read_driver,
    starts,
)
from migrate.drivers.unread import COPIES_OUT, taken_out, taken_out_by_pipeline
from migrate.pipeline.composed import made_for_compose
from migrate.pipeline.following import Inputs, following, traced
from migrate.pipeline.goals import MAX_GOALS, Follow, Goals, find_goals, has_client, targets_of
from migrate.pipeline.missing import lacks_sources, services_make_sources
from migrate.pipeline.other_targets import folders_of_others, left_unread, other_targets
from migrate.pipeline.proving import Evidence, prove_analysis, with_assumptions
from migrate.pipeline.read_back import read_back
from migrate.pipeline.references import told_references
from migrate.pipeline.staying import check_staying
from migrate.plan.callers import followed_files
from migrate.plan.model import Facts, MigrationPlan
from migrate.plan.stages import plan
from migrate.proof.model import Proof
from migrate.proof.prove import Version
from migrate.provenance.derive import derive, extracts, only_shows
from migrate.render.changes import render_changes
from migrate.render.lines import UncertainEditError
from migrate.render.references import find_references
from migrate.source import FileChange, SourceFile, Span, decode
from migrate.trace.commands import mentions_client
from migrate.trace.events import Compose, ContainerCreate, Extraction, ImageBuild, Trace

_COMPOSE_RUNS = frozenset({"run", "up", "create", "start", "exec", "cp"})

NO_FACTS: Facts = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """`legacy` is whether the driver takes anything out of a container at all. `plan` and `changes` are there where it
    migrates; the diagnostics say why not, or under which assumptions. `proof` is there with them: whether the images are the
    same, as far as the texts say."""

    driver: Driver
    start: Start
    legacy: bool
    plan: MigrationPlan | None
    changes: tuple[FileChange, ...]
    diagnostics: tuple[Diagnostic, ...]
    trace: Trace | None = None
    proof: Proof | None = None


def analyse(
    repository: Repository, driver: Driver, inputs: Inputs, facts: Facts = NO_FACTS, *, buildkit: bool = True
) -> Analysis:
    """Plan the migration of what `driver` builds. `facts` are what an engine said of the artifacts, `buildkit` is which builder
    will build it."""
    source, diagnostics = read_driver(repository, driver)
    start = starts(driver)[0]
    if source is None:
        legacy = bool(diagnostics) and (not is_compose_file(driver.path) or services_make_sources(repository, None))
        return _stopped(driver, start, diagnostics, legacy=legacy)
    ways = _STARTS.get(driver.kind, _script_starts)
    stopped: list[Analysis] = []
    for attempt in ways(repository, driver, source, inputs):
        analysis = _analysed(repository, driver, source, attempt, inputs, facts, buildkit=buildkit)
        if analysis.plan is not None:
            return analysis
        stopped.append(analysis)
    if driver.kind is DriverKind.JENKINSFILE and not any(a.legacy for a in stopped):
        stopped += _seeming(repository, driver, source)
    # what the environment decides keeps nobody from it who has none of its own; the reason that stays is told
    staying = next((a for a in stopped if a.legacy and not _lacks_a_value(a)), None)
    return staying or next(iter(stopped), _stopped(driver, start, (), legacy=False))


def _seeming(repository: Repository, driver: Driver, source: SourceFile) -> Iterator[Analysis]:
    """A pipeline of which not all is followed, and that seems to take out what a Dockerfile lacks by what isn't."""
    jobs = jobs_of(source)
    gaps = not jobs or any(j.unread or any(s.condition is not None for s in j.steps) for j in jobs)
    place = taken_out_by_pipeline(source) if gaps and lacks_sources(repository) else None
    if place is not None:
        message = "a legacy build seems to be driven by steps that are not followed"
        yield _stopped(
            driver, job_start("pipeline", bare=False), (at(rules.DRIVER_NOT_READ, message, place),), legacy=True
        )


def _lacks_a_value(analysis: Analysis) -> bool:
    return any(d.rule is rules.VALUE_UNKNOWN for d in analysis.diagnostics)


def _analysed(
    repository: Repository,
    driver: Driver,
    source: SourceFile,
    start: Start,
    inputs: Inputs,
    facts: Facts,
    *,
    buildkit: bool,
) -> Analysis:
    """One way to start the driver through the phases."""
    followed, diagnostics = traced(repository, source, start, inputs)
    if followed is None:
        return _stopped(driver, start, diagnostics, legacy=True)
    diagnostics += _without_arguments(followed, start, inputs)
    if not extracts(followed) and not _may_extract(repository, source, start, followed, diagnostics):
        return _stopped(driver, start, (), followed, legacy=False)
    diagnostics += followed.diagnostics
    if has_errors(diagnostics):
        return _stopped(driver, start, diagnostics, followed, legacy=True)
    provenance, found = derive(followed, repository)
    diagnostics += found
    if provenance is None or has_errors(found):
        return _stopped(driver, start, diagnostics, followed, legacy=True)
    if extracts(followed) and only_shows(followed, provenance):
        return _stopped(driver, start, (), followed, legacy=False)
    follow = following(repository, driver, source, start, inputs)
    others = _other_names(source, start)
    folders = folders_of_others(followed, others, follow)
    planned, found = plan(followed, provenance, facts, buildkit=buildkit, needed_folders=folders)
    diagnostics += found
    if planned is None:
        return _stopped(driver, start, diagnostics, followed, legacy=True)
    try:
        changes = render_changes(planned)
    except UncertainEditError as error:
        uncertain = at(rules.DRIVER_EDIT_UNCERTAIN, error.reason, _first_line(error.span.origin))
        uncertain = replace(uncertain, notes=_by_hand(planned))
        return _stopped(driver, start, (*diagnostics, uncertain), followed, legacy=True)
    analysis = replace(_stopped(driver, start, diagnostics, followed, legacy=True), plan=planned, changes=changes)
    evidence = Evidence(provenance=provenance, facts=facts, buildkit=buildkit)
    return _settled(repository, driver, source, inputs, analysis, others, follow, evidence)


def _settled(
    repository: Repository,
    driver: Driver,
    source: SourceFile,
    inputs: Inputs,
    analysis: Analysis,
    others: tuple[str, ...],
    follow: Follow,
    evidence: Evidence,
) -> Analysis:
    """A plan held to what the driver did: read back, by what others need of it, and without what must stay for them."""
    planned, changes, followed, start = analysis.plan, analysis.changes, analysis.trace, analysis.start
    if planned is None or followed is None:
        return analysis
    diagnostics = analysis.diagnostics
    again, found = read_back(repository, driver, planned, changes, start, inputs, followed)
    what = "script" if is_package(driver.path) else "target"
    said, needed = other_targets(repository, planned, others, follow, what=what)
    beside, asked = left_unread(repository, planned)
    said, needed = (*said, *beside), needed or asked
    if not has_errors(found) and not has_errors(said):
        said = (*said, *_others_staying(repository, driver, planned, changes, start, inputs, others, follow))
    if start.job is not None or is_package(driver.path):
        staying = planned.driver.gone if start.job is not None else followed.remaining
        named = named_beside(source, (p for p in planned.driver.gone if p in staying))
        if named is not None:
            message = f"`{named[0]}` is named here, and is no longer there after the migration"
            said = (*said, at(rules.DRIVER_EDIT_UNCERTAIN, message, named[1]))
    diagnostics += said
    references = find_references(repository, planned, changes, followed_files(followed), followed.remaining)
    naming = next(((m.path, m.spans[0].file.path) for m in references.left if m.runs and m.path is not None), None)
    if (
        (needed or naming is not None)
        and not has_errors(found)
        and (kept := _keeping(repository, driver, planned, start, inputs, followed, naming)) is not None
    ):
        planned, changes, again, found = kept
    found = (*found, *(d for d in said if d.severity is Severity.ERROR))
    diagnostics = tuple(d for d in diagnostics if d not in found)
    if (
        has_errors(found)
        and not has_errors(said)
        and (kept := _keeping(repository, driver, planned, start, inputs, followed)) is not None
    ):
        planned, changes, again, found = kept
    settled = replace(analysis, diagnostics=(*diagnostics, *found))
    if has_errors(found) or again is None:
        return replace(settled, plan=None, changes=())
    if planned is not analysis.plan:
        references = find_references(repository, planned, changes, followed_files(followed), followed.remaining)
    if references.changes:
        changes = (*changes, *references.changes)
        again, found = read_back(repository, driver, planned, changes, start, inputs, followed)
        if has_errors(found) or again is None:
            return replace(settled, diagnostics=(*diagnostics, *found), plan=None, changes=())
    told = told_references(references, settled.diagnostics)
    settled = replace(settled, plan=planned, changes=changes, diagnostics=(*settled.diagnostics, *told))
    proof = prove_analysis(repository, followed, changes, again, evidence)
    proof, found = with_assumptions(proof, settled.diagnostics, planned.place)
    return replace(settled, proof=proof, diagnostics=found)


def _may_extract(
    repository: Repository, source: SourceFile, start: Start, followed: Trace, diagnostics: tuple[Diagnostic, ...]
) -> bool:
    """Whether what can't be followed of a driver may take something out of a container, by what it says and what is missing."""
    composed = [e for e in followed.events if isinstance(e, Compose)]
    unread = has_errors((*diagnostics, *followed.diagnostics)) or any(e.unread is not None for e in composed)
    if not unread:
        return False
    if COPIES_OUT.search(source.text) or (followed.remaining and not start.is_script):
        return True
    if any(e.verb in _COMPOSE_RUNS for e in composed) and services_make_sources(repository, source):
        return True
    ran = SourceFile(path=source.path, text="\n".join(p.source.text for p in followed.pieces))
    return taken_out(ran) is not None and lacks_sources(repository)


def _stopped(
    driver: Driver, start: Start, diagnostics: tuple[Diagnostic, ...], trace: Trace | None = None, *, legacy: bool
) -> Analysis:
    return Analysis(
        driver=driver, start=start, legacy=legacy, plan=None, changes=(), diagnostics=diagnostics, trace=trace
    )


def _by_hand(planned: MigrationPlan) -> tuple[str, ...]:
    """The edits of the driver that a person has to make."""
    going = dict.fromkeys(c.span.origin for c in planned.driver.removed)
    lines = [f"{s}: `{' '.join(s.text.split())}` goes" for s in going]
    for edit in planned.driver.edits:
        old, new = edit.span.text.strip(), edit.text.strip()
        lines.append(f"{edit.span}: `{old}` becomes `{new}`" if old else f"{edit.span}: `{new}` is put in")
    for _, service in planned.driver.gone_services:
        lines.append(f"{service.key}: the service `{service.name}` goes")
    for changed in planned.driver.services:
        told = {"context": changed.context, "dockerfile": changed.dockerfile, "target": changed.target}
        told |= {f"args: {n}": v for n, v in changed.arguments}
        said = ", ".join(f"`{k}: {v}`" for k, v in told.items() if v is not None)
        lines.append(f"{changed.service.key}: the service `{changed.service.name}` is built by {said}")
    return ("\n".join(["by hand, the driver would change so:", *lines]),)


def _first_line(span: Span) -> Span:
    end = span.file.line_bounds(span.position.line)[1]
    return span.file.span(span.start, max(span.start, len(span.file.text[:end].rstrip())))


def _script_starts(repository: Repository, driver: Driver, source: SourceFile, inputs: Inputs) -> Iterator[Start]:
    """The place where its Dockerfiles are found, whatever the arguments are; without arguments where they decide what is
    built. The first one where none is whole; then the same in an environment that sets nothing."""
    given: tuple[tuple[str, ...] | None, ...] = (inputs.arguments,) if inputs.arguments else (None, ())
    attempts = []
    for start in (replace(s, arguments=arguments) for arguments in given for s in starts(driver)):
        followed, _ = traced(repository, source, start, inputs)
        if followed is None:
            yield start
            return
        attempts.append((start, followed))
    best, followed = min(attempts, key=lambda attempt: _doubts(attempt[1]))
    yield best
    if extracts(followed) and not any(isinstance(e, Compose) for e in followed.events):
        for path in repository.entries:
            if path.name in FILES and path.parent in (best.directory, PurePosixPath()):
                start = composed_start(best, driver, path, executable=repository.is_executable(driver.path))
                together, _ = traced(repository, source, start, inputs)
                if together is not None and made_for_compose(repository, followed.remaining, together):
                    yield start


def _make_starts(repository: Repository, driver: Driver, source: SourceFile, inputs: Inputs) -> Iterator[Start]:
    """The calls of make that come to the images, whatever the environment is: one after the other, all in one, or each in a
    checkout of its own; then in one that sets nothing of its own."""
    written = list(inputs.targets) or list(targets_of(source))
    for bare in (False, True):
        start = make_start(driver, (), inputs.arguments, bare=bare)
        follow = following(repository, driver, source, start, inputs)
        expanded = () if inputs.targets else follow(tuple(written[:1])).targets
        names = [*written, *(t for t in expanded if t not in written and not t.startswith("."))]
        goals = Goals(names=inputs.targets) if inputs.targets else None
        if goals is None and has_client(source):
            goals = find_goals(repository, names, follow)
        if goals is not None:
            yield make_start(driver, goals.names, inputs.arguments, bare=bare)
        if goals is not None and len(goals.names) > 1:
            yield make_start(driver, goals.names, inputs.arguments, bare=bare, together=True)
        if goals is not None and goals.afresh:
            yield make_start(driver, goals.names, inputs.arguments, bare=bare, afresh=goals.afresh)


def _npm_starts(repository: Repository, driver: Driver, source: SourceFile, inputs: Inputs) -> Iterator[Start]:
    """The scripts of a package.json that come to the images, whatever the environment is; then in one that sets nothing."""
    for bare in (False, True):
        start = npm_start(driver, (), inputs.arguments, bare=bare)
        follow = following(repository, driver, source, start, inputs)
        written = read_package(source).scripts
        names = [s.name for s in written] if any(mentions_client(s.text) for s in written) else []
        goals = Goals(names=inputs.targets) if inputs.targets else find_goals(repository, names, follow)
        scripts = goals.names if goals is not None else None
        if scripts is not None:
            yield npm_start(driver, scripts, inputs.arguments, bare=bare)
        if scripts is not None and len(scripts) > 1:
            for script in scripts:
                yield npm_start(driver, (script,), inputs.arguments, bare=bare)


def _job_starts(repository: Repository, driver: Driver, source: SourceFile, inputs: Inputs) -> Iterator[Start]:
    """The jobs of a CI file that take something out of a container, or can't be followed."""
    del driver
    jobs = [j.name for j in jobs_of(source) if not inputs.targets or j.name in inputs.targets]
    for name in dict.fromkeys(jobs):
        start = job_start(name, bare=False)
        followed, _ = traced(repository, source, start, inputs)
        if followed is None or extracts(followed) or has_errors(followed.diagnostics):
            yield start
            yield replace(start, bare=True)


_STARTS = {
    DriverKind.MAKEFILE: _make_starts,
    DriverKind.WORKFLOW: _job_starts,
    DriverKind.PACKAGE: _npm_starts,
    DriverKind.JENKINSFILE: _job_starts,
}


def _doubts(followed: Trace) -> tuple[bool, bool, bool]:
    """What speaks against a way to start a script, the weightiest first; the first of equal ones is taken."""
    builds = [e for e in followed.events if isinstance(e, ImageBuild)]
    missing = any(b.dockerfile is not None and b.workspace.node(b.dockerfile) is None for b in builds)
    positional = re.compile(r"\$(?:[@*#\d]|\{[@*#\d])")
    deciding = [s for s in followed.steps if isinstance(s.event, ImageBuild | Extraction | ContainerCreate)]
    asked = any(positional.search(c.span.text) for s in deciding for c in s.conditions if not c.decided)
    return missing or not builds, has_errors(followed.diagnostics), asked


def _without_arguments(followed: Trace, start: Start, inputs: Inputs) -> tuple[Diagnostic, ...]:
    """Said where the arguments decide what is built, and none were given."""
    found: tuple[Diagnostic, ...] = ()
    if start.bare and followed.unset:
        names = ", ".join(f"`{n}`" for n, _ in followed.unset[:6]) + (" …" if len(followed.unset) > 6 else "")
        message = f"what is built here depends on the environment: it is taken to set none of {names}"
        found = (at(rules.STARTED_WITHOUT_ENVIRONMENT, message, followed.unset[0][1]),)
    if start.arguments is None or inputs.arguments or not start.is_script:
        return found
    message = "what this script does depends on its arguments: it is followed as started without any"
    place = followed.source.span(0, len(followed.source.line(1)))
    return (*found, at(rules.STARTED_WITHOUT_ARGUMENTS, message, place))


def _other_names(source: SourceFile, start: Start) -> tuple[str, ...]:
    """The targets of a Makefile, or the scripts of a package.json, that are not made here."""
    if not start.commands or start.script is not None:
        return ()
    package = is_package(source.path)
    named = [s.name for s in read_package(source).scripts] if package else list(targets_of(source))
    made = {word for words in start.commands for word in (words[2:3] if package else words)}
    return tuple(n for n in named if n not in made)


def _keeping(
    repository: Repository,
    driver: Driver,
    planned: MigrationPlan,
    start: Start,
    inputs: Inputs,
    before: Trace,
    naming: tuple[PurePosixPath, PurePosixPath] | None = None,
) -> tuple[MigrationPlan, tuple[FileChange, ...], Version | None, tuple[Diagnostic, ...]] | None:
    """The plan that leaves the builders' Dockerfiles where they are, where the script asks for them or another file names one
    (`naming`: which one, and who): None where that is no help either."""
    removed = [p for g in planned.groups for p in g.removed]
    if not removed:
        return None
    gone = tuple(p for p in planned.driver.gone if p not in removed)
    kept = replace(
        planned,
        groups=tuple(replace(g, removed=()) for g in planned.groups),
        driver=replace(planned.driver, gone=gone),
    )
    changes = render_changes(kept)
    again, found = read_back(repository, driver, kept, changes, start, inputs, before)
    if has_errors(found):
        return None
    what, why = (
        (removed[0], "the driver needs it elsewhere") if naming is None else (naming[0], f"`{naming[1]}` names it")
    )
    message = f"`{what}` stays: {why}, though these images are no longer built from it"
    return kept, changes, again, (at(rules.BUILDER_FILE_KEPT, message, planned.place),)


def _others_staying(
    repository: Repository,
    driver: Driver,
    planned: MigrationPlan,
    changes: tuple[FileChange, ...],
    start: Start,
    inputs: Inputs,
    names: tuple[str, ...],
    follow: Follow,
) -> tuple[Diagnostic, ...]:
    """The first of a Makefile's other targets that would come to something else."""
    changed = repository.changed({c.path: None if c.after is None else decode(c.after) for c in changes})
    source = changed.source(driver.path)
    if source is None:
        return ()
    after = following(changed, driver, source, start, inputs)
    kept = targets_of(source)
    for name in (n for n in names[:MAX_GOALS] if n in kept):
        found = check_staying(planned, follow((name,)), after((name,)))
        if found and not _lacks_a_dockerfile(repository, follow((name,))):
            return tuple(replace(d, message=f"{d.message} (target `{name}`)") for d in found)
    return ()


def _lacks_a_dockerfile(repository: Repository, followed: Trace) -> bool:
    """Whether a target builds from a file that isn't there, before or after: what it comes to can't be told (MS447)."""
    paths = (e.dockerfile for e in followed.events if isinstance(e, ImageBuild) and e.dockerfile is not None)
    return any(repository.kind(p) is None for p in paths)
