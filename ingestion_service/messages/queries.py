"""The SQL of looking at messages taken in."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

Found = dict[str, Any]
"""A row by its column names."""

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
