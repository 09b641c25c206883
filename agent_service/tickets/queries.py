"""The SQL that reads tickets. Whose a ticket is lies in the statement: another's is not found."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

Found = dict[str, Any]
"""A row by its column names."""

OVERDUE = """
(t.status IN ('OPEN', 'IN_PROGRESS')
 AND (t.resolution_due_at < now() OR t.first_responded_at IS NULL AND t.first_response_due_at < now()))
"""
TICKET = """
SELECT t.id AS key, t.public_id AS id, t.number, c.public_id AS client_id, t.subject_sealed,
       t.description_sealed, t.status::text, t.priority::text, p.public_id AS assignee_id,
       p.name AS assignee_name, t.channel, e.public_id AS event_id, f.public_id AS follow_up_of,
       t.first_response_due_at, t.first_responded_at, t.resolution_due_at, t.resolved_at,
       COALESCE(t.first_responded_at, now()) > t.first_response_due_at AS first_response_missed,
       COALESCE(t.resolved_at, now()) > t.resolution_due_at AS resolution_missed,
       t.opened_at, t.updated_at, t.closes_at, t.closed_at, t.version
FROM crm.tickets t
JOIN crm.clients c ON c.id = t.client_id
LEFT JOIN ops.people p ON p.id = t.assignee_id
LEFT JOIN crm.ingest_events e ON e.id = t.event_id
LEFT JOIN crm.tickets f ON f.id = t.follow_up_of_id
WHERE (CAST(:owner AS bigint) IS NULL OR t.assignee_id IS NULL OR t.assignee_id = :owner)
"""
CONDITIONS = {
    "status": "t.status = CAST(CAST(:status AS text) AS crm.ticket_status)",
    "priority": "t.priority = CAST(CAST(:priority AS text) AS crm.ticket_priority)",
    "client_id": "t.client_id = (SELECT id FROM crm.clients WHERE public_id = :client_id)",
    "me": "t.assignee_id = :me",
    "nobody": "t.assignee_id IS NULL",
    "somebody": "t.assignee_id = (SELECT id FROM ops.people WHERE public_id = :somebody)",
    "overdue": OVERDUE,
    "in_time": f"NOT {OVERDUE}",
    "before": "t.id < :before",
}
WHO = """
CASE WHEN {0} IS NULL THEN NULL ELSE COALESCE(
    (SELECT jsonb_build_object('id', public_id, 'name', name) FROM ops.people WHERE id = {0}),
    (SELECT jsonb_build_object('id', public_id, 'name', name) FROM ops.api_keys WHERE id = {0})) END
"""
COMMENTS = f"""
SELECT id AS key, public_id AS id, visibility::text, body_sealed, created_at,
       {WHO.format("author_id")} AS author
FROM crm.ticket_comments
WHERE ticket_id = :ticket AND (CAST(:before AS bigint) IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit
"""  # noqa: S608 - our own words
HISTORY = f"""
SELECT h.id AS key, h.public_id AS id, h.version, h.change::text, h.reason_sealed, h.at,
       {WHO.format("h.actor_id")} AS actor,
       COALESCE((SELECT public_id::text FROM ops.people
                 WHERE h.change = 'assignee' AND id::text = h.from_value), h.from_value) AS before,
       COALESCE((SELECT public_id::text FROM ops.people
                 WHERE h.change = 'assignee' AND id::text = h.to_value), h.to_value) AS after
FROM crm.ticket_history h
WHERE h.ticket_id = :ticket AND (CAST(:before AS bigint) IS NULL OR h.id < :before)
ORDER BY h.id DESC LIMIT :limit
"""  # noqa: S608 - our own words
FIND_EVENT = text(
    "SELECT e.id FROM crm.ingest_events e JOIN crm.clients c ON c.id = e.client_id"
    " WHERE e.public_id = :id AND c.public_id = :client"
)
HOLD_CLIENT = text("SELECT id, status::text FROM crm.clients WHERE public_id = :id FOR KEY SHARE")


async def find_ticket(session: AsyncSession, ticket: UUID, owner: int | None) -> Found | None:
    """The ticket, if it is the owner's or nobody's; any ticket when `owner` is None."""
    statement = text(f"{TICKET} AND t.public_id = :id")
    row = (await session.execute(statement, {"id": ticket, "owner": owner})).mappings().one_or_none()
    return None if row is None else dict(row)


async def list_tickets(
    session: AsyncSession, owner: int | None, filters: Found, *, limit: int
) -> Sequence[Found]:
    """Tickets, newest first; `filters` names CONDITIONS."""
    conditions = " AND ".join([TICKET, *(CONDITIONS[name] for name in filters)])
    statement = text(f"{conditions} ORDER BY t.id DESC LIMIT :limit")
    rows = await session.execute(statement, {**filters, "owner": owner, "limit": limit})
    return [dict(row) for row in rows.mappings()]


async def list_comments(
    session: AsyncSession, ticket: int, *, before: int | None, limit: int
) -> Sequence[Found]:
    """What was said about a ticket, newest first."""
    values = {"ticket": ticket, "before": before, "limit": limit}
    return [dict(row) for row in (await session.execute(text(COMMENTS), values)).mappings()]


async def list_history(
    session: AsyncSession, ticket: int, *, before: int | None, limit: int
) -> Sequence[Found]:
    """How a ticket came to be what it is, newest first."""
    values = {"ticket": ticket, "before": before, "limit": limit}
    return [dict(row) for row in (await session.execute(text(HISTORY), values)).mappings()]


async def hold_client(session: AsyncSession, client: UUID) -> Found | None:
    """The client's key and status; no merge of theirs until the transaction ends."""
    row = (await session.execute(HOLD_CLIENT, {"id": client})).mappings().one_or_none()
    return None if row is None else dict(row)


async def find_event(session: AsyncSession, event: UUID, client: UUID) -> int | None:
    """The key of an event, if it is this client's."""
    key: int | None = await session.scalar(FIND_EVENT, {"id": event, "client": client})
    return key
