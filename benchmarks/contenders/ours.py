"""This product: the real runtime with its tasks, deadlines, heartbeat and fences."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from time import perf_counter

import asyncpg
import uvloop

from benchmarks.contenders.contender import PAYLOAD_BYTES, Drained
from core.migrations import upgrade
from core.queue import INGESTION, Job, enqueue
from core.queue.jobs import NewJob
from core.settings import Environment, Settings
from worker_service.drain.context import Handler, JobContext
from worker_service.drain.worker import QueueWorker

COLD = f"""
INSERT INTO ai.ingestion_payload (public_id, kind, namespace, source)
SELECT uuidv7(), 'bench.noop', 'default', repeat('x', {PAYLOAD_BYTES})
FROM generate_series(1, $1::int) RETURNING id"""
CHUNK = 1000
LOOK_AGAIN = 0.001


class Ours:
    """`batch` jobs a claim, twice as many slots, so that claiming overlaps with settling."""

    def __init__(self, url: str, *, batch: int, jobs: int) -> None:
        self.name = f"cogep, batch {batch}"
        self.jobs = jobs
        self._url = url
        self._batch = batch

    def prepare(self) -> None:
        """The product's own migrations."""
        upgrade(self._url)

    def drain(self, jobs: int) -> Drained:
        """Through a `QueueWorker`, counted where Postgres has confirmed the completion."""
        return uvloop.run(self._drain(jobs))

    async def _drain(self, jobs: int) -> Drained:
        await self.fill(jobs)
        began: list[float] = []

        async def noop(_job: Job, _context: JobContext) -> None:
            if not began:
                began.append(perf_counter())

        worker = self._worker({"bench.noop": noop})
        running = asyncio.create_task(worker.run())
        await _until_counted(worker.services.counts, jobs)
        seconds = perf_counter() - began[0]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await worker.stop(1)
        return Drained(jobs, seconds)

    async def fill(self, jobs: int) -> None:
        """As the ingestion service does it: a cold row and a hot row each."""
        connection = await asyncpg.connect(self._url)
        for start in range(0, jobs, CHUNK):
            rows = await connection.fetch(COLD, min(CHUNK, jobs - start))
            await enqueue(connection, INGESTION, [NewJob(row["id"]) for row in rows])
        await connection.close()

    def _worker(self, handlers: Mapping[str, Handler]) -> QueueWorker:
        settings = Settings(
            _env_file=None,
            env=Environment.TEST,
            DATABASE_URL=self._url,
            queue_batch=self._batch,
        )
        return QueueWorker(settings, handlers, slots=2 * self._batch)


async def _until_counted(counts: Counter[str], jobs: int) -> None:
    """A completion is counted when the statement that wrote it has come back, committed."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def look() -> None:
        if counts["completed"] >= jobs:
            done.set()
        else:
            loop.call_later(LOOK_AGAIN, look)

    look()
    await done.wait()
