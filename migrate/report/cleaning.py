"""What `verify --clean` took away, on a terminal."""

import sys

from migrate.outcome import CleanedRun, CleanOutcome, CleanStatus
from migrate.report.terminal import visible


def print_cleaned(outcome: CleanOutcome) -> int:
    """A line a run, on standard output what is well, else on standard error; the exit code that goes with it."""
    if not outcome.runs:
        print("ms-migrate: nothing is left of any verification")
    for run in outcome.runs:
        well = run.status in (CleanStatus.CLEANED, CleanStatus.ALIVE)
        stream = sys.stdout if well else sys.stderr
        taken = _taken(run)
        print(f"{visible(run.name)}: {run.status.value}{f' ({taken})' if taken else ''}", file=stream)
        for reason in run.reasons:
            print(f"  {visible(reason)}", file=stream)
    if any(r.status in (CleanStatus.LEFT, CleanStatus.UNREACHABLE) for r in outcome.runs):
        print("once that is seen to, `ms-migrate verify --clean` takes away what is left", file=sys.stderr)
    return outcome.exit_code


def _taken(run: CleanedRun) -> str:
    counts = (
        (run.processes, "process", "processes"),
        (run.containers, "container", "containers"),
        (run.tags, "tag", "tags"),
        (run.images, "untagged image", "untagged images"),
        (run.folders, "folder", "folders"),
    )
    return ", ".join(f"{n} {one if n == 1 else many}" for n, one, many in counts if n)
