"""A migration's outcome on a terminal: findings on standard error, results on standard output."""

import shlex
import sys
from pathlib import Path

from migrate.diagnostics import Severity
from migrate.outcome import BuildOutcome, ImageCheck, MigrationOutcome, Status, Undone, Verification
from migrate.proof.model import Proof
from migrate.report.diff import unified_diff
from migrate.report.terminal import print_diagnostics, visible

_ALLOWED_SHOWN = 20


def print_outcome(outcome: MigrationOutcome, *, diff: bool) -> None:
    """Everything there is to say of `outcome`; with `diff` the changes as one unified diff, alone on standard output."""
    if not outcome.builds:
        text = "nothing to migrate" if outcome.has_dockerfile else "nothing found: no Dockerfile is here"
        print(f"ms-migrate: {text}", file=sys.stdout if outcome.has_dockerfile and not diff else sys.stderr)
        return
    for build in outcome.builds:
        errors = tuple(d for d in build.diagnostics if d.severity is Severity.ERROR)
        # under which assumptions it would have gone well is no matter where it doesn't
        print_diagnostics(errors if errors and build.status is Status.REFUSED else build.diagnostics, sys.stderr)
        stream = sys.stderr if diff else sys.stdout
        stream.write("\n".join(_lines(build)) + "\n")
        if diff and build.status is Status.PLANNED:
            sys.stdout.flush()
            sys.stdout.buffer.write(unified_diff(build.changes))
    if outcome.backup is not None:
        print("the old files are kept; `ms-migrate --undo` restores them")
        if outcome.backup.is_relative_to(outcome.root):
            kept = outcome.backup.relative_to(outcome.root).parts[0]
            if kept != ".git":
                print(f"`{visible(kept)}` lies in the build context until it is removed, by hand or by `--undo`")
    sys.stdout.flush()


def print_undone(root: Path, undone: Undone) -> int:
    """What was restored, or why nothing was; the exit code that goes with it."""
    print_diagnostics(undone.diagnostics, sys.stderr)
    if undone.diagnostics:
        return 1
    if not undone.restored:
        print(f"ms-migrate: nothing to undo in {visible(str(root))}", file=sys.stderr)
    for path in undone.restored:
        print(f"restored {visible(str(path))}")
    return 0


def _lines(build: BuildOutcome) -> list[str]:
    """One legacy build: its driver (and how it was started) and status, what was compared, what was or would be written."""
    started = f" ({visible(build.started)})" if build.started is not None else ""
    lines = [f"{visible(str(build.driver))}{started}: {build.status.value}"]
    if build.proof is not None:
        lines.append(f"  proof    {_proof(build.proof)}")
    if build.verification is not None:
        lines += _verification(build.verification)
    elif build.not_verified is not None:
        lines.append(f"  not verified: {visible(build.not_verified)}")
    for gain in build.gains:
        lines.append(
            f"  split    {visible(str(gain.dockerfile))}: {', '.join(map(visible, gain.stages))} side by side: "
            f"{gain.before:.1f} s before, {gain.after:.1f} s after ({gain.after / gain.before:.2f}), nothing from the cache"
        )
    if build.status in (Status.WRITTEN, Status.PLANNED):
        written = build.status is Status.WRITTEN
        for change in build.changes:
            verb = ("removed" if written else "removes") if change.after is None else ("wrote" if written else "writes")
            lines.append(f"  {verb:<8} {visible(str(change.path))}")
    else:
        lines.append("  nothing was written")
    return lines


def _proof(proof: Proof) -> str:
    """Its verdict, and what it rests on; why it was withdrawn."""
    codes = ", ".join(sorted({d.rule.code for d in proof.assumptions}))
    why = f": {proof.difference.message}" if proof.difference is not None and codes else ""
    return proof.verdict.value + why + (f" ({codes})" if codes else "")


def _verification(verification: Verification) -> list[str]:
    lines = [f"  engine   {visible(verification.engine)}"]
    for check in verification.checks:
        lines += _check(check)
    for smoke in verification.smokes:
        command = shlex.join(smoke.words) or "its own command"
        by = ", ".join(sorted(smoke.comparison.allowed_by))
        ended = f"{smoke.ended}; allowed for: {by}" if by else smoke.ended
        verdict = smoke.comparison.verdict.value
        lines.append(f"  smoke    {visible(str(smoke.reference))}: {visible(command)}: {verdict} ({ended})")
    lines += [f"  made     {visible(text)}" for text in verification.unpaired]
    sizes = [] if verification.builder_size is None else [("builder", verification.builder_size)]
    one, other = verification.sides
    if verification.sizes is not None:
        sizes += list(zip(verification.sides, verification.sizes, strict=True))
    elif verification.checks:
        sizes += [(one, verification.checks[0].legacy_size), (other, verification.checks[0].migrated_size)]
    lines.append("  size     " + ", ".join(f"{name} {_megabytes(size)}" for name, size in sizes))
    lines.append(
        f"  time     {one} {verification.legacy_seconds:.1f} s, {other} {verification.migrated_seconds:.1f} s"
        + ("" if verification.independent else " (its builder stage from the cache)")
    )
    return lines


def _check(check: ImageCheck) -> list[str]:
    """An image's verdict, and each difference that was allowed for with the normaliser, or noise, that did."""
    comparison = check.comparison
    by = ", ".join(f"{name} {count}" for name, count in comparison.allowed_by.items())
    lines = [
        f"  verdict  {visible(str(check.reference))}: {comparison.verdict.value}"
        + (f" (allowed for: {by})" if by else "")
    ]
    for allowance in comparison.allowed[:_ALLOWED_SHOWN]:
        what = f"config {allowance.path}" if allowance.kind is None else f"{allowance.path}: {allowance.kind.value}"
        lines.append(f"           {visible(what)}, by {', '.join(sorted(allowance.by))}")
    if len(comparison.allowed) > _ALLOWED_SHOWN:
        lines.append(f"           and {len(comparison.allowed) - _ALLOWED_SHOWN} more")
    return lines


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
