"""Two trees of a repository → the proof that both make the same images."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from migrate.discover import Repository, scan
from migrate.drivers.script import Start
from migrate.pipeline import following
from migrate.pipeline.analysis import Analysis
from migrate.pipeline.following import Inputs
from migrate.pipeline.run import found_builds
from migrate.plan.model import ArtifactFact, ArtifactKey
from migrate.proof.model import Proof
from migrate.proof.prove import Given, Version, prove
from migrate.provenance.derive import derive
from migrate.source import FileChange, decode
from migrate.trace.events import Trace

BESIDE = {Path("diagnostics"), Path("proof")}
"""What a sample's `expected` holds beside the tree."""


def analysed(tree: Path) -> Analysis:
    """The one legacy build of a tree."""
    (found,) = [a for a in found_builds(scan(tree), Inputs()) if a.plan is not None]
    return found


def traced(repository: Repository, path: PurePosixPath, start: Start) -> Trace:
    """What a driver does among other files."""
    source = repository.source(path)
    assert source is not None
    followed, found = following.traced(repository, source, start, Inputs())
    assert followed is not None, found
    return followed


def sides_of(
    tree: Path,
    analysis: Analysis,
    changes: tuple[FileChange, ...],
    facts: Mapping[ArtifactKey, ArtifactFact] | None = None,
) -> tuple[Version, Version, Given]:
    """Both versions followed: the tree as `analysis` found it, and the tree with `changes`."""
    repository = scan(tree)
    legacy = analysis.trace
    assert legacy is not None
    texts = {c.path: None if c.after is None else decode(c.after) for c in changes}
    changed = repository.changed(texts)
    again = traced(changed, analysis.driver.path, analysis.start)
    provenance, _ = derive(legacy, repository)
    streamed = {b.number: b.path for b in provenance.builds if b.tree is not None} if provenance is not None else {}
    given = Given(facts=facts or {}, dockerfiles=streamed, buildkit=True)
    return Version(trace=legacy, repository=repository), Version(trace=again, repository=changed), given


def prove_changes(
    tree: Path,
    analysis: Analysis,
    changes: tuple[FileChange, ...],
    facts: Mapping[ArtifactKey, ArtifactFact] | None = None,
) -> Proof:
    """The tree as `analysis` found it, against the tree with `changes`."""
    legacy, migrated, given = sides_of(tree, analysis, changes, facts)
    return prove(legacy, migrated, changes, given)


def prove_trees(legacy: Path, migrated: Path) -> Proof:
    """Both are trees of one repository; the driver is found in `legacy`."""
    names = {p.relative_to(t) for t in (legacy, migrated) for p in t.rglob("*") if p.is_file() and not p.is_symlink()}
    names -= BESIDE
    changes = []
    for name in sorted(names):
        before, after = (t / name for t in (legacy, migrated))
        one = before.read_bytes() if before.is_file() else None
        other = after.read_bytes() if after.is_file() else None
        if one != other:
            changes.append(FileChange(path=PurePosixPath(name), before=one, after=other))
    return prove_changes(legacy, analysed(legacy), tuple(changes))
