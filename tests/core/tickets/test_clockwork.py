import asyncio

from core.db import Database
from core.models import TicketStatus
from core.tickets import hold, save
from core.tickets.clockwork import close_resolved, mark_overdue
from core.vault import Vault
from tests.core.tickets.people import Person, opened, row_of


async def told(database: Database, kind: str) -> int:
    async with database.connection() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM ops.outbox_events WHERE type = $1", kind))


async def test_what_was_resolved_long_enough_ago_is_closed_once(
    database: Database, vault: Vault, person: Person
) -> None:
    async with database.connection() as connection, connection.transaction():
        due, fresh = [await opened(connection, vault, person.client) for _ in range(2)]
        for ticket in (due, fresh):
            for step in (TicketStatus.IN_PROGRESS, TicketStatus.RESOLVED):
                held = await hold(connection, ticket.public_id)
                assert held is not None
                held.ticket.transition(step, now=held.now, grace=held.grace)
                await save(connection, vault, held, actor=7)
        await connection.execute("UPDATE crm.tickets SET closes_at = now() WHERE id = $1", due.id)

    async def close() -> int:
        async with database.connection() as connection, connection.transaction():
            return await close_resolved(connection)

    assert sum(await asyncio.gather(*(close() for _ in range(4)))) == 1
    assert await close() == 0
    closed = await row_of(database, due.public_id)
    assert (closed["status"], closed["version"]) == ("CLOSED", 4)
    assert (await row_of(database, fresh.public_id))["status"] == "RESOLVED"
    assert await told(database, "ticket.closed") == 1
    async with database.connection() as connection:
        last = await connection.fetchrow("SELECT * FROM crm.ticket_history ORDER BY id DESC LIMIT 1")
    assert last is not None
    assert (last["from_value"], last["to_value"], last["actor_id"]) == ("RESOLVED", "CLOSED", None)


async def test_a_missed_promise_is_told_once(database: Database, vault: Vault, person: Person) -> None:
    async with database.connection() as connection, connection.transaction():
        late = await opened(connection, vault, person.client)
        await opened(connection, vault, person.client)
        await connection.execute(
            "UPDATE crm.tickets SET first_response_due_at = opened_at - interval '1 s',"
            " resolution_due_at = opened_at - interval '1 s' WHERE id = $1",
            late.id,
        )
    async with database.connection() as connection, connection.transaction():
        assert [await mark_overdue(connection) for _ in range(2)] == [2, 0]
    assert await told(database, "ticket.overdue") == 2
    assert (await row_of(database, late.public_id))["version"] == 1
