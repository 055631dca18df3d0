"""A plan as file changes: the Dockerfiles that are written, those that go, the driver."""

from pathlib import PurePosixPath

from migrate.plan.model import FilePart, MigrationPlan
from migrate.render.dockerfile import render_dockerfile
from migrate.render.driver import render_driver
from migrate.source import FileChange, encode


def render_changes(plan: MigrationPlan) -> tuple[FileChange, ...]:
    """In the order in which they are best read. Raises UncertainEditError, as render_driver does."""
    changes: dict[PurePosixPath, FileChange] = {}
    sources = {p.build.path: p.build.dockerfile.source for g in plan.groups for p in g.parts if isinstance(p, FilePart)}
    for group in plan.groups:
        text = render_dockerfile(group)
        changes[group.path] = _change(group.path, sources[group.path].text, text)
        for other in group.others:
            changes[other.path] = other
    for group in plan.groups:
        for path in group.removed:
            changes.setdefault(path, _change(path, sources[path].text, None))
    script = plan.driver.script.source
    changes[script.path] = _change(script.path, script.text, render_driver(plan.driver))
    return tuple(changes.values())


def _change(path: PurePosixPath, before: str, after: str | None) -> FileChange:
    return FileChange(path=path, before=encode(before), after=None if after is None else encode(after))
