"""What a handler is given besides its job."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Database
from core.errors import JobError
from core.queue import Job, QueueTable, complete_in, progress
from core.queue.jobs import CANCELLED
from core.settings import Settings

QUIET_SECONDS = 0.3
"""What takes less is over before anybody reads that it began."""

CANCELLED_DETAIL = "The job was cancelled on request."


def cancelled() -> JobError:
    """The end of a job somebody asked to stop."""
    return JobError(CANCELLED, CANCELLED_DETAIL)


@dataclass(frozen=True, slots=True)
class Services:
    """What one process shares among its jobs."""

    settings: Settings
    database: Database
    table: QueueTable
    worker: str
    counts: Counter[str] = field(default_factory=Counter)


class JobContext:
    """A handler's hold on the outside: the database, the settings, and what it says about its job."""

    __slots__ = ("_services", "_started_at", "completed", "job")

    def __init__(self, job: Job, services: Services) -> None:
        self.job = job
        self.completed = False
        self._services = services
        self._started_at = monotonic()

    @property
    def database(self) -> Database:
        """The process's one engine."""
        return self._services.database

    @property
    def settings(self) -> Settings:
        """The process's settings."""
        return self._services.settings

    async def progress(self, stage: str, percent: int) -> None:
        """Tell people how far the job is (0-100 %), at once, whatever becomes of it.

        Raises LeaseLost when the job is no longer ours, JobError `cancelled` when somebody wants it stopped.
        """
        async with self.database.connection() as connection:
            stop = await progress(connection, self._services.table, self.job, stage, percent)
        if stop:
            raise cancelled()

    @asynccontextmanager
    async def step(self, stage: str, percent: int) -> AsyncIterator[None]:
        """Tell people so if the job is still in this step after `QUIET_SECONDS`: a short one costs nothing.

        Raises like `progress`, when the step is over. No transaction may be open at its end: reporting
        takes a connection, and writes the row that `complete` locks.
        """
        loop = asyncio.get_running_loop()
        reports: list[asyncio.Task[None]] = []
        timer = loop.call_later(
            QUIET_SECONDS, lambda: reports.append(loop.create_task(self.progress(stage, percent)))
        )
        try:
            yield
            for report in reports:
                await report
        finally:
            timer.cancel()
            for report in reports:
                report.cancel()
            await asyncio.gather(*reports, return_exceptions=True)

    async def milestone(self, stage: str, percent: int) -> None:
        """Like `progress`, from a job that has run for `QUIET_SECONDS` already; else nothing happens."""
        if monotonic() - self._started_at > QUIET_SECONDS:
            await self.progress(stage, percent)

    async def complete(self, session: AsyncSession) -> None:
        """Complete the job inside the session's transaction, so that its effects happen exactly once.

        Raises LeaseLost when the job is no longer ours: let it pass, it rolls the effects back.
        """
        await complete_in(session, self._services.table, self.job)
        self.completed = True


Handler: TypeAlias = Callable[[Job, JobContext], Awaitable[None]]
"""Does a job of one kind. Returning completes it; JobError says why it cannot go on."""

Round: TypeAlias = Callable[[Services], Coroutine[None, None, None]]
"""What a process does beside its jobs, for ever. It outlives outages by itself."""
