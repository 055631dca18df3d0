"""What stands for a Dockerfile that goes: the stage that makes the very image, and the Dockerfiles that others may migrate."""

import re
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from migrate.discover import EntryKind, Repository, find_drivers
from migrate.plan.callers import called
from migrate.plan.model import FilePart, GroupPlan


def heir_of(dockerfile: PurePosixPath, planned: Sequence[GroupPlan]) -> tuple[GroupPlan, str] | None:
    """The stage that makes what a Dockerfile made as a whole, in the same build context; None where none does for sure.

    Sure is only a text that is the author's but for the names of its stages: a renamed ARG, a platform or an artifact in it would
    make another image for whoever builds it with other options.
    """
    parts = [
        (g, p) for g in planned for p in g.parts if isinstance(p, FilePart) and p.build.path == dockerfile and p.name
    ]
    if len(parts) != 1 or parts[0][0].parts[0] is not parts[0][1]:
        return None  # the classic builder makes all that stands ahead, too
    group, part = parts[0]
    build = part.build
    if build.target is not None or build.tree is not None or build.context != group.context or group.others:
        return None
    repository = build.workspace.repository
    if any(repository.kind(p.with_name(f"{p.name}.dockerignore")) is not None for p in (dockerfile, group.path)):
        return None
    return (group, part.name) if _is_author_s(group, part) else None


def _is_author_s(group: GroupPlan, part: FilePart) -> bool:
    """Whether nothing changes in the first part but the names of stages, and no global ARG of the others reaches it."""
    dockerfile = part.build.dockerfile
    naming = {s.image.span.end for s in dockerfile.stages}
    names = {s.name.span for s in dockerfile.stages if s.name is not None}
    ahead = dockerfile.stages[0].span.start
    for edit in part.edits:
        named = edit.span in names or (edit.span.start == edit.span.end and edit.span.start in naming)
        # global ARGs are written again ahead of all, as they were; so are directives
        moved = edit.span.end <= ahead and not edit.text
        if not named and not moved:
            return False
    if any(span.text != text for span, text in part.moved_arguments):
        return False
    others = [p for p in group.parts if isinstance(p, FilePart) and p is not part]
    words = {w for p in others for span, _ in p.moved_arguments for w in re.findall(r"[A-Za-z_]\w*", span.text)}
    return not (words - {"ARG"}) & set(re.findall(r"[A-Za-z_]\w*", dockerfile.source.text))


def rivals(
    repository: Repository, planned: Sequence[GroupPlan], followed: Collection[PurePosixPath]
) -> frozenset[PurePosixPath]:
    """Dockerfiles that other drivers than those that are `followed` name: a migration of theirs may take them away. What names
    one is not changed here, since two migrations must not change one file."""
    mine = {p.build.path for g in planned for p in g.parts if isinstance(p, FilePart)} | {g.path for g in planned}
    others = [
        p
        for p, k in repository.entries.items()
        if k is EntryKind.FILE
        and "dockerfile" in p.name.lower()
        and p not in mine
        and not p.name.endswith(".dockerignore")
    ]
    if not others:
        return frozenset()
    texts = [s.text for d in find_drivers(repository) if d.path not in followed and (s := repository.source(d.path))]
    return frozenset(p for p in others if any(_names(t, p) for t in texts))


def _names(text: str, dockerfile: PurePosixPath) -> bool:
    """By its name, or by its folder where it is called as most are."""
    words = {called(dockerfile)}
    if dockerfile.name == "Dockerfile":
        words.add(dockerfile.parent.name or dockerfile.name)
    return any(re.search(rf"(?<![\w-]){re.escape(w)}(?![\w-])", text) for w in words)
