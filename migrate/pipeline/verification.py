"""Both versions built for real, and their images compared."""

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate import rules
from migrate.compare.verdict import Verdict
from migrate.diagnostics import Diagnostic, Rule, Severity, at
from migrate.discover import Repository
from migrate.engine.artifact import Held, held, path_facts
from migrate.engine.builder import Kind, NoClientError, choose
from migrate.engine.client import EngineClient, EngineUnavailable, connect
from migrate.engine.sandbox import BuiltImage, Run, ScratchError, SideRun
from migrate.engine.steps import Report
from migrate.image import FileType, ImageReference
from migrate.outcome import SmokeCheck, Status, Verification
from migrate.pipeline.analysis import Analysis, analyse
from migrate.pipeline.brought import asserted, planned_copies
from migrate.pipeline.comparing import ImageJudge, ImagePair
from migrate.pipeline.findings import difference, failed_side, names, smoke_difference
from migrate.pipeline.following import Inputs
from migrate.pipeline.foretold import Places, disagreements, misread
from migrate.pipeline.proving import withdrawn
from migrate.pipeline.sides import Sides
from migrate.pipeline.smoke import Smoke
from migrate.plan.model import ArtifactFact, ArtifactKey, ArtifactKind, Facts, MigrationPlan
from migrate.proof.model import Proof
from migrate.source import FileChange

_KINDS = {FileType.DIRECTORY: ArtifactKind.DIRECTORY, FileType.SYMLINK: ArtifactKind.LINK}
SETTLED = frozenset(
    {
        rules.KIND_ASSUMED,
        rules.LINK_ASSUMED_ABSENT,
        rules.MOUNT_ASSUMED_EMPTY,
        rules.FOLDER_MODE_ASSUMED,
        rules.ADD_ASSUMED_PLAIN,
        rules.IGNORE_BELOW_ARTIFACT,
        rules.BASE_COMMAND_ASSUMED,
        rules.STREAMED_DOCKERFILE_ASSUMED,
        rules.UNPACKED_IN_STAGE,
        rules.STREAM_OWNERS,
        rules.CONTAINER_RUN_IN_BUILD,
        rules.ARGUMENT_HANDED_ON,
        rules.NOT_PROVED,
    }
)
"""Assumptions about what an image holds, that equal images settle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What verifying came to. `changes` are those of the plan that the engine's facts led to: the ones to write."""

    status: Status
    changes: tuple[FileChange, ...]
    diagnostics: tuple[Diagnostic, ...]
    proof: Proof | None = None
    verification: Verification | None = None
    not_verified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """How a verification is made. `time_limit` in seconds, for each side; `independent`: neither side from the cache; `strict`:
    no difference is allowed for; `disabled` are normalisers that aren't used; `smoke` are commands, in words, that both images
    run, each for `smoke_seconds` at most."""

    time_limit: int = 3600
    independent: bool = False
    strict: bool = False
    disabled: frozenset[str] = frozenset()
    smoke: tuple[tuple[str, ...], ...] = ()
    smoke_seconds: int = 30


class _StoppedError(Exception):
    """Verifying ends here, with this."""

    def __init__(self, verified: Verified) -> None:
        super().__init__(verified.status.value)
        self.verified = verified


def verify(
    repository: Repository, analysis: Analysis, inputs: Inputs, options: VerifyOptions, report: Report
) -> Verified:
    """Run both drivers, compare every image that the legacy one made. An engine that is not there, or goes away, is an
    outcome, not an error."""
    verifier: _Verifier | None = None
    try:
        with closing(connect(os.environ)) as client:
            tool = choose(os.environ)
            engine = f"docker {client.version()}, {tool.kind.value}"
            report("engine", engine)
            buildkit = tool.kind is Kind.BUILDKIT
            with Run(client, tool, os.environ, report) as run:
                verifier = _Verifier(repository, analysis, inputs, options, client, run, report, buildkit=buildkit)
                return verifier.verify(engine)
    except _StoppedError as stopped:
        return stopped.verified
    except EngineUnavailable as gone:
        return _without_engine(analysis, f"{gone.message}; {gone.help}", verifier)
    except ScratchError as failed:
        return _without_engine(analysis, str(failed), verifier)
    except NoClientError as missing:
        return _without_engine(analysis, f"{missing}; install docker's client, or give `--no-verify`")


def _without_engine(analysis: Analysis, reason: str, verifier: "_Verifier | None" = None) -> Verified:
    """`verifier` is the one that was at work: what it found of the legacy side stands."""
    told = verifier.misread if verifier is not None else ()
    return Verified(
        status=Status.NO_ENGINE,
        changes=analysis.changes,
        diagnostics=(*analysis.diagnostics, *told),
        proof=withdrawn(analysis.proof, told),
        not_verified=reason,
    )


class _Verifier:
    def __init__(
        self,
        repository: Repository,
        analysis: Analysis,
        inputs: Inputs,
        options: VerifyOptions,
        client: EngineClient,
        run: Run,
        report: Report,
        *,
        buildkit: bool,
    ) -> None:
        self._buildkit = buildkit
        self._repository = repository
        self._analysis = self._legacy = analysis
        self._inputs = inputs
        self._options = options
        self._client = client
        self._run = run
        self._report = report
        self.misread: tuple[Diagnostic, ...] = ()
        self._sides = Sides(
            repository=repository,
            inputs=inputs,
            run=run,
            time_limit=options.time_limit,
            independent=options.independent,
            report=report,
        )
        self._judge = ImageJudge(client, run, self._again, report, strict=options.strict, disabled=options.disabled)

    def verify(self, engine: str) -> Verified:
        planned = self._plan()
        legacy = self._sides.legacy(self._analysis, planned)
        self._require(legacy, "legacy", rules.LEGACY_BUILD_FAILS, planned)
        self.misread = self._disagreements(legacy, planned)
        builders = self._builder_images(legacy, planned)
        self._analysis = analyse(
            self._repository,
            self._analysis.driver,
            self._inputs,
            self._facts(builders, planned),
            buildkit=self._buildkit,
        )
        planned = self._plan()
        migrated = self._sides.migrated(self._analysis, planned)
        self._require(migrated, "migrated", rules.MIGRATED_BUILD_FAILS, planned)
        brought = self._brought(builders, planned)
        pairs = self._pairs(legacy, migrated, planned)
        checks = self._judge.checks(pairs)
        smokes = self._smokes(pairs)
        verification = Verification(
            engine=engine,
            checks=checks,
            smokes=smokes,
            independent=self._options.independent,
            builder_size=sum(self._judge.snapshot(i).size for i in dict.fromkeys(builders.values())),
            legacy_seconds=legacy.seconds,
            migrated_seconds=migrated.seconds,
        )
        different = [c for c in checks if c.comparison.verdict is Verdict.DIFFERENT]
        smoking = [s for s in smokes if s.comparison.verdict is Verdict.DIFFERENT]
        found = (
            *(difference(c, planned.place) for c in different),
            *(smoke_difference(s, planned.place) for s in smoking),
            *(d for d in brought if d.rule.severity is Severity.ERROR),
        )
        open_ = [d for d in self._analysis.diagnostics if different or d.rule not in SETTLED]
        return Verified(
            status=Status.DIFFERENT if found else Status.PLANNED,
            changes=self._analysis.changes,
            diagnostics=(*open_, *self.misread, *(d for d in brought if d not in found), *found),
            proof=self._proof,
            verification=verification,
        )

    @property
    def _proof(self) -> Proof | None:
        """Also where the engine's facts have taken the plan away, and its proof with it."""
        return withdrawn(self._analysis.proof or self._legacy.proof, self.misread)

    def _disagreements(self, legacy: SideRun, planned: MigrationPlan) -> tuple[Diagnostic, ...]:
        """Where the legacy side is not what its trace foretold. What was recorded wins: it is what is compared."""
        trace = self._analysis.trace
        if trace is None:
            return ()
        trees = {PurePosixPath(p) for f in self._run.folders for p in (f, f.resolve())}
        places = Places(root=PurePosixPath(self._repository.root), trees=tuple(trees))
        return misread(disagreements(trace, legacy.commands, places, planned.services), planned.place)

    def _plan(self) -> MigrationPlan:
        """The plan as it stands; the engine's facts may have taken it away (an artifact that is a link)."""
        if self._analysis.plan is None:
            diagnostics = (*self._analysis.diagnostics, *self.misread)
            raise _StoppedError(Verified(status=Status.REFUSED, changes=(), diagnostics=diagnostics, proof=self._proof))
        return self._analysis.plan

    def _require(self, run: SideRun, side: str, rule: Rule, planned: MigrationPlan) -> None:
        """A side that failed, or of which a command was not carried out, ends the verification."""
        place = planned.place if side == "migrated" else planned.builds[0].span
        if found := failed_side(run, side, rule, place):
            diagnostics = (*self._analysis.diagnostics, *self.misread, *found)
            raise _StoppedError(
                Verified(status=Status.BUILD_FAILED, changes=(), diagnostics=diagnostics, proof=self._proof)
            )

    def _builds(self, run: SideRun, planned: MigrationPlan) -> dict[int, BuiltImage]:
        """What each build of the trace came to: the n-th of a Dockerfile here is the n-th there."""
        found: dict[int, BuiltImage] = {}
        rest = list(run.builds)
        for event in planned.builds:
            path = event.dockerfile if event.context is not None else None
            built = next((b for b in rest if b.dockerfile == path), None)
            if built is not None:
                rest.remove(built)
                found[event.number] = built
        return found

    def _builder_images(self, legacy: SideRun, planned: MigrationPlan) -> dict[int, str]:
        """The images that artifacts come from, by build."""
        built = self._builds(legacy, planned)
        wanted = {n for g in planned.groups for n in g.builders}
        missing = next((b for b in planned.builds if b.number in wanted and b.number not in built), None)
        if missing is not None:
            raise self._missing(
                f"the legacy script did not build `{missing.dockerfile}`, though its trace says so", planned
            )
        return {n: built[n].image_id for n in sorted(wanted)}

    def _facts(self, builders: Mapping[int, str], planned: MigrationPlan) -> Facts:
        result: dict[ArtifactKey, ArtifactFact] = {}
        outside = {k.builder: k.builder for k in planned.artifacts if isinstance(k.builder, str)}
        asked: list[tuple[int | str, str]] = [*builders.items(), *outside.items()]
        for place, (builder, image) in enumerate(asked):
            keys = [k for k in planned.artifacts if k.builder == builder]
            paths = tuple(str(k.source) for k in keys)
            found = path_facts(self._client, image, paths, self._run.container_name(f"facts-{place}")) if paths else {}
            for key in keys:
                facts = found.get(str(key.source))
                if facts is not None:
                    kind = _KINDS.get(facts.type, ArtifactKind.FILE)
                    result[key] = ArtifactFact(kind=kind, root_owned=facts.root_owned, mode=facts.mode)
        return result

    def _brought(self, builders: Mapping[int, str], planned: MigrationPlan) -> tuple[Diagnostic, ...]:
        def look(image: str, sources: tuple[str, ...]) -> Mapping[str, Held]:
            return held(self._client, image, sources, self._run.container_name("held"))

        return asserted(planned_copies(planned, self._analysis.changes, builders), look, planned)

    def _pairs(self, legacy: SideRun, migrated: SideRun, planned: MigrationPlan) -> tuple[ImagePair, ...]:
        """Every image of the legacy side that the migration does not drop, against the one of the same name."""
        built = self._builds(legacy, planned)
        dropped = {built[n].image_id for n in planned.dropped if n in built}
        kept = {b.image_id for n, b in built.items() if n not in planned.dropped}
        made = {i.reference: i for i in migrated.images if i.reference is not None}
        wanted = [
            i
            for i in legacy.images
            if i.reference in made
            or not (i.image_id in dropped - kept or (i.verb in ("commit", "import", "load") and i.image_id not in kept))
        ]
        if not wanted or {i.reference for i in wanted} != set(made):
            made_there = names(list(migrated.images))
            raise self._missing(f"the legacy script made {names(wanted)}, the migrated one {made_there}", planned)
        return tuple(
            ImagePair(reference=i.reference, legacy=i, migrated=made[i.reference])
            for i in wanted
            if i.reference is not None
        )

    def _smokes(self, pairs: tuple[ImagePair, ...]) -> tuple[SmokeCheck, ...]:
        smoke = Smoke(self._client, self._run, self._options.smoke_seconds, self._report)
        normalising = None if self._options.strict else self._judge.normalising()
        return tuple(smoke.check(p, words, normalising) for words in self._options.smoke for p in pairs)

    def _again(self) -> Mapping[ImageReference, str] | None:
        """The images of a second legacy build. One that fails, though the first went well, tells nothing."""
        run = self._sides.again(self._legacy, self._plan())
        if run.exit_code != 0 or run.refused:
            self._report("again", "the second legacy build failed: nothing is taken for noise")
            return None
        return {i.reference: i.image_id for i in run.images if i.reference is not None}

    def _missing(self, message: str, planned: MigrationPlan) -> _StoppedError:
        found = at(rules.IMAGE_MISSING, message, planned.place)
        diagnostics = (*self._analysis.diagnostics, *self.misread, found)
        return _StoppedError(Verified(status=Status.DIFFERENT, changes=(), diagnostics=diagnostics, proof=self._proof))
