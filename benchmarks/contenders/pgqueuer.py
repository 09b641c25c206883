"""pgqueuer on asyncpg and uvloop, at its default batch and at its best."""

from time import perf_counter

import asyncpg
import uvloop
from pgqueuer import AsyncpgDriver, Job, Queries, QueueManager
from pgqueuer.types import QueueExecutionMode

from benchmarks.contenders.contender import PAYLOAD_BYTES, Drained

CHUNK = 1000


class PgQueuer:
    """One process, one connection, `batch` jobs a dequeue."""

    def __init__(self, url: str, *, batch: int, jobs: int) -> None:
        self.name = f"pgqueuer, batch {batch}"
        self.jobs = jobs
        self._url = url
        self._batch = batch

    def prepare(self) -> None:
        """Its own tables, with the autovacuum settings it recommends."""
        uvloop.run(self._install())

    def drain(self, jobs: int) -> Drained:
        """In its drain mode, which returns once every completion is written."""
        return uvloop.run(self._drain(jobs))

    async def _install(self) -> None:
        connection = await asyncpg.connect(self._url)
        queries = Queries(AsyncpgDriver(connection))
        if not await queries.schema_is_installed():
            await queries.install()
            await queries.optimize_autovacuum()
        await connection.close()

    async def _drain(self, jobs: int) -> Drained:
        connection = await asyncpg.connect(self._url)
        driver = AsyncpgDriver(connection)
        for start in range(0, jobs, CHUNK):
            size = min(CHUNK, jobs - start)
            await Queries(driver).enqueue(["noop"] * size, [b"x" * PAYLOAD_BYTES] * size, [0] * size)
        manager = QueueManager(Queries(driver))
        began: list[float] = []

        @manager.entrypoint("noop")
        async def noop(_job: Job) -> None:
            if not began:
                began.append(perf_counter())

        await manager.run(batch_size=self._batch, mode=QueueExecutionMode.drain)
        seconds = perf_counter() - began[0]
        assert await connection.fetchval("SELECT count(*) FROM pgqueuer") == 0, "not all is done"
        await connection.close()
        return Drained(jobs, seconds)
