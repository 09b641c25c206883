"""The SQL of the door. Storing a message is one statement in a transaction of its own."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg import Record
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Connection

Found = dict[str, Any]
"""A row by its column names."""

# The first one of this external id, too, in one round trip: of repeats there are many.
STORE = """
WITH stored AS (
    INSERT INTO crm.ingest_events
        (public_id, principal_id, account, source, external_id, body_digest, body_sealed)
    VALUES ($1, $2, $3, $4::text::crm.message_source, $5, $6, $7)
    ON CONFLICT (account, source, external_id) WHERE external_id IS NOT NULL DO NOTHING
    RETURNING id, public_id, body_digest
)
SELECT id, public_id, body_digest, NULL::uuid AS contact_id, true AS is_new FROM stored
UNION ALL
SELECT e.id, e.public_id, e.body_digest, c.public_id, false
FROM crm.ingest_events e LEFT JOIN crm.clients c ON c.id = e.client_id
WHERE e.account = $3 AND e.source = $4::text::crm.message_source AND e.external_id = $5
  AND NOT EXISTS (SELECT FROM stored)
"""
MARK_MISMATCH = "UPDATE crm.ingest_events SET payload_mismatches = payload_mismatches + 1 WHERE id = $1"
EVENT = """
SELECT e.id AS key, e.public_id AS id, e.account, e.source::text, e.external_id, e.status::text, e.error_code,
       e.attempts, e.next_at AS next_attempt_at, e.payload_mismatches, e.received_at, e.linked_at,
       c.public_id AS contact_id
FROM crm.ingest_events e LEFT JOIN crm.clients c ON c.id = e.client_id
WHERE (CAST(:owner AS bigint) IS NULL OR e.principal_id = :owner)
"""
CONDITIONS = {
    "status": "e.status = CAST(CAST(:status AS text) AS crm.event_status)",
    "source": "e.source = CAST(CAST(:source AS text) AS crm.message_source)",
    "account": "e.account = :account",
    "contact_id": "e.client_id = (SELECT id FROM crm.clients WHERE public_id = :contact_id)",
}


class NewEvent(NamedTuple):
    """The row of a message, in the order of its columns."""

    public_id: UUID
    principal_id: int
    account: str
    source: str
    external_id: str | None
    body_digest: bytes
    body_sealed: bytes


async def store(connection: Connection, event: NewEvent) -> Record:
    """The event that has this external id: this one, unless there is one already."""
    while True:  # a first one that was committed while the statement ran is not in its snapshot
        if row := await connection.fetchrow(STORE, *event):
            return row


async def mark_mismatch(connection: Connection, key: int) -> None:
    """The same external id came with another body."""
    await connection.execute(MARK_MISMATCH, key)


async def find_event(session: AsyncSession, public_id: UUID, owner: int | None) -> Found | None:
    """The event, if it is the owner's; any event when `owner` is None."""
    statement = text(f"{EVENT} AND e.public_id = :id")
    row = (await session.execute(statement, {"id": public_id, "owner": owner})).mappings().one_or_none()
    return None if row is None else dict(row)


async def list_events(
    session: AsyncSession, owner: int | None, filters: dict[str, Any], *, before: int | None, limit: int
) -> Sequence[Found]:
    """Events, newest first, before the key `before`."""
    conditions = [CONDITIONS[name] for name in filters]
    if before is not None:
        conditions.append("e.id < :before")
    statement = text(" AND ".join([EVENT, *conditions]) + " ORDER BY e.id DESC LIMIT :limit")
    values = {**filters, "owner": owner, "before": before, "limit": limit}
    return [dict(row) for row in (await session.execute(statement, values)).mappings()]
