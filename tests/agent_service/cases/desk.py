from typing import Any

import httpx

from core.access import PersonRole
from core.db import Database
from core.settings import Settings
from tests.people import Someone, make_person

CLIENT = "INSERT INTO crm.clients (public_id, name) VALUES (gen_random_uuid(), 'Maria') RETURNING public_id"


class Desk:
    """The pipeline over HTTP, and the people who work on it."""

    def __init__(self, client: httpx.AsyncClient, database: Database, settings: Settings) -> None:
        self.client = client
        self.database = database
        self.settings = settings

    async def hire(self, role: PersonRole = PersonRole.AGENT, name: str = "Ana") -> Someone:
        return await make_person(self.database, self.settings, role, name=name)

    async def customer(self) -> str:
        async with self.database.connection() as connection:
            return str(await connection.fetchval(CLIENT))

    async def open(self, who: Someone, **more: Any) -> dict[str, Any]:
        asked = {"client_id": await self.customer(), "entity": "prefeitura", **more}
        return await self.post(who, "/cases", asked, expect=201)

    async def post(self, who: Someone, path: str, body: Any = None, *, expect: int = 200) -> dict[str, Any]:
        answer = await self.client.post(path, json=body, headers=who.headers)
        assert answer.status_code == expect, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def get(self, who: Someone, path: str, *, expect: int = 200, **query: Any) -> dict[str, Any]:
        answer = await self.client.get(path, params=query, headers=who.headers)
        assert answer.status_code == expect, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def ids(self, who: Someone, **query: Any) -> list[str]:
        return [item["id"] for item in (await self.get(who, "/cases", **query))["items"]]
