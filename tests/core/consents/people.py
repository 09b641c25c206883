from typing import Any
from uuid import UUID

import asyncpg

from core.consents import SERVICE_DESK, ConsentState, NoticeVersion, current, grant, revoke
from core.db import Database, plain_url
from core.ids import uuid7


class People:
    """Clients, and what they say."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def new(self) -> int:
        async with self._database.connection() as connection:
            client: int = await connection.fetchval(
                "INSERT INTO crm.clients (public_id) VALUES ($1) RETURNING id", uuid7()
            )
            return client

    async def contact(self, client: int) -> UUID:
        async with self._database.connection() as connection:
            found: UUID = await connection.fetchval("SELECT public_id FROM crm.clients WHERE id = $1", client)
            return found

    async def agrees(self, client: int, notice: NoticeVersion, **more: Any) -> bool:
        return await self._decide(grant, client, notice, more)

    async def refuses(self, client: int, notice: NoticeVersion, **more: Any) -> bool:
        return await self._decide(revoke, client, notice, more)

    async def _decide(self, verb: Any, client: int, notice: NoticeVersion, more: dict[str, Any]) -> bool:
        async with self._database.connection() as connection, connection.transaction():
            changed: bool = await verb(
                connection,
                client=client,
                purpose=notice.purpose,
                notice=notice.id,
                **{"channel": "whatsapp", "event": None, "actor": None, **more},
            )
            return changed

    async def state(self, client: int, purpose: str = SERVICE_DESK) -> ConsentState | None:
        async with self._database.connection() as connection:
            return await current(connection, client, purpose)

    async def stands(self, client: int) -> str | None:
        state = await self.state(client)
        return None if state is None else str(state.action)

    async def rows(self, client: int) -> list[tuple[str, str]]:
        async with self._database.connection() as connection:
            found = await connection.fetch(
                "SELECT action::text, cause::text FROM crm.consents WHERE client_id = $1 ORDER BY seq", client
            )
        return [tuple(row) for row in found]


async def tamper(database: Database, *statements: str) -> None:
    """As somebody who owns the tables and turns their triggers off."""
    connection = await asyncpg.connect(plain_url(database.url))
    try:
        for table in ("consents", "notices", "notice_deliveries"):
            await connection.execute(f"ALTER TABLE crm.{table} DISABLE TRIGGER USER")
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
