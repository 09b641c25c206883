"""The SQL of tickets: a change and its row of history are written in one transaction."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from asyncpg import Record

from core.db import Connection
from core.models import CommentVisibility, Ticket, TicketPriority, TicketStatus
from core.models.tickets import Terms

if TYPE_CHECKING:
    from core.tickets.changing import Change

# Waits for a merge of the client, and then tells who has what was theirs.
HOLD_CLIENT = """
SELECT id, public_id, COALESCE(merged_into_id, id) AS holder FROM crm.clients WHERE id = $1 FOR KEY SHARE
"""
# Waits for whoever is opening a ticket for the same event.
INSERT = """
WITH opened AS (
    INSERT INTO crm.tickets (public_id, client_id, subject_sealed, description_sealed, channel, event_id,
                             follow_up_of_id, opened_by, priority, first_response_due_at, resolution_due_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, priority, now() + first_response_minutes * interval '1 minute',
           now() + resolution_minutes * interval '1 minute'
    FROM crm.sla_policies WHERE priority = $9::text::crm.ticket_priority
    ON CONFLICT (event_id) DO NOTHING RETURNING id, public_id, number
), noted AS (
    INSERT INTO crm.ticket_history (public_id, ticket_id, version, change, to_value, actor_id)
    SELECT $10, id, 1, 'status', 'OPEN', $8 FROM opened
)
SELECT id, public_id, number FROM opened
"""
OF_EVENT = "SELECT id, public_id, number FROM crm.tickets WHERE event_id = $1"
LOCK = """
SELECT t.*, now() AS now, (SELECT c.public_id FROM crm.clients c WHERE c.id = t.client_id) AS client
FROM crm.tickets t
WHERE public_id = $1 AND ($2::bigint IS NULL OR assignee_id IS NULL OR assignee_id = $2)
FOR NO KEY UPDATE
"""
TERMS = "SELECT * FROM crm.sla_policies"
UPDATE = """
UPDATE crm.tickets
SET subject_sealed = $2, description_sealed = $3, status = $4::text::crm.ticket_status,
    priority = $5::text::crm.ticket_priority, assignee_id = $6, first_response_due_at = $7,
    first_responded_at = $8, first_response_missed_at = $9, resolution_due_at = $10,
    resolution_missed_at = $11, resolved_at = $12, closes_at = $13, closed_at = $14,
    version = version + 1, updated_at = now()
WHERE id = $1 RETURNING version
"""
INSERT_HISTORY = """
INSERT INTO crm.ticket_history
    (public_id, ticket_id, version, change, from_value, to_value, actor_id, reason_sealed)
VALUES ($1, $2, $3, $4::text::crm.ticket_change, $5, $6, $7, $8)
"""
HAS_COMMENT = "SELECT id FROM crm.ticket_comments WHERE event_id = $1"
INSERT_COMMENT = """
INSERT INTO crm.ticket_comments (public_id, ticket_id, visibility, body_sealed, author_id, event_id)
VALUES ($1, $2, $3::text::crm.comment_visibility, $4, $5, $6)
"""


async def hold_client(connection: Connection, client: int) -> Record:
    """The client, or who they were merged into, held: no merge of theirs until we are done."""
    while row := await connection.fetchrow(HOLD_CLIENT, client):
        if row["holder"] == client:
            return row
        client = row["holder"]
    raise AssertionError("clients are never deleted")


async def insert_ticket(connection: Connection, *row: Any) -> Record | None:
    """Store an OPEN ticket and the first row of its history; None when its event has one already."""
    return await connection.fetchrow(INSERT, *row)


async def get_of_event(connection: Connection, event: int) -> Record:
    """The ticket this event opened."""
    row = await connection.fetchrow(OF_EVENT, event)
    assert row is not None, "tickets are never deleted"
    return row


async def lock_ticket(connection: Connection, public_id: UUID, owner: int | None) -> Record | None:
    """The ticket's row and the time, if it is the owner's or nobody's; any ticket when `owner` is None."""
    return await connection.fetchrow(LOCK, public_id, owner)


def ticket_of(row: Record) -> Ticket:
    """The ticket in a row of LOCK."""
    columns = {column.name: row[column.name] for column in Ticket.__table__.columns}
    status, priority = TicketStatus(columns.pop("status")), TicketPriority(columns.pop("priority"))
    return Ticket(status=status, priority=priority, **columns)


async def list_terms(connection: Connection) -> dict[TicketPriority, Terms]:
    """What is promised of each priority."""
    return {
        TicketPriority(row["priority"]): Terms(
            first_response=timedelta(minutes=row["first_response_minutes"]),
            resolution=timedelta(minutes=row["resolution_minutes"]),
            grace=timedelta(minutes=row["grace_minutes"]),
        )
        for row in await connection.fetch(TERMS)
    }


async def update_ticket(connection: Connection, ticket: Ticket) -> None:
    """Write a locked ticket as its next version, which it then has."""
    ticket.version = await connection.fetchval(
        UPDATE,
        ticket.id,
        ticket.subject_sealed,
        ticket.description_sealed,
        ticket.status.value,
        ticket.priority.value,
        ticket.assignee_id,
        ticket.first_response_due_at,
        ticket.first_responded_at,
        ticket.first_response_missed_at,
        ticket.resolution_due_at,
        ticket.resolution_missed_at,
        ticket.resolved_at,
        ticket.closes_at,
        ticket.closed_at,
    )


async def insert_history(
    connection: Connection,
    ticket: Ticket,
    public_id: UUID,
    change: "Change",
    actor: int | None,
    reason: bytes | None,
) -> None:
    """Note a change of the ticket's present version."""
    what, before, after = change
    await connection.execute(
        INSERT_HISTORY, public_id, ticket.id, ticket.version, what.value, before, after, actor, reason
    )


async def has_comment(connection: Connection, event: int) -> bool:
    """Whether this event was added to a ticket before."""
    return await connection.fetchval(HAS_COMMENT, event) is not None


async def insert_comment(
    connection: Connection,
    public_id: UUID,
    ticket: int,
    visibility: CommentVisibility,
    body: bytes,
    author: int | None,
    event: int | None,
) -> None:
    """Store a comment."""
    await connection.execute(INSERT_COMMENT, public_id, ticket, visibility.value, body, author, event)
