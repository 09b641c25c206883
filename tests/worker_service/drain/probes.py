"""What the jobs of these tests do, and faults to do it under."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from core.errors import JobError
from core.queue import Job, Link
from worker_service.drain.context import Handler, JobContext
from worker_service.drain.worker import QueueWorker

Eventually = Callable[..., Awaitable[None]]
Running = Callable[..., AbstractAsyncContextManager[QueueWorker]]
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""


class Handlers:
    """What the test's jobs do, and what was seen of them."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.ended: list[int] = []
        self.interrupted: list[int] = []
        self.most = 0
        self.gate = asyncio.Event()

    def table(self) -> dict[str, Handler]:
        return {
            "quick": self.quick,
            "parked": self.parked,
            "doomed": self.doomed,
            "gated": self.gated,
            "picky": self.picky,
            "busy": self.busy,
            "bug": self.bug,
        }

    async def quick(self, job: Job, _context: JobContext) -> None:
        self.ended.append(job.id)

    async def parked(self, job: Job, _context: JobContext) -> None:
        self.started.append(job.id)
        await self.gate.wait()

    async def doomed(self, job: Job, context: JobContext) -> None:
        await self.parked(job, context)
        raise JobError("unreadable", "O arquivo não abre")

    async def gated(self, job: Job, context: JobContext) -> None:
        self.started.append(job.id)
        self.most = max(self.most, len(self.started) - len(self.ended) - len(self.interrupted))
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.interrupted.append(job.id)
            raise
        async with context.database.transaction() as session:
            await context.complete(session)
        self.ended.append(job.id)

    async def picky(self, _job: Job, context: JobContext) -> None:
        assert context.settings.queue_batch
        raise JobError("unreadable", "O arquivo não abre")

    async def busy(self, job: Job, context: JobContext) -> None:
        self.started.append(job.id)
        while not self.gate.is_set():
            await context.progress("reading", 10)
            await asyncio.sleep(0.01)

    async def bug(self, _job: Job, _context: JobContext) -> None:
        raise ZeroDivisionError


@asynccontextmanager
async def held_up(queue: Any) -> AsyncIterator[None]:
    """Every statement about jobs waits; at the end all waiting sessions are cut, and whoever held them up."""
    link = Link(queue.url, application="holder")
    holder = await link.connection()
    await holder.execute("BEGIN; LOCK TABLE ai.ingestion_queue IN ACCESS EXCLUSIVE MODE")
    yield
    await queue.execute(CUT)
    link.reset()
