"""An audit as a table for a terminal: one row a legacy build, the counts last."""

from typing import TextIO

from migrate.outcome import AuditOutcome, AuditRow
from migrate.report.terminal import encodable, visible

_WIDEST = 48


def print_audit(outcome: AuditOutcome, stream: TextIO) -> None:
    """Plain text; nothing that a repository holds reaches the terminal as a control."""
    cells = [("repository", "driver", "mechanism", "status", "first finding"), *map(_cells, outcome.rows)]
    widths = [min(_WIDEST, max(len(row[i]) for row in cells)) for i in range(4)]
    for row in cells:
        fixed = "  ".join(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True))
        stream.write(encodable(f"{fixed}  {row[4]}".rstrip(), stream) + "\n")
    stream.write("\n")
    for status, count in outcome.counts.items():
        stream.write(f"{count:5}  {status.value}\n")


def _cells(row: AuditRow) -> tuple[str, str, str, str, str]:
    where = f"{row.place}: " if row.place is not None else ""
    code = f"{row.code} " if row.code is not None else ""
    return (
        visible(str(row.repository)),
        visible(row.driver or "-"),
        ", ".join(row.mechanisms) or "-",
        row.status.value,
        visible(f"{code}{where}{row.reason}"),
    )
