"""A plan as file changes: the Dockerfile that is written, the one that goes, the driver."""

from pathlib import PurePosixPath

from migrate.plan.model import StagePlan
from migrate.render.dockerfile import render_dockerfile
from migrate.render.driver import render_driver
from migrate.source import FileChange, encode


def render_changes(plan: StagePlan) -> tuple[FileChange, ...]:
    """In the order in which they are best read. Raises UncertainEditError, as render_driver does."""
    runtime, builder, script = plan.runtime.dockerfile.source, plan.builder.dockerfile.source, plan.driver.script.source
    return (
        _change(runtime.path, runtime.text, render_dockerfile(plan)),
        _change(builder.path, builder.text, None),
        _change(script.path, script.text, render_driver(plan.driver)),
    )


def _change(path: PurePosixPath, before: str, after: str | None) -> FileChange:
    return FileChange(path=path, before=encode(before), after=None if after is None else encode(after))
