"""The SQL of reading the log."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

Found = dict[str, Any]
"""A row by its column names."""

ENTRY = """
SELECT id, recorded_at, actor, action, subject, data, request_id, position, encode(hash, 'hex') AS hash
FROM ops.audit_log
"""
FILTERS = {"action": "action = :action", "actor": "actor = :actor", "subject": "subject = :subject"}


async def list_entries(
    session: AsyncSession, filters: dict[str, Any], *, before: int | None, limit: int
) -> Sequence[Found]:
    """Entries, newest first, before the id `before`."""
    conditions = [FILTERS[name] for name in filters]
    if before is not None:
        conditions.append("id < :before")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    values = {**filters, "before": before, "limit": limit}
    rows = await session.execute(text(f"{ENTRY} {where} ORDER BY id DESC LIMIT :limit"), values)
    return [dict(row) for row in rows.mappings()]
