"""What a run of the pipeline came to: what `report` shows and `cli` turns into an exit code."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath

from migrate.compare.smoke import SmokeComparison
from migrate.compare.verdict import Comparison
from migrate.diagnostics import Diagnostic
from migrate.image import ImageReference
from migrate.proof.model import Proof
from migrate.source import FileChange


class Status(Enum):
    """Of one legacy build. FOUND (by `--check`), PLANNED (by `--dry-run`), VERIFIED (by `verify`), WRITTEN, and UNCHANGED (where
    there is nothing to do) ended well; the rest says why nothing was written."""

    REFUSED = "not migrated"
    FOUND = "found"
    PLANNED = "planned"
    VERIFIED = "verified"
    WRITTEN = "written"
    UNCHANGED = "unchanged"
    DIFFERENT = "different"
    BUILD_FAILED = "build failed"
    NO_ENGINE = "not verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCheck:
    """One final image, both ways. Sizes in bytes, as the engine gives them."""

    reference: ImageReference
    legacy_size: int
    migrated_size: int
    comparison: Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeCheck:
    """One command run in both images of a name; `ended` says how it did in the legacy one."""

    reference: ImageReference
    words: tuple[str, ...]
    ended: str
    comparison: SmokeComparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Both versions built and compared. Seconds are wall time of each side's driver; `builder_size` in bytes is that of the
    image that the artifacts came from (None where no plan says which); `engine` says which engine and which builder did it;
    `independent` is whether neither side used the engine's cache; `unpaired` are images, in words, that only one side made, as it
    was to be expected; `sides` are what the two are called; `sizes` are those of the two
    images, in bytes, where nothing else compares them."""

    engine: str
    checks: tuple[ImageCheck, ...]
    smokes: tuple[SmokeCheck, ...]
    independent: bool
    builder_size: int | None
    legacy_seconds: float
    migrated_seconds: float
    unpaired: tuple[str, ...] = ()
    sides: tuple[str, str] = ("legacy", "migrated")
    sizes: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What dividing a builder into `stages` brought: wall time in seconds of all that the driver builds, nothing from a cache."""

    dockerfile: PurePosixPath
    stages: tuple[str, ...]
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOutcome:
    """One legacy build. `started` is the call of make or npm, or the job, that was followed, None for a script. `proof` is
    there where a migration was planned; `verification` is None where it wasn't built, and `not_verified` then says why;
    `gains` are what was divided."""

    driver: PurePosixPath
    status: Status
    changes: tuple[FileChange, ...]
    diagnostics: tuple[Diagnostic, ...]
    started: str | None = None
    proof: Proof | None = None
    verification: Verification | None = None
    not_verified: str | None = None
    gains: tuple[Gain, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationOutcome:
    """A whole repository. `has_dockerfile` tells "nothing to migrate" from "nothing found"; `backup` is where the old files
    were kept, None where nothing was written in place."""

    root: Path
    builds: tuple[BuildOutcome, ...]
    has_dockerfile: bool
    backup: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What `--undo` restored; the diagnostics say why nothing was."""

    restored: tuple[PurePosixPath, ...]
    diagnostics: tuple[Diagnostic, ...]


class AuditStatus(Enum):
    """Of one row of an audit: what is known without building anything."""

    MIGRATES = "migrates"
    ASSUMING = "migrates with assumptions"
    UNPROVED = "must be built to be known"
    DECISION = "needs a decision"
    CANNOT = "can't"
    HALF = "half migrated"
    NOT_PATTERN = "not this pattern"
    UNREADABLE = "cannot be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One legacy build, or what a repository holds instead. `builders` and `runtimes` are Dockerfiles, `reason` the first
    finding's message (or what was found), `code` its rule, `place` where, as `file:line`; `proof` the verdict, where a
    migration is planned."""

    repository: Path
    driver: str | None
    builders: tuple[str, ...]
    runtimes: tuple[str, ...]
    mechanisms: tuple[str, ...]
    status: AuditStatus
    reason: str
    code: str | None
    place: str | None
    proof: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOutcome:
    """Many repositories, in the order in which they were given."""

    rows: tuple[AuditRow, ...]

    @property
    def counts(self) -> dict[AuditStatus, int]:
        return {s: n for s in AuditStatus if (n := sum(r.status is s for r in self.rows))}

    @property
    def exit_code(self) -> int:
        """0: done. 3: nothing could be read at all."""
        return 3 if all(r.status is AuditStatus.UNREADABLE for r in self.rows) else 0


class CleanStatus(Enum):
    """Of one run that the journal knows."""

    CLEANED = "taken away"
    ALIVE = "still at work, left alone"
    LEFT = "not all could be taken away"
    UNREACHABLE = "its engine does not answer"
    CORRUPT = "its entry cannot be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanedRun:
    """What `verify --clean` came to for one run: counts of what was taken away, and in `reasons` why something was not."""

    name: str
    status: CleanStatus
    processes: int = 0
    containers: int = 0
    tags: int = 0
    images: int = 0
    folders: int = 0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanOutcome:
    """All that the journal holds, oldest first."""

    runs: tuple[CleanedRun, ...]

    @property
    def exit_code(self) -> int:
        """0: nothing of a run that has ended is left. 3: something is, or may be."""
        return 0 if all(r.status in (CleanStatus.CLEANED, CleanStatus.ALIVE) for r in self.runs) else 3


def exit_code(outcome: MigrationOutcome, *, check: bool) -> int:
    """0: done, or nothing to do. 1: a build is not migrated, its images differ, or `check` found one. 3: what it needs
    isn't there: an engine, a legacy build that runs, a Dockerfile at all."""
    if not outcome.builds:
        return 0 if outcome.has_dockerfile else 3
    statuses = {b.status for b in outcome.builds}
    if check or statuses & {Status.REFUSED, Status.DIFFERENT}:
        return 1
    return 3 if statuses & {Status.BUILD_FAILED, Status.NO_ENGINE} else 0
