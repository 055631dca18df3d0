"""A whole repository: every legacy build found, planned, built both ways where asked, and written."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path, PurePosixPath

from migrate import rules
from migrate.apply import RefusedError, apply, backup_directory, recover, undo
from migrate.diagnostics import Diagnostic, Label, Severity
from migrate.discover import (
    Driver,
    DriverKind,
    Repository,
    find_callers,
    find_drivers,
    is_compose_file,
    named_driver,
    scan,
)
from migrate.drivers.unread import find_unread
from migrate.engine.steps import Report
from migrate.outcome import BuildOutcome, MigrationOutcome, Status, Undone
from migrate.pipeline.against import verify_against
from migrate.pipeline.analysis import Analysis, analyse
from migrate.pipeline.baking import baked
from migrate.pipeline.dividing import divided
from migrate.pipeline.following import Inputs
from migrate.pipeline.rebuilding import rebuild
from migrate.pipeline.refining import Refinement, build_start, multi_stage, named_stages
from migrate.pipeline.single import split_single
from migrate.pipeline.verification import Verified, VerifyOptions, verify
from migrate.revision import Revision, RevisionError, uncommitted
from migrate.source import FileChange
from migrate.trace.events import ImageBuild


class Mode(Enum):
    WRITE = "write"
    DRY_RUN = "dry run"
    CHECK = "check"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asked for. `options` say how both sides are built and compared, where `verify` is set; `against` is the state
    that the legacy side is taken from, where the migration is made already (with Mode.VERIFY); with `force` also over
    files that git has no commit of; with `split` builders are divided into stages that are built side by
    side; with `bake` several images get a bake file. With `base`, a Dockerfile of one stage gets a second one on that image
    instead."""

    root: Path
    mode: Mode = Mode.WRITE
    output: Path | None = None
    verify: bool = True
    driver: PurePosixPath | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    options: VerifyOptions = field(default_factory=VerifyOptions)
    against: Revision | None = None
    force: bool = False
    split: bool = False
    bake: bool = False
    base: str | None = None


def migrate(request: Request, report: Report) -> MigrationOutcome:
    """Find, plan, verify and write. Files are written only after every build of the repository has ended well."""
    unfinished = recover(request.root)
    if unfinished:
        failed = BuildOutcome(driver=PurePosixPath(), status=Status.REFUSED, changes=(), diagnostics=unfinished)
        return MigrationOutcome(root=request.root, builds=(failed,), has_dockerfile=True)
    repository = scan(request.root)
    inputs = Inputs(arguments=request.arguments, environment=request.environment, targets=request.targets)
    drivers = (named_driver(request.driver),) if request.driver is not None else None
    if request.against is not None:
        outcomes = verify_against(
            request.root,
            request.against,
            lambda earlier: found_builds(earlier, inputs, drivers),
            inputs,
            request.options,
            report,
        )
        return MigrationOutcome(root=request.root, builds=outcomes, has_dockerfile=repository.has_dockerfile)
    if request.base is not None:
        single = _single(request, repository, request.base, inputs, report)
        return _written(request, repository, (single,))
    analyses = found_builds(repository, inputs, drivers)
    outcomes = tuple(_migrated(request, repository, inputs, a, report) for a in analyses)
    if request.mode is not Mode.CHECK and drivers is None:
        refined = _refined(request, repository, inputs, _taken(analyses), report)
        outcomes += tuple(map(_beside, refined)) if outcomes else refined
    return _written(request, repository, outcomes)


def _written(request: Request, repository: Repository, outcomes: tuple[BuildOutcome, ...]) -> MigrationOutcome:
    """Written where that was asked for."""
    if request.mode is Mode.WRITE:
        outcomes = _write(request, outcomes)
    written = request.output is None and any(o.status is Status.WRITTEN for o in outcomes)
    return MigrationOutcome(
        root=request.root,
        builds=outcomes,
        has_dockerfile=repository.has_dockerfile,
        backup=backup_directory(request.root) if written else None,
    )


def _single(request: Request, repository: Repository, base: str, inputs: Inputs, report: Report) -> BuildOutcome:
    """One stage to two."""
    outcome = split_single(repository, base, inputs, request.options, report)
    return _unless_uncommitted(request, outcome)


def _migrated(
    request: Request, repository: Repository, inputs: Inputs, analysis: Analysis, report: Report
) -> BuildOutcome:
    """One legacy build, and its builders divided where that is asked for."""
    outcome = _judge(request, repository, inputs, analysis, report)
    if request.split and outcome.status in _WELL and analysis.plan is not None:
        for group in analysis.plan.groups:
            how = (analysis.driver, analysis.start)
            outcome = divided(repository, outcome, group.path, how, inputs, request.options, report)
    if request.bake and outcome.status in _WELL:
        outcome = baked(repository, outcome, (analysis.driver, analysis.start), inputs)
    return outcome


def _refined(
    request: Request, repository: Repository, inputs: Inputs, taken: frozenset[PurePosixPath], report: Report
) -> tuple[BuildOutcome, ...]:
    """The Dockerfiles that are multi-stage already, none of `taken`; those of which there is something to say."""
    found = []
    for path, dockerfile in multi_stage(repository):
        if path in taken:
            continue
        outcome = BuildOutcome(driver=path, status=Status.UNCHANGED, changes=(), diagnostics=())
        refinement = named_stages(repository, dockerfile, inputs)
        if refinement is not None:
            outcome = _judge_refinement(request, repository, inputs, refinement, report)
        how = (Driver(path=path, kind=DriverKind.SCRIPT), build_start(repository, dockerfile))
        well = outcome.status in (*_WELL, Status.UNCHANGED)
        if request.split and well:
            outcome = divided(repository, outcome, path, how, inputs, request.options, report)
        if request.bake and well:
            outcome = baked(repository, outcome, how, inputs)
        if outcome.changes or outcome.diagnostics:
            found.append(outcome)
    return tuple(found)


def _beside(outcome: BuildOutcome) -> BuildOutcome:
    """A Dockerfile beside a legacy build: that it doesn't build here as it stands is no matter of the migration."""
    failed = next((d for d in outcome.diagnostics if d.rule is rules.LEGACY_BUILD_FAILS), None)
    if outcome.status is not Status.BUILD_FAILED or failed is None:
        return outcome
    message = f"its stages get no names: {failed.message}"
    return replace(
        outcome, status=Status.UNCHANGED, diagnostics=(replace(failed, rule=rules.NOT_NAMED, message=message),)
    )


def _taken(analyses: Sequence[Analysis]) -> frozenset[PurePosixPath]:
    """The Dockerfiles of legacy builds, migrated or not."""
    built = {e.dockerfile for a in analyses if a.trace is not None for e in a.trace.events if isinstance(e, ImageBuild)}
    return frozenset({p for p in built if p is not None} | {c.path for a in analyses for c in a.changes})


def undo_migration(root: Path) -> Undone:
    """Take back the last migration of `root`."""
    try:
        return Undone(restored=undo(root), diagnostics=())
    except RefusedError as refused:
        return Undone(restored=(), diagnostics=refused.diagnostics)


_WELL = (Status.PLANNED, Status.VERIFIED)

_NEEDS = (rules.COMMAND_TOUCHES_ARTIFACT, rules.BUILDER_IMAGE_USED, rules.DRIVER_EDIT_UNCERTAIN)
"""What is found where a command stays that needs what would go."""


def found_builds(repository: Repository, inputs: Inputs, drivers: tuple[Driver, ...] | None = None) -> list[Analysis]:
    """The legacy builds of a repository through the static phases; of all drivers that are found, or of those named."""
    candidates = find_drivers(repository) if drivers is None else drivers
    analyses = [a for d in candidates if (a := analyse(repository, d, inputs)).legacy]
    if drivers is None and analyses:
        callers = [a for d in find_callers(repository, candidates) if (a := analyse(repository, d, inputs)).legacy]
        analyses = [_unless_needed(a, (*analyses, *callers)) for a in _with_callers(analyses, callers)]
    found = _apart([a for a in analyses if not is_compose_file(a.driver.path)] or analyses)
    return found + _not_read(repository, inputs, found) if drivers is None else found


def _with_callers(analyses: list[Analysis], callers: list[Analysis]) -> list[Analysis]:
    """A script that only starts a driver counts where the two together come to a plan, or where the driver itself takes things
    out for nobody: then it is the caller that says why not."""
    result = []
    told: list[Analysis] = []
    for analysis in analyses:
        errors = {d.rule for d in analysis.diagnostics if d.severity is Severity.ERROR}
        starting = [c for c in (*analyses, *callers) if c is not analysis and _starts(c, analysis.driver.path)]
        if errors == {rules.ARTIFACT_UNUSED} and starting:
            told += starting
        else:
            result.append(analysis)
    return [*result, *(c for c in callers if c.plan is not None or any(c is t for t in told))]


def _unless_needed(analysis: Analysis, others: Sequence[Analysis]) -> Analysis:
    """A script's plan, unless one that starts the script needs what would go."""
    if analysis.plan is None or analysis.trace is None:
        return analysis
    followed = {p.source.whole().origin.file.path for p in analysis.trace.pieces}
    for other in others:
        if other.plan is not None or other is analysis or not _starts(other, analysis.driver.path):
            continue
        for found in other.diagnostics:
            if found.rule in _NEEDS and found.primary and found.primary.span.origin.file.path not in followed:
                message = f"`{other.driver.path}` starts this, and would miss something: {found.message}"
                told = Diagnostic(
                    rule=rules.DRIVER_EDIT_UNCERTAIN, message=message, primary=Label(span=analysis.plan.place)
                )
                return replace(analysis, plan=None, changes=(), diagnostics=(*analysis.diagnostics, told))
    return analysis


def _starts(analysis: Analysis, path: PurePosixPath) -> bool:
    return analysis.trace is not None and any(p.source.path == path for p in analysis.trace.pieces)


def _not_read(repository: Repository, inputs: Inputs, found: list[Analysis]) -> list[Analysis]:
    """Drivers of kinds that aren't read, less those that a migration tells of."""
    labels = [
        d.primary for a in found if a.plan is not None for d in a.diagnostics if d.rule is rules.UNREAD_DRIVER_LEFT
    ]
    told = {label.span.file.path for label in labels if label is not None}
    return [analyse(repository, u.driver, inputs) for u in find_unread(repository) if u.driver.path not in told]


def _apart(analyses: list[Analysis]) -> list[Analysis]:
    """Builds that would change one file are refused: which of their drivers is to be kept is a person's to say."""
    analyses = _each_once(analyses)
    owners: dict[PurePosixPath, list[Analysis]] = {}
    for analysis in analyses:
        for change in analysis.changes:
            owners.setdefault(change.path, []).append(analysis)
    result = []
    for analysis in analyses:
        rivals = [a for c in analysis.changes for a in owners[c.path] if a is not analysis]
        if not rivals or analysis.plan is None:
            result.append(analysis)
            continue
        place = analysis.plan.place
        message = f"`{rivals[0].driver.path}` would change the same files"
        several = Diagnostic(
            rule=rules.SEVERAL_DRIVERS, message=message, primary=Label(span=place), help="name one with `--driver FILE`"
        )
        result.append(replace(analysis, plan=None, changes=(), diagnostics=(*analysis.diagnostics, several)))
    return result


def _each_once(analyses: list[Analysis]) -> list[Analysis]:
    """Drivers that come to the same migration, since one starts the other: the one whose own text changes stands for all. What a
    driver that migrates starts needs no plan of its own."""
    found: dict[tuple[FileChange, ...], list[Analysis]] = {}
    for analysis in analyses:
        found.setdefault(tuple(sorted(analysis.changes, key=lambda c: c.path)), []).append(analysis)
    spare = {
        id(a)
        for changes, same in found.items()
        if changes
        for a in same
        if a is not next((s for s in same if s.driver.path in {c.path for c in changes}), same[0])
    }
    changed = {c.path for a in analyses for c in a.changes if a.plan is not None}
    return [a for a in analyses if id(a) not in spare and (a.plan is not None or a.driver.path not in changed)]


def _judge(
    request: Request, repository: Repository, inputs: Inputs, analysis: Analysis, report: Report
) -> BuildOutcome:
    """One build up to the moment before writing."""
    outcome = BuildOutcome(
        driver=analysis.driver.path,
        status=Status.PLANNED if analysis.plan is not None else Status.REFUSED,
        changes=analysis.changes,
        diagnostics=analysis.diagnostics,
        started=None if analysis.start.is_script else analysis.start.name,
        proof=analysis.proof,
    )
    if analysis.plan is None:
        return outcome
    if request.mode is Mode.CHECK:
        return replace(outcome, status=Status.FOUND)
    if problems := _uncommitted(request, analysis.changes):
        diagnostics = (*outcome.diagnostics, *problems)
        return replace(outcome, status=Status.REFUSED, changes=(), diagnostics=diagnostics)
    if not request.verify:
        return _needing_engine(replace(outcome, not_verified="`--no-verify` was given"))
    verified = verify(repository, analysis, inputs, request.options, report)
    judged = _judged(request, outcome, verified)
    return _needing_engine(judged) if verified.status is Status.NO_ENGINE else judged


def _judge_refinement(
    request: Request, repository: Repository, inputs: Inputs, refinement: Refinement, report: Report
) -> BuildOutcome:
    """A Dockerfile that is multi-stage already, up to the moment before writing."""
    outcome = BuildOutcome(
        driver=refinement.driver.path,
        status=Status.PLANNED,
        changes=refinement.changes,
        diagnostics=refinement.diagnostics,
        started=refinement.what,
        proof=refinement.proof,
    )
    if problems := _uncommitted(request, refinement.changes):
        diagnostics = (*outcome.diagnostics, *problems)
        return replace(outcome, status=Status.REFUSED, changes=(), diagnostics=diagnostics)
    if not request.verify:
        return _needing_engine(replace(outcome, not_verified="`--no-verify` was given"))
    verified = rebuild(repository, refinement, inputs, request.options, report)
    judged = _judged(request, outcome, verified)
    return _needing_engine(judged) if verified.status is Status.NO_ENGINE else judged


def _uncommitted(request: Request, changes: tuple[FileChange, ...]) -> tuple[Diagnostic, ...]:
    """Files to be written in place that git could not give back; asked before anything is built."""
    if request.mode is not Mode.WRITE or request.output is not None or request.force:
        return ()
    try:
        paths = uncommitted(request.root, (c.path for c in changes if c.before is not None))
    except RevisionError as error:
        message = f"what is not committed can't be told: {error}"
        return (Diagnostic(rule=rules.UNCOMMITTED, message=message, help="with `--force` git is not asked"),)
    help_ = "commit or stash it, or give `--force`"
    return tuple(
        Diagnostic(rule=rules.UNCOMMITTED, message=f"`{p}` has changes that are not committed", help=help_)
        for p in paths
    )


_OPEN = {
    rules.STREAMED_DOCKERFILE_ASSUMED: "which file of the builder's image is this build's Dockerfile is assumed",
    rules.UNPACKED_IN_STAGE: "what the image's own `tar` makes of the owners is not known",
    rules.NOT_PROVED: "it is not proved that the images stay the same",
    rules.STREAM_OWNERS: "who owns these files depends on the builder, and the script doesn't say which one it is",
}
_WITH_AN_ENGINE = "run it where an engine is, without `--no-verify`"
_BUILDER_GIVEN = "or say which builder it is, `--env DOCKER_BUILDKIT=1` (BuildKit) or `0`"


def _needing_engine(outcome: BuildOutcome) -> BuildOutcome:
    """What depends on the builder or the image, and what is not proved, is not written unless it was built."""
    open_ = [d for d in outcome.diagnostics if d.rule in _OPEN]
    if not open_:
        return outcome
    owners = all(d.rule is rules.STREAM_OWNERS for d in open_)
    help_ = f"{_WITH_AN_ENGINE}; {_BUILDER_GIVEN}" if owners else _WITH_AN_ENGINE
    first = {d.rule: d for d in reversed(open_)}
    needed = [
        replace(
            d,
            rule=rules.ENGINE_NEEDED,
            message=f"{_OPEN[rule]}: without an engine that can't be decided",
            notes=(*((d.message,) if rule is rules.NOT_PROVED else ()), *d.notes),
            help=help_,
        )
        for rule, d in first.items()
    ]
    return replace(outcome, status=Status.REFUSED, changes=(), diagnostics=(*outcome.diagnostics, *needed))


def _judged(request: Request, outcome: BuildOutcome, verified: Verified) -> BuildOutcome:
    status = verified.status
    if status is Status.NO_ENGINE and request.mode is Mode.DRY_RUN:
        status = Status.PLANNED
    if status is Status.PLANNED and request.mode is Mode.VERIFY:
        status = Status.VERIFIED
    return replace(
        outcome,
        status=status,
        changes=verified.changes or outcome.changes,
        diagnostics=verified.diagnostics,
        proof=verified.proof or outcome.proof,
        verification=verified.verification,
        not_verified=verified.not_verified,
    )


def _write(request: Request, outcomes: tuple[BuildOutcome, ...]) -> tuple[BuildOutcome, ...]:
    """Write what ended well, all of it at once; a build that did not end well keeps nobody else from being written."""
    outcomes = tuple(_unless_uncommitted(request, o) for o in outcomes)
    ready = [o for o in outcomes if o.status is Status.PLANNED]
    changes = tuple(c for o in ready for c in o.changes)
    if not changes:
        return outcomes
    problems = apply(request.root, changes) if request.output is None else _write_copy(request, request.output, changes)
    status = Status.REFUSED if problems else Status.WRITTEN
    return tuple(
        replace(o, status=status, diagnostics=(*o.diagnostics, *problems)) if o.status is Status.PLANNED else o
        for o in outcomes
    )


def _unless_uncommitted(request: Request, outcome: BuildOutcome) -> BuildOutcome:
    """Once more, since what an engine said may have led to other changes, and a build takes its time."""
    problems = _uncommitted(request, outcome.changes) if outcome.status is Status.PLANNED else ()
    if not problems:
        return outcome
    return replace(outcome, status=Status.REFUSED, diagnostics=(*outcome.diagnostics, *problems))


def _write_copy(request: Request, output: Path, changes: tuple[FileChange, ...]) -> tuple[Diagnostic, ...]:
    """The migrated tree in a folder of its own, without the history; what was begun there is removed where it fails."""
    try:
        left_out = shutil.ignore_patterns(".git", ".ms-migrate")  # the history, and what `--undo` of PATH restores
        shutil.copytree(request.root, output, symlinks=True, dirs_exist_ok=True, ignore=left_out)
        for change in changes:
            target = output / change.path
            if change.after is None:
                target.unlink()
            else:
                target.write_bytes(change.after)
    except OSError as error:
        shutil.rmtree(output.resolve(), ignore_errors=True)
        return (Diagnostic(rule=rules.WRITE_FAILED, message=f"`{output}` could not be written: {_reason(error)}"),)
    return ()


def _reason(error: OSError) -> str:
    """The operating system's words; of all that a copy of a tree met (`shutil.Error`), the first."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        return str(error.args[0][0][2])
    return error.strerror or str(error)
