"""One repository after the other through the static phases, each into its rows; what fails is a row too."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from migrate import rules
from migrate.audit.mechanism import mechanisms
from migrate.audit.near_miss import (
    NearMiss,
    at_line,
    dockerfiles,
    half_migrated,
    host_export,
    near_miss,
    takes_out,
    unread,
)
from migrate.diagnostics import Diagnostic, Severity
from migrate.discover import DriverKind, scan
from migrate.outcome import AuditOutcome, AuditRow, AuditStatus
from migrate.pipeline.analysis import Analysis
from migrate.pipeline.following import Inputs
from migrate.pipeline.run import found_builds

_DECISIONS = frozenset(
    {
        rules.SEVERAL_DRIVERS,
        rules.VALUE_UNKNOWN,
        rules.RUNS_CONDITIONALLY,
        rules.DRIVER_NOT_READ,
        rules.COMMANDS_BETWEEN,
        rules.COMMAND_TOUCHES_ARTIFACT,
    }
)
"""Rules for which a person can do something without giving up the migration: name a driver, give a value, move a command."""


def audit(paths: Sequence[Path], report: Callable[[str], None]) -> AuditOutcome:
    """Every path is a repository. An error in one is its row, and never stops the rest."""
    rows: list[AuditRow] = []
    for path in paths:
        report(str(path))
        try:
            rows += _rows(path)
        except Exception as error:  # noqa: BLE001 -- the boundary: one repository's failure is its own
            rows.append(_row(path, AuditStatus.UNREADABLE, f"{type(error).__name__}: {error}"))
    return AuditOutcome(rows=tuple(rows))


def _rows(path: Path) -> list[AuditRow]:
    repository = scan(path.absolute())
    files = dockerfiles(repository)
    found = [a for a in found_builds(repository, Inputs()) if a.legacy]
    rows = []
    for analysis in found:
        half = half_migrated(analysis, files) or (None if analysis.plan is not None else host_export(analysis))
        if half is None and analysis.plan is None and analysis.driver.kind is DriverKind.MAKEFILE:
            half = unread(repository, analysis.driver, files)
        if half is not None:
            rows.append(_near(path, half, driver=str(analysis.driver.path)))
        elif analysis.driver.kind is DriverKind.PROGRAM:
            rows.append(replace(_judged(path, analysis), status=AuditStatus.CANNOT))
        elif any(d.rule is rules.DRIVER_NOT_READ for d in analysis.diagnostics):
            place = takes_out(repository, analysis.driver)
            miss = unread(repository, analysis.driver, files)
            if miss is not None:
                rows.append(_near(path, miss, driver=str(analysis.driver.path)))
            elif place is not None:
                rows.append(replace(_judged(path, analysis), place=place))
        else:
            rows.append(_judged(path, analysis))
    return rows or [_near(path, near_miss(repository, files))]


def _judged(path: Path, analysis: Analysis) -> AuditRow:
    errors = [d for d in analysis.diagnostics if d.severity is Severity.ERROR]
    warnings = [d for d in analysis.diagnostics if d.severity is Severity.WARNING]
    first = next(iter(errors or warnings), None)
    unproved = next((d for d in warnings if d.rule is rules.NOT_PROVED), None)
    if unproved is not None and not errors:
        first, status = unproved, AuditStatus.UNPROVED
    elif not errors:
        status = AuditStatus.ASSUMING if warnings else AuditStatus.MIGRATES
    else:
        status = AuditStatus.DECISION if all(d.rule in _DECISIONS for d in errors) else AuditStatus.CANNOT
    groups = analysis.plan.groups if analysis.plan is not None else ()
    builders = [str(p) for p in (analysis.plan.builder_paths if analysis.plan is not None else ())]
    return AuditRow(
        repository=path,
        driver=str(analysis.driver.path),
        builders=tuple(dict.fromkeys(builders)),
        runtimes=tuple(dict.fromkeys(str(g.path) for g in groups)),
        mechanisms=mechanisms(analysis.trace) if analysis.trace is not None else (),
        status=status,
        reason=first.message if first is not None else "",
        code=first.rule.code if first is not None else None,
        place=_place(first),
        proof=analysis.proof.verdict.value if analysis.proof is not None else None,
    )


def _place(diagnostic: Diagnostic | None) -> str | None:
    if diagnostic is None or diagnostic.primary is None:
        return None
    return at_line(diagnostic.primary.span)


def _near(path: Path, miss: NearMiss, driver: str | None = None) -> AuditRow:
    return AuditRow(
        repository=path,
        driver=driver,
        builders=(),
        runtimes=tuple(map(str, miss.dockerfiles)),
        mechanisms=(),
        status=miss.status,
        reason=miss.what,
        code=None,
        place=miss.place,
    )


def _row(path: Path, status: AuditStatus, reason: str) -> AuditRow:
    return AuditRow(
        repository=path,
        driver=None,
        builders=(),
        runtimes=(),
        mechanisms=(),
        status=status,
        reason=reason,
        code=None,
        place=None,
    )
