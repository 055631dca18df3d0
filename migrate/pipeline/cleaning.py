"""What verifications that were killed have left, taken away: the journal's entries, each on its own engine."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from migrate.engine import journal
from migrate.engine.cleanup import Cleaned, take_away
from migrate.engine.client import EngineUnavailable, connect
from migrate.engine.steps import Report
from migrate.outcome import CleanedRun, CleanOutcome, CleanStatus


def clean(environment: Mapping[str, str], report: Report) -> CleanOutcome:
    """Take away what is left of runs that have ended. Those still at work are left alone, and so is everything that no entry
    names. What can't be taken away keeps its entry."""
    runs: list[CleanedRun] = []
    for kept in dict.fromkeys(journal.folders(environment)):
        entries, corrupt = journal.read(kept)
        for file in corrupt:
            aside = journal.move_aside(file)
            moved = f"moved to `{aside}`" if aside is not None else f"`{file.path}` stays"
            runs.append(
                CleanedRun(name=file.path.stem, status=CleanStatus.CORRUPT, reasons=(f"{file.reason}; {moved}",))
            )
        for entry in entries:
            if entry.alive and not entry.closed:
                runs.append(CleanedRun(name=entry.prefix, status=CleanStatus.ALIVE))
            else:
                report("clean-up", entry.prefix)
                runs.append(_clean(entry, kept, environment))
        journal.sweep(kept)
    return CleanOutcome(runs=tuple(runs))


def _clean(entry: journal.Entry, kept: Path, environment: Mapping[str, str]) -> CleanedRun:
    named = {n: v for n, v in entry.connection.items() if v is not None}
    there = {**{n: v for n, v in environment.items() if n not in entry.connection}, **named}
    try:
        with closing(connect(there)) as client:
            return _cleaned(entry, take_away(entry, kept, client, settle=True), CleanStatus.LEFT)
    except EngineUnavailable as gone:
        host = entry.connection.get("DOCKER_HOST") or "the default engine"
        cleaned = take_away(entry, kept, None, settle=False)
        return _cleaned(entry, cleaned, CleanStatus.UNREACHABLE, f"{host}: {gone.message}")


def _cleaned(entry: journal.Entry, cleaned: Cleaned, otherwise: CleanStatus, *reasons: str) -> CleanedRun:
    reasons = (*reasons, *cleaned.left)
    return CleanedRun(
        name=entry.prefix,
        status=otherwise if reasons else CleanStatus.CLEANED,
        processes=cleaned.processes,
        containers=cleaned.containers,
        tags=cleaned.tags,
        images=cleaned.images,
        folders=cleaned.folders,
        reasons=reasons,
    )
