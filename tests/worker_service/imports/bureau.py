from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import text

import agent_service.main
from core.db import Database
from core.settings import Settings
from tests.api import serving

TABLES = ("clients", "identities", "enrollments", "payroll_lines")
WORK = {"CHECKING", "COMMITTING", "REVERTING"}


@dataclass(frozen=True)
class Bureau:
    """Where files are handed in, and what the tables hold."""

    client: httpx.AsyncClient
    database: Database
    eventually: Callable[..., Awaitable[None]]

    async def hand_in(self, content: bytes, layout: str = "inetconsig", **fields: str) -> httpx.Response:
        form = {"layout": layout, **fields}
        return await self.client.post("/imports", data=form, files={"file": ("arquivo", content)})

    async def imported(self, content: bytes, layout: str = "inetconsig", **fields: str) -> dict[str, Any]:
        """The import once nothing more happens by itself."""
        answer = await self.hand_in(content, layout, **fields)
        assert answer.status_code == 202, answer.text
        return await self.through(answer.json()["id"])

    async def through(self, batch: str) -> dict[str, Any]:
        async def over() -> bool:
            found = await self.get(f"/imports/{batch}")
            return found["status"] not in WORK or found["job"] == "FAILED"

        await self.eventually(over)
        return await self.get(f"/imports/{batch}")

    async def do(self, batch: str, verb: str) -> dict[str, Any]:
        answer = await self.client.post(f"/imports/{batch}/{verb}")
        assert answer.status_code == 202, answer.text
        return await self.through(batch)

    async def get(self, path: str, **query: str) -> Any:
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def rows(self, batch: str, **query: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.get(f"/imports/{batch}/rows", **query))["items"]
        return items

    async def all(self, statement: str, **values: Any) -> list[Any]:
        async with self.database.transaction() as session:
            result = await session.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    async def state(self) -> dict[str, list[Any]]:
        """Every row of every table an import may change."""
        return {
            table: await self.all(f"SELECT to_jsonb(t)::text FROM crm.{table} t ORDER BY id")
            for table in TABLES
        }

    async def count(self, table: str) -> int:
        return len(await self.all(f"SELECT 1 FROM crm.{table}"))


@asynccontextmanager
async def bureau_of(
    settings: Settings, database: Database, key: str, eventually: Callable[..., Awaitable[None]]
) -> AsyncIterator[Bureau]:
    async with serving(agent_service.main.create(settings)) as client:
        client.headers["X-API-Key"] = key
        yield Bureau(client, database, eventually)
