"""A Dockerfile as it stands and as it is to be, both built and compared.

Stages that others need come from the engine's cache, as far as it has them; what is made of them never does. Where the time is
what it is about, nothing comes from the cache.
"""

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from migrate import rules
from migrate.compare.verdict import Verdict
from migrate.diagnostics import Diagnostic
from migrate.discover import Repository
from migrate.dockerfile.instructions import Dockerfile
from migrate.drivers.script import command_text
from migrate.engine.builder import NoClientError, choose
from migrate.engine.client import EngineUnavailable, connect
from migrate.engine.judged import Block, judged_text
from migrate.engine.sandbox import JudgedText, Run, ScratchError, SideRequest, SideRun
from migrate.engine.steps import Report
from migrate.image import ImageReference
from migrate.outcome import Status, Verification
from migrate.pipeline.comparing import ImageJudge, ImagePair
from migrate.pipeline.findings import difference, failed_side, smoke_difference
from migrate.pipeline.following import Inputs
from migrate.pipeline.refining import Refinement, needed
from migrate.pipeline.sides import driver_text
from migrate.pipeline.smoke import Smoke
from migrate.pipeline.verification import SETTLED, Verified, VerifyOptions
from migrate.plan.texts import called
from migrate.source import apply_edits, encode


def rebuild(
    repository: Repository, refinement: Refinement, inputs: Inputs, options: VerifyOptions, report: Report
) -> Verified:
    """Build both texts and compare every image. An engine that is not there is an outcome, not an error."""
    try:
        with closing(connect(os.environ)) as client:
            tool = choose(os.environ)
            engine = f"docker {client.version()}, {tool.kind.value}"
            report("engine", engine)
            with Run(client, tool, os.environ, report) as run:
                sides = _Sides(repository, refinement, inputs, options, run, report)
                before = sides.run("before")
                if found := _failed(before, refinement, "before"):
                    return _ended(refinement, Status.BUILD_FAILED, found)
                after = sides.run("after")
                if found := _failed(after, refinement, "after"):
                    return _ended(refinement, Status.BUILD_FAILED, found)
                judge = ImageJudge(client, run, sides.again, report, strict=options.strict, disabled=options.disabled)
                pairs = _pairs(before, after)
                checks = judge.checks(pairs)
                smoke = Smoke(client, run, options.smoke_seconds, report)
                normalising = None if options.strict else judge.normalising()
                smokes = tuple(smoke.check(p, words, normalising) for words in options.smoke for p in pairs)
    except EngineUnavailable as gone:
        return _ended(refinement, Status.NO_ENGINE, (), f"{gone.message}; {gone.help}")
    except ScratchError as failed:
        return _ended(refinement, Status.NO_ENGINE, (), str(failed))
    except NoClientError as missing:
        reason = f"{missing}; install docker's client, or give `--no-verify`"
        return _ended(refinement, Status.NO_ENGINE, (), reason)
    found = (
        *(difference(c, refinement.place) for c in checks if c.comparison.verdict is Verdict.DIFFERENT),
        *(smoke_difference(s, refinement.place) for s in smokes if s.comparison.verdict is Verdict.DIFFERENT),
    )
    open_ = tuple(d for d in refinement.diagnostics if found or d.rule not in SETTLED)
    return Verified(
        status=Status.DIFFERENT if found else Status.PLANNED,
        changes=refinement.changes,
        diagnostics=(*open_, *found),
        proof=refinement.proof,
        verification=Verification(
            engine=engine,
            checks=checks,
            smokes=smokes,
            independent=options.independent or refinement.timed,
            builder_size=None,
            legacy_seconds=before.seconds,
            migrated_seconds=after.seconds,
            sides=("before", "after"),
        ),
    )


def _ended(
    refinement: Refinement, status: Status, found: tuple[Diagnostic, ...], reason: str | None = None
) -> Verified:
    return Verified(
        status=status,
        changes=refinement.changes if status is Status.NO_ENGINE else (),
        diagnostics=(*refinement.diagnostics, *found),
        proof=refinement.proof,
        not_verified=reason,
    )


def _failed(run: SideRun, refinement: Refinement, side: str) -> tuple[Diagnostic, ...]:
    rule = rules.LEGACY_BUILD_FAILS if side == "before" else rules.MIGRATED_BUILD_FAILS
    return failed_side(run, "unchanged" if side == "before" else "changed", rule, refinement.place, "build")


def _pairs(before: SideRun, after: SideRun) -> tuple[ImagePair, ...]:
    """Both sides run the same commands."""
    made = {i.reference: i for i in after.images}
    return tuple(
        ImagePair(reference=i.reference, legacy=i, migrated=made[i.reference])
        for i in before.images
        if i.reference is not None
    )


@dataclass(frozen=True, slots=True)
class _Sides:
    repository: Repository
    refinement: Refinement
    inputs: Inputs
    options: VerifyOptions
    runs: Run
    report: Report

    def run(self, side: str) -> SideRun:
        """`before` and `again` build the text as it stands."""
        refinement, start = self.refinement, self.refinement.start
        earlier = side != "after"
        dockerfile = refinement.before if earlier else refinement.after
        changes = refinement.base if earlier else refinement.changes
        source = driver_text(self.repository, refinement.driver.path, changes)
        self.report(side, f"runs {start.name}")
        request = SideRequest(
            side=side,
            root=self.repository.root,
            driver=refinement.driver.path,
            directory=start.directory,
            name=start.name,
            arguments=self.inputs.arguments,
            commands=command_text(source, start),
            environment=self.inputs.environment,
            time_limit=self.options.time_limit,
            changes=changes,
            judged={dockerfile.source.path: self._judged(dockerfile, cached=side != "again")},
        )
        done = self.runs.side(request, self.report)
        self.report(side, f"ended after {done.seconds:.1f} s")
        return done

    def again(self) -> Mapping[ImageReference, str] | None:
        done = self.run("again")
        if done.exit_code != 0 or done.refused:
            self.report("again", "the second build failed: nothing is taken for noise")
            return None
        return {i.reference: i.image_id for i in done.images if i.reference is not None}

    def _judged(self, dockerfile: Dockerfile, *, cached: bool) -> JudgedText:
        """With the stages that others need as images, where they may be. `--target` asks for a name: Docker 20.10 knows no stage
        by its number there (measured, both builders)."""
        staged = [dockerfile.stages[i] for i in sorted(needed(dockerfile))] if cached else []
        staged = [] if self.options.independent or self.refinement.timed else staged
        names = {s.index: s.name.text if s.name is not None else f"stage-number-{s.index}" for s in staged}
        images = {i: self.runs.image_name(f"{i}-{n}") for i, n in names.items()}
        blocks = [Block(first=i, last=i, name=n, image=images[i]) for i, n in names.items()]
        text = apply_edits(dockerfile.source, [called(s, names[s.index]) for s in staged if s.name is None])
        return JudgedText(
            new=encode(text),
            judged=encode(judged_text(dockerfile, blocks)),
            stages={names[s.index]: images[s.index] for s in staged},
        )
