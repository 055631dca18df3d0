"""A plan as file changes: the Dockerfiles that are written, those that go, the driver."""

from pathlib import PurePosixPath

from migrate.plan.model import FilePart, MigrationPlan
from migrate.render.dockerfile import render_dockerfile
from migrate.render.driver import render_drivers
from migrate.source import FileChange, encode


def render_changes(plan: MigrationPlan) -> tuple[FileChange, ...]:
    """In the order in which they are best read. Raises UncertainEditError, as render_drivers does."""
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
    texts = {s.path: s.text for s in (plan.driver.source, *(p.source.whole().origin.file for p in plan.driver.pieces))}
    texts |= {f.path: f.text for p, _ in plan.driver.gone_services for f in p.files}
    texts |= {f.path: f.text for s in plan.driver.services for f in s.project.files}
    for path, after in render_drivers(plan.driver).items():
        if after != texts[path]:
            changes[path] = _change(path, texts[path], after)
    return tuple(changes.values())


def _change(path: PurePosixPath, before: str, after: str | None) -> FileChange:
    return FileChange(path=path, before=encode(before), after=None if after is None else encode(after))
