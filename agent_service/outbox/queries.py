"""The SQL of looking at the outbox."""

import json
from typing import Any
from uuid import UUID

from asyncpg import Record

from core.db import Connection

Found = dict[str, Any]
"""A row by its column names."""

EVENT = """
SELECT e.id AS key, e.public_id AS id, type, subject, data::text AS data, attempts, error_code, created_at,
       dispatched_at, due_at AS next_attempt_at,
       CASE WHEN due_at IS NOT NULL THEN 'WAITING' WHEN dispatched_at IS NULL THEN 'GIVEN_UP' ELSE 'TOLD' END
           AS status
FROM ops.outbox_events e
"""
LIST = f"""{EVENT}
WHERE ($1::text IS NULL OR $1 = 'WAITING' AND due_at IS NOT NULL
       OR $1 = 'TOLD' AND dispatched_at IS NOT NULL
       OR $1 = 'GIVEN_UP' AND due_at IS NULL AND dispatched_at IS NULL)
  AND ($2::text IS NULL OR type = $2) AND ($3::bigint IS NULL OR e.id < $3)
ORDER BY e.id DESC LIMIT $4
"""
LOCK = f"{EVENT} WHERE public_id = $1 FOR NO KEY UPDATE"
START_OVER = "UPDATE ops.outbox_events SET due_at = now(), attempts = 0, error_code = NULL WHERE id = $1"
RING = "SELECT pg_notify('cogep_outbox', '')"


async def list_events(
    connection: Connection, status: str | None, type_: str | None, *, before: int | None, limit: int
) -> list[Found]:
    """Events, newest first, before the key `before`."""
    return [_found(row) for row in await connection.fetch(LIST, status, type_, before, limit)]


async def lock_event(connection: Connection, public_id: UUID) -> Found | None:
    """The event; no relay takes it until the transaction ends."""
    row = await connection.fetchrow(LOCK, public_id)
    return None if row is None else _found(row)


async def start_over(connection: Connection, key: int) -> None:
    """All attempts anew, from now."""
    await connection.execute(START_OVER, key)
    await connection.execute(RING)


def _found(row: Record) -> Found:
    return {**row, "data": json.loads(row["data"])}
