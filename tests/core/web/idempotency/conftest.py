from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from core.db import Database
from core.settings import Settings
from tests.api import make_key, serving
from tests.core.web.idempotency import probe

Count = Callable[[], Awaitable[int]]


@pytest.fixture(autouse=True)
async def _effects(database: Database) -> None:
    probe.rung.clear()
    async with database.connection() as connection:
        await connection.execute(probe.TABLE)


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(probe.make(settings), await make_key(database)) as client:
        yield client


@pytest.fixture
def effects(database: Database) -> Count:
    async def count() -> int:
        async with database.connection() as connection:
            found: int = await connection.fetchval("SELECT count(*) FROM public.effects")
            return found

    return count
