"""An audit as JSON, schema 1 (docs/audit.md)."""

import json
from typing import Any

from migrate.outcome import AuditOutcome, AuditRow

SCHEMA = 1


def audit_json(outcome: AuditOutcome) -> str:
    document = {
        "schema": SCHEMA,
        "rows": [_row(r) for r in outcome.rows],
        "counts": {status.value: count for status, count in outcome.counts.items()},
    }
    return json.dumps(document, ensure_ascii=True, indent=2)


def _row(row: AuditRow) -> dict[str, Any]:
    return {
        "repository": str(row.repository),
        "driver": row.driver,
        "builders": list(row.builders),
        "runtimes": list(row.runtimes),
        "mechanisms": list(row.mechanisms),
        "status": row.status.value,
        "reason": row.reason,
        "code": row.code,
        "place": row.place,
        "proof": row.proof,
    }
