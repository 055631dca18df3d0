"""Mutants of the samples' migrations: what the tool writes without an engine, with one small change somewhere.

    for sample in SAMPLES:
        for mutant in mutants(sample):
            ...

Of a mutant the proof has to say that it isn't proved, but where it makes the same images as the migration. Nothing here is
random: the same samples give the same mutants, under the same ids.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from migrate.discover import EntryKind, scan
from migrate.dockerfile.reader import read_dockerfile
from migrate.pipeline.analysis import Analysis
from migrate.pipeline.following import Inputs
from migrate.pipeline.run import found_builds
from migrate.plan.callers import followed_files
from migrate.source import FileChange, SourceFile, decode, encode
from tests.proof.dockerfile_mutants import Change, Role, dockerfile_changes
from tests.proof.driver_mutants import compose_changes, driver_changes, named_targets
from tests.trios import NAMES

FOLDER = Path(__file__).parents[2] / "samples"
SAMPLES = NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """A sample as it is migrated: `texts` are the files that the migration leaves changed or new."""

    sample: str
    analysis: Analysis
    texts: tuple[SourceFile, ...]

    @property
    def legacy(self) -> Path:
        return FOLDER / self.sample / "legacy"

    def lay(self, folder: Path) -> Path:
        """The migrated tree, in `folder`, which is made."""
        shutil.copytree(self.legacy, folder, symlinks=True)
        for change in self.analysis.changes:
            target = folder / change.path
            if change.after is None:
                target.unlink()
            else:
                target.write_bytes(change.after)
        return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change: `path` has the text `after` (`before` in the migration; None where it is not there)."""

    id: str
    sample: str
    kind: str
    detail: str
    keyword: str
    role: Role | None
    path: PurePosixPath
    line: int
    what: str
    before: str | None
    after: str

    def __str__(self) -> str:
        return f"{self.id}: {self.path}:{self.line}: {self.what}"

    def changes(self, migrated: Migrated) -> tuple[FileChange, ...]:
        """The migration's changes of files with this one among them."""
        by_path = {c.path: c for c in migrated.analysis.changes}
        legacy = encode(self.before) if self.before is not None else None
        before = by_path[self.path].before if self.path in by_path else legacy
        by_path[self.path] = FileChange(path=self.path, before=before, after=encode(self.after))
        return tuple(sorted(by_path.values(), key=lambda c: c.path))

    @contextmanager
    def laid(self, tree: Path) -> Iterator[Path]:
        """The migrated `tree` with the change made, for as long as the block lasts."""
        path = tree / self.path
        path.write_bytes(encode(self.after))
        try:
            yield tree
        finally:
            if self.before is None:
                path.unlink()
            else:
                path.write_bytes(encode(self.before))


@cache
def migrated_sample(sample: str) -> Migrated:
    (analysis,) = found_builds(scan(FOLDER / sample / "legacy"), Inputs())
    texts = tuple(SourceFile(path=c.path, text=decode(c.after)) for c in analysis.changes if c.after is not None)
    return Migrated(sample=sample, analysis=analysis, texts=texts)


@cache
def mutants(sample: str) -> tuple[Mutant, ...]:
    """All mutants of a sample; two that come to the same text are one."""
    migrated = migrated_sample(sample)
    found: dict[tuple[PurePosixPath, str], Mutant] = {}
    ids: set[str] = set()
    for path, before, change, after in _changes(migrated):
        line = change.place.position.line
        name = f"{migrated.sample}/{path}:{line}/{change.kind}" + (f"-{change.detail}" if change.detail else "")
        if (path, after) in found or after == before:
            continue
        number = 2
        unique = name
        while unique in ids:
            unique, number = f"{name}-{number}", number + 1
        ids.add(unique)
        found[path, after] = Mutant(
            id=unique,
            sample=migrated.sample,
            kind=change.kind,
            detail=change.detail,
            keyword=change.keyword,
            role=change.role,
            path=path,
            line=line,
            what=change.what,
            before=before,
            after=after,
        )
    return tuple(found.values())


def _changes(migrated: Migrated) -> Iterator[tuple[PurePosixPath, str | None, Change, str]]:
    dockerfiles = [s for s in migrated.texts if _is_dockerfile(s)]
    trace = migrated.analysis.trace
    assert trace is not None
    # what is mended beside the driver makes none of its images: tests/test_references.py holds it to them
    drivers = [s for s in migrated.texts if not _is_dockerfile(s) and s.path in followed_files(trace)]
    images = frozenset[str]().union(*map(named_targets, drivers))
    legacy = "".join(decode(p.read_bytes()) for p in sorted(migrated.legacy.rglob("*")) if p.is_file())
    for source in dockerfiles:
        for change in dockerfile_changes(source, images, legacy):
            yield source.path, source.text, change, change.text
        yield from _hidden(migrated, source)
    for source in drivers:
        composed = "services:" in source.text
        for change in compose_changes(source) if composed else driver_changes(source):
            yield source.path, source.text, change, change.text
    yield from _ignores_less(migrated)
    yield from _other_sources(migrated)


def _is_dockerfile(source: SourceFile) -> bool:
    return source.path.name.startswith("Dockerfile") and read_dockerfile(source)[0] is not None


# ignore files


def _hidden(migrated: Migrated, source: SourceFile) -> Iterator[tuple[PurePosixPath, str | None, Change, str]]:
    """A line of an ignore file that hides what is copied. All samples come to have the repository as their context."""
    dockerfile, _ = read_dockerfile(source)
    assert dockerfile is not None
    own = source.path.with_name(f"{source.path.name}.dockerignore")
    for instruction in dockerfile.instructions:
        if instruction.keyword not in ("COPY", "ADD") or instruction.flag("from") is not None:
            continue
        for argument in instruction.arguments[:-1]:
            line = argument.text.strip("/") if argument.text != "." else _first_file(migrated)
            for path, kind in ((PurePosixPath(".dockerignore"), "hidden"), (own, "hidden-from-one")):
                before = _text(migrated, path)
                what = f"`{line}` is hidden by `{path}`"
                change = Change(kind=kind, place=argument.span, what=what, edits=(), detail=line.replace("/", "-"))
                kept = before if before is not None else _text(migrated, PurePosixPath(".dockerignore")) or ""
                yield path, before, change, f"{kept}{line}\n"


def _first_file(migrated: Migrated) -> str:
    """A file that both versions find in their context."""
    changed = {c.path for c in migrated.analysis.changes}
    entries = scan(migrated.legacy).entries
    return str(next(p for p, k in entries.items() if k is EntryKind.FILE and p not in changed and p.name[0] != "."))


def _ignores_less(migrated: Migrated) -> Iterator[tuple[PurePosixPath, str | None, Change, str]]:
    """Ignore files without one of their lines."""
    for path in sorted(scan(migrated.legacy).entries) + [s.path for s in migrated.texts]:
        text = _text(migrated, path) if path.name.endswith(".dockerignore") else None
        if text is None:
            continue
        source = SourceFile(path=path, text=text)
        for number in range(1, source.line_count + 1):
            start, end = source.line_bounds(number)
            what = f"`{source.line(number)}` is no longer ignored"
            change = Change(kind="ignored-less", place=source.span(start, end), what=what, edits=())
            yield path, text, change, text[:start] + text[end:]


def _other_sources(migrated: Migrated) -> Iterator[tuple[PurePosixPath, str | None, Change, str]]:
    """A migration that changes a file of the project too."""
    changed = {c.path for c in migrated.analysis.changes}
    for path in scan(migrated.legacy).entries:
        full = migrated.legacy / path
        if path in changed or not full.is_file() or full.is_symlink() or path.name.endswith(".dockerignore"):
            continue
        text = decode(full.read_bytes())
        place = SourceFile(path=path, text=text).span(0, 0)
        change = Change(kind="other-file-changed", place=place, what=f"`{path}` has one more line", edits=())
        yield path, text, change, f"{text}added\n"


def _text(migrated: Migrated, path: PurePosixPath) -> str | None:
    """A file of the migrated tree."""
    for change in migrated.analysis.changes:
        if change.path == path:
            return decode(change.after) if change.after is not None else None
    full = migrated.legacy / path
    return decode(full.read_bytes()) if os.path.lexists(full) else None
