"""What time does to tickets: resolved ones are closed, missed promises are marked. Each is told once."""

from asyncpg import Record

from core.db import Connection
from core.models import EventType
from core.tickets.telling import tell

BATCH = 500
CLOSE = """
WITH due AS (
    SELECT id FROM crm.tickets WHERE status = 'RESOLVED' AND closes_at <= now()
    ORDER BY closes_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
), closed AS (
    UPDATE crm.tickets t
    SET status = 'CLOSED', closed_at = now(), updated_at = now(), version = version + 1
    FROM due WHERE t.id = due.id RETURNING t.id, t.public_id, t.client_id, t.version
), noted AS (
    INSERT INTO crm.ticket_history (public_id, ticket_id, version, change, from_value, to_value)
    SELECT gen_random_uuid(), id, version, 'status', 'RESOLVED', 'CLOSED' FROM closed
)
SELECT t.public_id AS ticket, c.public_id AS client FROM closed t JOIN crm.clients c ON c.id = t.client_id
"""
# Nothing a caller sees changes with a mark, hence the version stays.
MARK_FIRST_RESPONSE = """
WITH due AS (
    SELECT id FROM crm.tickets
    WHERE status IN ('OPEN', 'IN_PROGRESS') AND first_responded_at IS NULL
      AND first_response_missed_at IS NULL AND first_response_due_at < now()
    ORDER BY first_response_due_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
), marked AS (
    UPDATE crm.tickets t SET first_response_missed_at = now()
    FROM due WHERE t.id = due.id RETURNING t.public_id, t.client_id
)
SELECT t.public_id AS ticket, c.public_id AS client FROM marked t JOIN crm.clients c ON c.id = t.client_id
"""
MARK_RESOLUTION = """
WITH due AS (
    SELECT id FROM crm.tickets
    WHERE status IN ('OPEN', 'IN_PROGRESS') AND resolution_missed_at IS NULL AND resolution_due_at < now()
    ORDER BY resolution_due_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
), marked AS (
    UPDATE crm.tickets t SET resolution_missed_at = now()
    FROM due WHERE t.id = due.id RETURNING t.public_id, t.client_id
)
SELECT t.public_id AS ticket, c.public_id AS client FROM marked t JOIN crm.clients c ON c.id = t.client_id
"""


async def close_resolved(connection: Connection) -> int:
    """Close what was resolved so long ago that it may not be taken up again; how many tickets."""
    rows = await connection.fetch(CLOSE, BATCH)
    for row in rows:
        await _tell(connection, EventType.TICKET_CLOSED, row, status="CLOSED")
    return len(rows)


async def mark_overdue(connection: Connection) -> int:
    """Mark running clocks that are past their time; how many."""
    count = 0
    for clock, statement in {"first_response": MARK_FIRST_RESPONSE, "resolution": MARK_RESOLUTION}.items():
        rows = await connection.fetch(statement, BATCH)
        for row in rows:
            await _tell(connection, EventType.TICKET_OVERDUE, row, clock=clock)
        count += len(rows)
    return count


async def _tell(connection: Connection, event: EventType, row: Record, **words: str) -> None:
    await tell(connection, event, row["ticket"], actor=None, data={"client_id": row["client"], **words})
