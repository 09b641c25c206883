import asyncio
from datetime import UTC, datetime, timedelta

from core.db import Database
from core.models import TicketPriority
from core.tickets.sealing import description_context, subject_context
from core.vault import Vault
from tests.core.tickets.people import Person, opened, row_of


async def test_a_ticket_is_open_numbered_sealed_and_its_clocks_run(
    database: Database, vault: Vault, person: Person
) -> None:
    async with database.connection() as connection, connection.transaction():
        ticket = await opened(connection, vault, person.client, priority=TicketPriority.URGENT, actor=7)
    row = await row_of(database, ticket.public_id)
    year = (datetime.now(UTC) - timedelta(hours=3)).year
    assert ticket.number == f"{year}-{ticket.id:06}"
    assert (row["status"], row["priority"], row["opened_by"], row["version"]) == ("OPEN", "urgent", 7, 1)
    assert row["first_response_due_at"] - row["opened_at"] == timedelta(hours=1)
    assert row["resolution_due_at"] - row["opened_at"] == timedelta(hours=8)
    assert b"oleto" not in row["subject_sealed"] + row["description_sealed"]
    subject = vault.open(row["subject_sealed"], context=subject_context(ticket.public_id))
    description = vault.open(row["description_sealed"], context=description_context(ticket.public_id))
    assert (subject.decode(), description.decode()) == ("Boleto errado", "Meu boleto veio errado.")
    async with database.connection() as connection:
        history = await connection.fetchrow("SELECT * FROM crm.ticket_history")
    assert history is not None
    assert (history["from_value"], history["to_value"], history["actor_id"]) == (None, "OPEN", 7)


async def test_a_number_grows_beyond_its_six_places(database: Database, vault: Vault, person: Person) -> None:
    async with database.connection() as connection:
        await connection.execute("ALTER TABLE crm.tickets ALTER COLUMN id RESTART WITH 1234567")
        ticket = await opened(connection, vault, person.client)
    assert ticket.number.endswith("-1234567")


async def test_one_event_opens_one_ticket_however_many_ask(
    database: Database, vault: Vault, person: Person
) -> None:
    async def ask() -> tuple[str, bool]:
        async with database.connection() as connection, connection.transaction():
            ticket = await opened(connection, vault, person.client, event=person.event)
            return ticket.number, ticket.is_new

    asked = await asyncio.gather(*(ask() for _ in range(20)))
    assert len({number for number, _ in asked}) == 1
    assert sum(is_new for _, is_new in asked) == 1
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM crm.tickets") == 1
        assert await connection.fetchval("SELECT count(*) FROM crm.ticket_history") == 1


async def test_the_ticket_of_a_merged_client_is_the_winner_s(
    database: Database, vault: Vault, person: Person
) -> None:
    async with database.connection() as connection:
        winner = await connection.fetchval(
            "INSERT INTO crm.clients (public_id) VALUES (gen_random_uuid()) RETURNING id"
        )
        await connection.execute(
            "UPDATE crm.clients SET status = 'MERGED', merged_into_id = $1 WHERE id = $2",
            winner,
            person.client,
        )
        ticket = await opened(connection, vault, person.client)
    assert (await row_of(database, ticket.public_id))["client_id"] == winner
