"""A migration that is made already: the legacy side from an earlier state of the repository, the migrated one as it stands.

No plan is followed and no cache is shared: each side's driver runs as it is in its own state, both without the cache, and the
images of one name are compared. What the earlier state's plan would change itself (the Dockerfiles, the script) may lie in
images of both sides, since a context takes it along: there it is told apart by its content.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from migrate import rules
from migrate.compare.verdict import Verdict
from migrate.diagnostics import at
from migrate.discover import Repository, scan
from migrate.drivers.script import command_text
from migrate.engine.builder import BuildTool, NoClientError, choose
from migrate.engine.client import EngineClient, EngineUnavailable, connect
from migrate.engine.sandbox import Run, ScratchError, SideRequest, SideRun
from migrate.engine.steps import Report
from migrate.image import ImageReference
from migrate.outcome import BuildOutcome, Status, Verification
from migrate.pipeline.analysis import Analysis
from migrate.pipeline.comparing import ImageJudge, ImagePair
from migrate.pipeline.findings import difference, failed_side, names, smoke_difference
from migrate.pipeline.following import Inputs
from migrate.pipeline.smoke import Smoke
from migrate.pipeline.verification import VerifyOptions
from migrate.revision import Revision, RevisionError, check_out
from migrate.source import encode


@dataclass(frozen=True, slots=True, kw_only=True)
class _States:
    """Where both states lie, and what they hold."""

    legacy: Path
    migrated: Path
    before: Repository
    after: Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class _Engine:
    """What builds; `name` is for people."""

    client: EngineClient
    tool: BuildTool
    name: str


def verify_against(
    root: Path,
    revision: Revision,
    find: Callable[[Repository], list[Analysis]],
    inputs: Inputs,
    options: VerifyOptions,
    report: Report,
) -> tuple[BuildOutcome, ...]:
    """Build what the drivers of `revision` made, in both states, and compare. `find` gives a state's legacy builds. An engine
    that is not there, a state that can't be checked out, and one without a legacy build are outcomes."""
    try:
        with closing(connect(os.environ)) as client:
            tool = choose(os.environ)
            engine = _Engine(client=client, tool=tool, name=f"docker {client.version()}, {tool.kind.value}")
            report("engine", engine.name)
            # the checked out state is in a folder that whatever ends this is cleared up with
            with Run(client, tool, os.environ, report) as run:
                report("legacy", f"checks out {revision.commit[:12]}")
                legacy = check_out(revision, run.scratch("state"))
                states = _States(legacy=legacy, migrated=root, before=scan(legacy), after=scan(root))
                found = find(states.before)
                if not found:
                    where = f"no legacy build was found at {revision.commit[:12]}"
                    return (_not_verified(f"{where}; `--driver FILE` names what built it"),)
                return tuple(_outcome(a, states, inputs, options, engine, report) for a in found)
    except EngineUnavailable as gone:
        return (_not_verified(f"{gone.message}; {gone.help}"),)
    except (ScratchError, RevisionError) as failed:
        return (_not_verified(str(failed)),)
    except NoClientError as missing:
        return (_not_verified(f"{missing}; install docker's client"),)


def _not_verified(reason: str) -> BuildOutcome:
    return BuildOutcome(
        driver=PurePosixPath(), status=Status.NO_ENGINE, changes=(), diagnostics=(), not_verified=reason
    )


def _outcome(
    analysis: Analysis, states: _States, inputs: Inputs, options: VerifyOptions, engine: _Engine, report: Report
) -> BuildOutcome:
    """Of one driver of the earlier state. Why that state couldn't be migrated is nothing to this one."""
    path = analysis.driver.path
    outcome = BuildOutcome(
        driver=path,
        status=Status.BUILD_FAILED,
        changes=(),
        diagnostics=(),
        started=None if analysis.start.is_script else analysis.start.name,
    )
    source = states.before.source(path)
    if source is None:
        raise ScratchError(f"`{path}` was read a moment ago")
    place = analysis.plan.place if analysis.plan is not None else source.span(0, len(source.line(1)))
    if states.after.source(path) is None:
        message = f"`{path}` is not there any more: only a driver that both states have can be run in both"
        return replace(outcome, diagnostics=(at(rules.MIGRATED_BUILD_FAILS, message, place),))
    with Run(engine.client, engine.tool, os.environ, report) as run:
        sides = _Sides(analysis=analysis, states=states, inputs=inputs, options=options, run=run, report=report)
        legacy = sides.run_in("legacy")
        if found := failed_side(legacy, "legacy", rules.LEGACY_BUILD_FAILS, place):
            return replace(outcome, diagnostics=found)
        migrated = sides.run_in("migrated")
        if found := failed_side(migrated, "migrated", rules.MIGRATED_BUILD_FAILS, place):
            return replace(outcome, diagnostics=found)
        pairs, unpaired, missing = _pairs(legacy, migrated, analysis)
        if missing:
            return replace(outcome, status=Status.DIFFERENT, diagnostics=(at(rules.IMAGE_MISSING, missing, place),))
        judge = ImageJudge(
            engine.client,
            run,
            sides.again,
            report,
            strict=options.strict,
            disabled=options.disabled,
            changed=_changed(analysis, states),
        )
        checks = judge.checks(pairs)
        smoke = Smoke(engine.client, run, options.smoke_seconds, report)
        normalising = None if options.strict else judge.normalising()
        smokes = tuple(smoke.check(p, words, normalising) for words in options.smoke for p in pairs)
    differing = (
        *(difference(c, place) for c in checks if c.comparison.verdict is Verdict.DIFFERENT),
        *(smoke_difference(s, place) for s in smokes if s.comparison.verdict is Verdict.DIFFERENT),
    )
    verification = Verification(
        engine=engine.name,
        checks=checks,
        smokes=smokes,
        independent=True,
        builder_size=None,
        legacy_seconds=legacy.seconds,
        migrated_seconds=migrated.seconds,
        unpaired=unpaired,
    )
    return replace(
        outcome,
        status=Status.DIFFERENT if differing else Status.VERIFIED,
        diagnostics=differing,
        verification=verification,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """Runs the driver in either state."""

    analysis: Analysis
    states: _States
    inputs: Inputs
    options: VerifyOptions
    run: Run
    report: Report

    def run_in(self, side: str) -> SideRun:
        """`legacy` and `again` are the earlier state, `migrated` the one as it stands."""
        earlier = side != "migrated"
        start, path = self.analysis.start, self.analysis.driver.path
        source = (self.states.before if earlier else self.states.after).source(path)
        if source is None:
            raise ScratchError(f"`{path}` was read a moment ago")
        self.report(side, f"runs {start.name}")
        done = self.run.side(
            SideRequest(
                side=side,
                root=self.states.legacy if earlier else self.states.migrated,
                driver=path,
                directory=start.directory,
                name=start.name,
                arguments=self.inputs.arguments,
                commands=command_text(source, start),
                environment=self.inputs.environment,
                time_limit=self.options.time_limit,
                services=self.analysis.plan.services if self.analysis.plan is not None else (),
            ),
            self.report,
        )
        self.report(side, f"ended after {done.seconds:.1f} s")
        return done

    def again(self) -> Mapping[ImageReference, str] | None:
        done = self.run_in("again")
        if done.exit_code != 0 or done.refused:
            self.report("again", "the second legacy build failed: nothing is taken for noise")
            return None
        return {i.reference: i.image_id for i in done.images if i.reference is not None}


def _pairs(
    legacy: SideRun, migrated: SideRun, analysis: Analysis
) -> tuple[tuple[ImagePair, ...], tuple[str, ...], str | None]:
    """Images of one name, in the order of the legacy side; those that only one side makes, in words; and what is missing. What a
    plan would drop as well (the builder's image) is not missing; where there is no plan, nobody knows."""
    before = {i.reference: i for i in legacy.images if i.reference is not None}
    after = {i.reference: i for i in migrated.images if i.reference is not None}
    pairs = tuple(ImagePair(reference=r, legacy=i, migrated=after[r]) for r, i in before.items() if r in after)
    gone = [r for r in before if r not in after]
    unpaired = (
        *(f"{r}, by the legacy side alone" for r in gone),
        *(f"{r}, by the migrated side alone" for r in after if r not in before),
    )
    missed = gone
    if (plan := analysis.plan) is not None:
        tags = [t.text for e in plan.builds if e.number in plan.dropped for t in e.tags]
        dropped = {ImageReference.parse(t) for t in tags if t is not None}
        missed = [r for r in gone if r not in dropped and before[r].verb not in ("commit", "import", "load")]
    elif pairs:
        missed = []
    if missed or not pairs:
        return (
            pairs,
            unpaired,
            f"the legacy script made {names(list(legacy.images))}, the migrated one {names(list(migrated.images))}",
        )
    return pairs, unpaired, None


def _changed(analysis: Analysis, states: _States) -> Mapping[str, tuple[bytes | None, bytes | None]]:
    """What the earlier state's plan changes, by path: what stood there, and what stands there now."""
    return {str(c.path): (_content(states.before, c.path), _content(states.after, c.path)) for c in analysis.changes}


def _content(repository: Repository, path: PurePosixPath) -> bytes | None:
    source = repository.source(path)
    return encode(source.text) if source is not None else None
