"""Both versions built for real, and their images compared."""

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from migrate import rules
from migrate.compare.verdict import Verdict, compare_images
from migrate.diagnostics import Diagnostic, Label, Rule, at
from migrate.discover import Repository
from migrate.dockerfile.reader import read_dockerfile
from migrate.engine.artifact import path_facts
from migrate.engine.builder import NoClientError, choose
from migrate.engine.client import EngineClient, EngineUnavailable, connect
from migrate.engine.judged import judged_text
from migrate.engine.sandbox import BuiltImage, JudgedText, Run, ScratchError, SideRequest, SideRun
from migrate.engine.snapshot import read_files, read_image
from migrate.image import FileType, ImageReference, ImageSnapshot
from migrate.outcome import ImageCheck, Status, Verification
from migrate.pipeline.analysis import Analysis, Inputs, analyse
from migrate.plan.model import ArtifactFact, ArtifactKey, ArtifactKind, Facts, StagePlan
from migrate.source import FileChange, SourceFile, decode, encode

Report = Callable[[str, str], None]

_KINDS = {FileType.DIRECTORY: ArtifactKind.DIRECTORY, FileType.SYMLINK: ArtifactKind.LINK}
_TAIL_SHOWN = 12
_DELTAS_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What verifying came to. `changes` are those of the plan that the engine's facts led to: the ones to write."""

    status: Status
    changes: tuple[FileChange, ...]
    diagnostics: tuple[Diagnostic, ...]
    verification: Verification | None = None
    not_verified: str | None = None


class _StoppedError(Exception):
    """Verifying ends here, with this."""

    def __init__(self, verified: Verified) -> None:
        super().__init__(verified.status.value)
        self.verified = verified


def verify(repository: Repository, analysis: Analysis, inputs: Inputs, time_limit: int, report: Report) -> Verified:
    """Run both drivers, compare every image that the legacy one made. An engine that is not there, or goes away, is an
    outcome, not an error."""
    try:
        with closing(connect(os.environ)) as client:
            tool = choose(os.environ)
            engine = f"docker {client.version()}, {tool.kind.value}"
            report("engine", engine)
            with Run(client, tool, os.environ) as run:
                return _Verifier(repository, analysis, inputs, time_limit, client, run, report).verify(engine)
    except _StoppedError as stopped:
        return stopped.verified
    except EngineUnavailable as gone:
        return _without_engine(analysis, f"{gone.message}; {gone.help}")
    except ScratchError as failed:
        return _without_engine(analysis, str(failed))
    except NoClientError as missing:
        return _without_engine(analysis, f"{missing}; install docker's client, or give `--no-verify`")


def _without_engine(analysis: Analysis, reason: str) -> Verified:
    return Verified(
        status=Status.NO_ENGINE, changes=analysis.changes, diagnostics=analysis.diagnostics, not_verified=reason
    )


class _Verifier:
    def __init__(
        self,
        repository: Repository,
        analysis: Analysis,
        inputs: Inputs,
        time_limit: int,
        client: EngineClient,
        run: Run,
        report: Report,
    ) -> None:
        self._repository = repository
        self._analysis = analysis
        self._inputs = inputs
        self._time_limit = time_limit
        self._client = client
        self._run = run
        self._report = report

    def verify(self, engine: str) -> Verified:
        planned = self._plan()
        legacy = self._side("legacy", planned, ())
        self._require(legacy, "legacy", rules.LEGACY_BUILD_FAILS, planned)
        builder = self._builder_image(legacy, planned)
        self._analysis = analyse(self._repository, self._analysis.driver, self._inputs, self._facts(builder, planned))
        planned = self._plan()
        migrated = self._side("migrated", planned, self._analysis.changes)
        self._require(migrated, "migrated", rules.MIGRATED_BUILD_FAILS, planned)
        checks = self._compare(legacy, migrated, planned)
        verification = Verification(
            engine=engine,
            checks=checks,
            builder_size=self._snapshot(builder).size,
            legacy_seconds=legacy.seconds,
            migrated_seconds=migrated.seconds,
        )
        different = [c for c in checks if c.comparison.verdict is not Verdict.IDENTICAL]
        found = tuple(self._difference(c, planned) for c in different)
        return Verified(
            status=Status.DIFFERENT if different else Status.PLANNED,
            changes=self._analysis.changes,
            diagnostics=(*self._analysis.diagnostics, *found),
            verification=verification,
        )

    def _plan(self) -> StagePlan:
        """The plan as it stands; the engine's facts may have taken it away (an artifact that is a link)."""
        if self._analysis.plan is None:
            raise _StoppedError(Verified(status=Status.REFUSED, changes=(), diagnostics=self._analysis.diagnostics))
        return self._analysis.plan

    def _side(self, side: str, planned: StagePlan, changes: tuple[FileChange, ...]) -> SideRun:
        start = self._analysis.start
        judged = self._judged(planned, changes) if changes else {}
        self._report(side, f"runs {start.name}")
        request = SideRequest(
            side=side,
            root=self._repository.root,
            driver=self._analysis.driver.path,
            directory=start.directory,
            name=start.name,
            arguments=self._inputs.arguments,
            environment=self._inputs.environment,
            time_limit=self._time_limit,
            changes=changes,
            cached=() if changes else (planned.builder.path,),
            judged=judged,
        )
        run = self._run.side(request, self._report)
        self._report(side, f"ended after {run.seconds:.1f} s")
        return run

    def _judged(self, planned: StagePlan, changes: tuple[FileChange, ...]) -> Mapping[PurePosixPath, JudgedText]:
        new = next(c.after for c in changes if c.path == planned.path)
        dockerfile, _ = read_dockerfile(SourceFile(path=planned.path, text=decode(new or b"")))
        if dockerfile is None or new is None:
            raise ValueError("the rendered Dockerfile was read a moment ago")
        image = self._run.image_name(planned.stage_name)
        judged = encode(judged_text(dockerfile, planned.stage_name, image))
        return {planned.path: JudgedText(new=new, judged=judged, stages={planned.stage_name: image})}

    def _require(self, run: SideRun, side: str, rule: Rule, planned: StagePlan) -> None:
        """A side that failed, or of which a command was not carried out, ends the verification."""
        place = planned.runtime.event.span if side == "migrated" else planned.builder.event.span
        found = [
            Diagnostic(
                rule=rules.COMMAND_NOT_ALLOWED,
                message=f"while verifying the {side} side: {reason}",
                primary=Label(span=place),
            )
            for reason in run.refused
        ]
        if run.exit_code != 0:
            how = "was ended at the time limit" if run.exit_code is None else f"ended with exit code {run.exit_code}"
            message = f"the {side} script {how} after {run.seconds:.1f} s"
            notes = tuple(f"`{words}` failed" for words in run.failed[:3])
            if run.tail:
                notes = (*notes, "\n".join(["the last lines that it printed:", *run.tail[-_TAIL_SHOWN:]]))
            found.append(Diagnostic(rule=rule, message=message, primary=Label(span=place), notes=notes))
        if found:
            raise _StoppedError(
                Verified(status=Status.BUILD_FAILED, changes=(), diagnostics=(*self._analysis.diagnostics, *found))
            )

    def _builder_image(self, legacy: SideRun, planned: StagePlan) -> str:
        path = planned.builder.path
        image = next((i for i in legacy.images if i.dockerfile == path), None)
        if image is None:
            raise self._missing(f"the legacy script did not build `{path}`, though its trace says so", planned)
        return image.image_id

    def _facts(self, builder: str, planned: StagePlan) -> Facts:
        paths = tuple(str(key.source) for key in planned.artifacts)
        found = path_facts(self._client, builder, paths, self._run.container_name("facts"))
        return {
            ArtifactKey(builder=key.builder, source=key.source): ArtifactFact(
                kind=_KINDS.get(facts.type, ArtifactKind.FILE), root_owned=facts.root_owned
            )
            for key in planned.artifacts
            if (facts := found.get(str(key.source))) is not None
        }

    def _compare(self, legacy: SideRun, migrated: SideRun, planned: StagePlan) -> tuple[ImageCheck, ...]:
        """Every image of the legacy side but the builder's, against the one of the same name."""
        builder = planned.builder.path
        wanted = [i for i in legacy.images if i.dockerfile != builder]
        made = {i.reference: i for i in migrated.images if i.reference is not None}
        if not wanted or {i.reference for i in wanted} != set(made):
            names = [_names(wanted), _names(list(migrated.images))]
            raise self._missing(f"the legacy script made {names[0]}, the migrated one {names[1]}", planned)
        return tuple(self._check(i.reference, i, made[i.reference]) for i in wanted if i.reference is not None)

    def _check(self, reference: ImageReference, legacy: BuiltImage, migrated: BuiltImage) -> ImageCheck:
        one, other = self._snapshot(legacy.image_id), self._snapshot(migrated.image_id)
        if one.diff_ids != other.diff_ids or not one.diff_ids:
            self._report("compare", f"{reference}: reading files")
            one = self._with_files(one)
            other = self._with_files(other)
        comparison = compare_images(one, other)
        self._report("compare", f"{reference}: {comparison.verdict.value}")
        return ImageCheck(reference=reference, legacy_size=one.size, migrated_size=other.size, comparison=comparison)

    def _snapshot(self, image_id: str) -> ImageSnapshot:
        snapshot = read_image(self._client, image_id)
        if snapshot is None:
            raise EngineUnavailable(f"image {image_id[:19]} is gone", "let nothing remove images while ms-migrate runs")
        return snapshot

    def _with_files(self, snapshot: ImageSnapshot) -> ImageSnapshot:
        return replace(snapshot, files=read_files(self._client, snapshot.image_id, self._run.container_name("files")))

    def _missing(self, message: str, planned: StagePlan) -> _StoppedError:
        found = at(rules.IMAGE_MISSING, message, planned.runtime.event.span)
        diagnostics = (*self._analysis.diagnostics, found)
        return _StoppedError(Verified(status=Status.DIFFERENT, changes=(), diagnostics=diagnostics))

    def _difference(self, check: ImageCheck, planned: StagePlan) -> Diagnostic:
        deltas = [*check.comparison.config_deltas, *check.comparison.deltas]
        message = f"the two images `{check.reference}` differ in {len(deltas)} place{'s' if len(deltas) != 1 else ''}"
        notes = tuple(str(d) for d in deltas[:_DELTAS_SHOWN])
        return Diagnostic(
            rule=rules.IMAGES_DIFFER, message=message, primary=Label(span=planned.runtime.event.span), notes=notes
        )


def _names(images: list[BuiltImage]) -> str:
    return ", ".join(f"`{i.reference}`" if i.reference else "an image without a name" for i in images) or "none"
