from typing import Any, NamedTuple
from uuid import UUID

from core.db import Connection, Database
from core.tickets import OpenedTicket, open_ticket
from core.vault import Vault


class Person(NamedTuple):
    """A client who wrote once."""

    client: int
    event: int


async def opened(connection: Connection, vault: Vault, client: int, **more: Any) -> OpenedTicket:
    given = {"subject": "Boleto errado", "description": "Meu boleto veio errado.", **more}
    return await open_ticket(connection, vault, client=client, **given)


async def row_of(database: Database, ticket: UUID) -> dict[str, Any]:
    async with database.connection() as connection:
        return dict(await connection.fetchrow("SELECT * FROM crm.tickets WHERE public_id = $1", ticket) or {})
