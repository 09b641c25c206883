"""What a handler is given besides its job."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Database
from core.errors import JobError
from core.queue import Job, QueueTable, complete_in, progress
from core.queue.jobs import CANCELLED
from core.settings import Settings

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

    __slots__ = ("_services", "completed", "job")

    def __init__(self, job: Job, services: Services) -> None:
        self.job = job
        self.completed = False
        self._services = services

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

    async def complete(self, session: AsyncSession) -> None:
        """Complete the job inside the session's transaction, so that its effects happen exactly once.

        Raises LeaseLost when the job is no longer ours: let it pass, it rolls the effects back.
        """
        await complete_in(session, self._services.table, self.job)
        self.completed = True


Handler: TypeAlias = Callable[[Job, JobContext], Awaitable[None]]
"""Does a job of one kind. Returning completes it; JobError says why it cannot go on."""
