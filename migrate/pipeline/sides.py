"""The two sides of a verification as requests to the sandbox: which driver in which tree, and what may come from the cache.

docs/architecture.md, "How the two sides are judged".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate.discover import Repository
from migrate.dockerfile.instructions import Dockerfile, Stage
from migrate.dockerfile.reader import read_dockerfile
from migrate.drivers.script import command_text
from migrate.engine.judged import Block, judged_text
from migrate.engine.sandbox import JudgedText, Run, ScratchError, SideRequest, SideRun
from migrate.engine.steps import Report
from migrate.pipeline.analysis import Analysis
from migrate.pipeline.following import Inputs
from migrate.plan.model import FilePart, GroupPlan, MigrationPlan
from migrate.source import FileChange, SourceFile, decode, encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Runs the sides of one verification. `time_limit` in seconds, for each; with `independent` neither side uses the cache."""

    repository: Repository
    inputs: Inputs
    run: Run
    time_limit: int
    independent: bool
    report: Report

    def legacy(self, analysis: Analysis, planned: MigrationPlan) -> SideRun:
        """The driver as it stands. Its builders may come from the cache, its runtimes never do."""
        cached = () if self.independent else planned.builder_paths
        return self._side("legacy", analysis, planned, cached=cached)

    def again(self, analysis: Analysis, planned: MigrationPlan) -> SideRun:
        """The same once more, and nothing from the cache: what now differs from `legacy` is the project's own noise."""
        return self._side("again", analysis, planned)

    def migrated(self, analysis: Analysis, planned: MigrationPlan) -> SideRun:
        """The driver and the Dockerfiles as they are to be."""
        judged = {g.path: self._judged(g, analysis.changes) for g in planned.groups}
        return self._side("migrated", analysis, planned, changes=analysis.changes, judged=judged)

    def _side(
        self,
        side: str,
        analysis: Analysis,
        planned: MigrationPlan,
        *,
        changes: tuple[FileChange, ...] = (),
        cached: tuple[PurePosixPath, ...] = (),
        judged: Mapping[PurePosixPath, JudgedText] | None = None,
    ) -> SideRun:
        start = analysis.start
        self.report(side, f"runs {start.name}")
        request = SideRequest(
            side=side,
            root=self.repository.root,
            driver=analysis.driver.path,
            directory=start.directory,
            name=start.name,
            arguments=self.inputs.arguments,
            commands=command_text(driver_text(self.repository, analysis.driver.path, changes), start),
            environment=self.inputs.environment,
            time_limit=self.time_limit,
            changes=changes,
            cached=cached,
            judged=judged or {},
            services=planned.services,
        )
        done = self.run.side(request, self.report)
        self.report(side, f"ended after {done.seconds:.1f} s")
        return done

    def _judged(self, group: GroupPlan, changes: tuple[FileChange, ...]) -> JudgedText:
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
                if part.build.number in group.builders and not self.independent:
                    image = self.run.image_name(f"{len(blocks)}-{part.name}")
                    blocks.append(Block(first=at_stage, last=at_stage + count - 1, name=part.name, image=image))
            at_stage += count
        judged = encode(judged_text(dockerfile, blocks))
        return JudgedText(new=new, judged=judged, stages={b.name: b.image for b in blocks})


def driver_text(repository: Repository, path: PurePosixPath, changes: tuple[FileChange, ...]) -> SourceFile:
    """The driver as it stands on a side."""
    after = next((c.after for c in changes if c.path == path and c.after is not None), None)
    source = repository.source(path) if after is None else SourceFile(path=path, text=decode(after))
    if source is None:
        raise ScratchError(f"`{path}` was read a moment ago")
    return source


def _ends(stage: Stage, part: FilePart, dockerfile: Dockerfile) -> bool:
    """Whether a stage of the rendered file is the one that a part ends with."""
    if part.name:
        return stage.name is not None and stage.name.text.lower() == part.name.lower()
    return stage.index == len(dockerfile.stages) - 1
