"""Both versions built for real, and their images compared."""

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from migrate import rules
from migrate.compare.grouping import lines
from migrate.compare.verdict import Verdict, compare_images
from migrate.diagnostics import Diagnostic, Label, Rule, at
from migrate.discover import Repository
from migrate.dockerfile.instructions import Dockerfile, Stage
from migrate.dockerfile.reader import read_dockerfile
from migrate.drivers.script import command_text
from migrate.engine.artifact import path_facts
from migrate.engine.builder import Kind, NoClientError, choose
from migrate.engine.client import EngineClient, EngineUnavailable, connect
from migrate.engine.judged import Block, judged_text
from migrate.engine.sandbox import BuiltImage, JudgedText, Run, ScratchError, SideRequest, SideRun
from migrate.engine.snapshot import read_files, read_image
from migrate.image import FileType, ImageReference, ImageSnapshot
from migrate.outcome import ImageCheck, Status, Verification
from migrate.pipeline.analysis import Analysis, analyse
from migrate.pipeline.following import Inputs
from migrate.plan.model import ArtifactFact, ArtifactKey, ArtifactKind, Facts, FilePart, GroupPlan, MigrationPlan
from migrate.proof.model import Proof
from migrate.source import FileChange, SourceFile, decode, encode

Report = Callable[[str, str], None]

_KINDS = {FileType.DIRECTORY: ArtifactKind.DIRECTORY, FileType.SYMLINK: ArtifactKind.LINK}
_SETTLED = frozenset(
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
_TAIL_SHOWN = 12
_LINES_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What verifying came to. `changes` are those of the plan that the engine's facts led to: the ones to write."""

    status: Status
    changes: tuple[FileChange, ...]
    diagnostics: tuple[Diagnostic, ...]
    proof: Proof | None = None
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
            buildkit = tool.kind is Kind.BUILDKIT
            with Run(client, tool, os.environ) as run:
                verifier = _Verifier(repository, analysis, inputs, time_limit, client, run, report, buildkit=buildkit)
                return verifier.verify(engine)
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
        status=Status.NO_ENGINE,
        changes=analysis.changes,
        diagnostics=analysis.diagnostics,
        proof=analysis.proof,
        not_verified=reason,
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
        *,
        buildkit: bool,
    ) -> None:
        self._buildkit = buildkit
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
        builders = self._builder_images(legacy, planned)
        self._analysis = analyse(
            self._repository,
            self._analysis.driver,
            self._inputs,
            self._facts(builders, planned),
            buildkit=self._buildkit,
        )
        planned = self._plan()
        migrated = self._side("migrated", planned, self._analysis.changes)
        self._require(migrated, "migrated", rules.MIGRATED_BUILD_FAILS, planned)
        checks = self._compare(legacy, migrated, planned)
        verification = Verification(
            engine=engine,
            checks=checks,
            builder_size=sum(self._snapshot(i).size for i in dict.fromkeys(builders.values())),
            legacy_seconds=legacy.seconds,
            migrated_seconds=migrated.seconds,
        )
        different = [c for c in checks if c.comparison.verdict is not Verdict.IDENTICAL]
        found = tuple(self._difference(c, planned) for c in different)
        open_ = [d for d in self._analysis.diagnostics if different or d.rule not in _SETTLED]
        return Verified(
            status=Status.DIFFERENT if different else Status.PLANNED,
            changes=self._analysis.changes,
            diagnostics=(*open_, *found),
            proof=self._analysis.proof,
            verification=verification,
        )

    def _plan(self) -> MigrationPlan:
        """The plan as it stands; the engine's facts may have taken it away (an artifact that is a link)."""
        if self._analysis.plan is None:
            raise _StoppedError(Verified(status=Status.REFUSED, changes=(), diagnostics=self._analysis.diagnostics))
        return self._analysis.plan

    def _side(self, side: str, planned: MigrationPlan, changes: tuple[FileChange, ...]) -> SideRun:
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
            commands=command_text(self._text(changes), start),
            environment=self._inputs.environment,
            time_limit=self._time_limit,
            changes=changes,
            cached=() if changes else planned.builder_paths,
            judged=judged,
            services=planned.services,
        )
        run = self._run.side(request, self._report)
        self._report(side, f"ended after {run.seconds:.1f} s")
        return run

    def _text(self, changes: tuple[FileChange, ...]) -> SourceFile:
        """The driver as it stands on a side."""
        path = self._analysis.driver.path
        after = next((c.after for c in changes if c.path == path and c.after is not None), None)
        source = self._repository.source(path) if after is None else SourceFile(path=path, text=decode(after))
        if source is None:
            raise ValueError("the driver was read a moment ago")
        return source

    def _judged(self, planned: MigrationPlan, changes: tuple[FileChange, ...]) -> Mapping[PurePosixPath, JudgedText]:
        return {g.path: self._judged_group(g, changes) for g in planned.groups}

    def _judged_group(self, group: GroupPlan, changes: tuple[FileChange, ...]) -> JudgedText:
        new = next(c.after for c in changes if c.path == group.path)
        dockerfile, _ = read_dockerfile(SourceFile(path=group.path, text=decode(new or b"")))
        if dockerfile is None or new is None:
            raise ValueError("the rendered Dockerfile was read a moment ago")
        blocks: list[Block] = []
        at_stage = 0
        for part in group.parts:
            count = 1
            if isinstance(part, FilePart):
                count = next(i for i, s in enumerate(dockerfile.stages[at_stage:], 1) if _ends(s, part, dockerfile))
                if part.build.number in group.builders:
                    image = self._run.image_name(f"{len(blocks)}-{part.name}")
                    blocks.append(Block(first=at_stage, last=at_stage + count - 1, name=part.name, image=image))
            at_stage += count
        judged = encode(judged_text(dockerfile, blocks))
        return JudgedText(new=new, judged=judged, stages={b.name: b.image for b in blocks})

    def _require(self, run: SideRun, side: str, rule: Rule, planned: MigrationPlan) -> None:
        """A side that failed, or of which a command was not carried out, ends the verification."""
        place = planned.place if side == "migrated" else planned.builds[0].span
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

    def _compare(self, legacy: SideRun, migrated: SideRun, planned: MigrationPlan) -> tuple[ImageCheck, ...]:
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

    def _missing(self, message: str, planned: MigrationPlan) -> _StoppedError:
        found = at(rules.IMAGE_MISSING, message, planned.place)
        diagnostics = (*self._analysis.diagnostics, found)
        return _StoppedError(Verified(status=Status.DIFFERENT, changes=(), diagnostics=diagnostics))

    def _difference(self, check: ImageCheck, planned: MigrationPlan) -> Diagnostic:
        config, files = check.comparison.config_deltas, check.comparison.deltas
        count = len(config) + len(files)
        message = f"the two images `{check.reference}` differ in {count} place{'s' if count != 1 else ''}"
        notes = (*map(str, config), *lines(files, _LINES_SHOWN))
        return Diagnostic(rule=rules.IMAGES_DIFFER, message=message, primary=Label(span=planned.place), notes=notes)


def _ends(stage: Stage, part: FilePart, dockerfile: Dockerfile) -> bool:
    """Whether a stage of the rendered file is the one that a part ends with."""
    if part.name:
        return stage.name is not None and stage.name.text.lower() == part.name.lower()
    return stage.index == len(dockerfile.stages) - 1


def _names(images: list[BuiltImage]) -> str:
    return ", ".join(f"`{i.reference}`" if i.reference else "an image without a name" for i in images) or "none"
