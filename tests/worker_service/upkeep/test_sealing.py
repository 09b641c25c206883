import asyncio

from core import audit
from core.audit.queries import count_unsealed
from core.db import Connection, Database
from core.queue import INGESTION
from core.settings import Settings
from worker_service.drain.context import Services
from worker_service.handlers import ROUNDS
from worker_service.upkeep.sealing import keep_sealing


async def test_a_worker_seals_what_was_recorded(database: Database, settings: Settings) -> None:
    assert keep_sealing in ROUNDS
    rounds = asyncio.create_task(keep_sealing(Services(settings, database, INGESTION, "w")))
    async with database.connection() as connection:
        await audit.record(connection, actor=None, action="a.b", subject="c")
        async with asyncio.timeout(30):
            await _sealed(connection)
    rounds.cancel()


async def _sealed(connection: Connection) -> None:
    while True:
        if not (await count_unsealed(connection)).entries:
            return
        await asyncio.sleep(0.05)
