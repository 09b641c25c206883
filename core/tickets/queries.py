"""The SQL of tickets: a change and its row of history are written in one transaction."""

from typing import Any

from asyncpg import Record

from core.db import Connection

# Waits for a merge of the client, and then tells who has what was theirs.
HOLD_CLIENT = "SELECT COALESCE(merged_into_id, id) FROM crm.clients WHERE id = $1 FOR KEY SHARE"
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


async def hold_client(connection: Connection, client: int) -> int:
    """The client, or who they were merged into, held: no merge of theirs until we are done."""
    while (found := await connection.fetchval(HOLD_CLIENT, client)) != client:
        assert found is not None, "clients are never deleted"
        client = found
    return client


async def insert_ticket(connection: Connection, *row: Any) -> Record | None:
    """Store an OPEN ticket and the first row of its history; None when its event has one already."""
    return await connection.fetchrow(INSERT, *row)


async def get_of_event(connection: Connection, event: int) -> Record:
    """The ticket this event opened."""
    row = await connection.fetchrow(OF_EVENT, event)
    assert row is not None, "tickets are never deleted"
    return row
