import asyncio

from core.db import Database
from core.models import TicketStatus
from core.tickets import OpenedTicket, add_message, hold, save
from core.vault import Vault
from tests.core.tickets.people import Person, opened, row_of

WAY = (TicketStatus.IN_PROGRESS, TicketStatus.RESOLVED, TicketStatus.CLOSED)


async def ticket_at(database: Database, vault: Vault, person: Person, status: TicketStatus) -> OpenedTicket:
    async with database.connection() as connection, connection.transaction():
        ticket = await opened(connection, vault, person.client, channel="zap")
        for step in WAY[: WAY.index(status) + 1]:
            held = await hold(connection, ticket.public_id)
            assert held is not None
            held.ticket.transition(step, now=held.now, grace=held.grace)
            await save(connection, vault, held, actor=7)
    return ticket


async def write(database: Database, vault: Vault, ticket: OpenedTicket, event: int) -> OpenedTicket:
    async with database.connection() as connection, connection.transaction():
        found = await add_message(connection, vault, ticket.public_id, event=event, text="E então?")
    assert found is not None
    return found


async def count(database: Database, table: str) -> int:
    async with database.connection() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM crm.{table}"))


async def test_a_message_takes_a_resolved_ticket_up_again_once(
    database: Database, vault: Vault, person: Person
) -> None:
    ticket = await ticket_at(database, vault, person, TicketStatus.RESOLVED)
    found = await asyncio.gather(*(write(database, vault, ticket, person.event) for _ in range(8)))
    assert {one.id for one in found} == {ticket.id}
    assert (await row_of(database, ticket.public_id))["status"] == "IN_PROGRESS"
    assert await count(database, "ticket_comments") == 1


async def test_a_message_after_the_end_is_a_new_ticket_that_follows(
    database: Database, vault: Vault, person: Person
) -> None:
    ticket = await ticket_at(database, vault, person, TicketStatus.CLOSED)
    found = await asyncio.gather(*(write(database, vault, ticket, person.event) for _ in range(8)))
    assert {one.id for one in found} == {found[0].id}
    assert found[0].id != ticket.id
    new = await row_of(database, found[0].public_id)
    assert (new["follow_up_of_id"], new["channel"], new["status"]) == (ticket.id, "zap", "OPEN")
    assert await count(database, "tickets") == 2


async def test_resolved_too_long_ago_is_as_closed(database: Database, vault: Vault, person: Person) -> None:
    ticket = await ticket_at(database, vault, person, TicketStatus.RESOLVED)
    async with database.connection() as connection:
        await connection.execute("UPDATE crm.tickets SET closes_at = now()")
    assert (await write(database, vault, ticket, person.event)).is_new
