"""Writes outcomes in groups: one round trip and one commit for many jobs that ended together."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import structlog

from core.errors import JobError
from core.queue import DOWN, FailOutcome, Job, Link, close, complete, fail, release
from worker_service.drain.context import Services
from worker_service.drain.leases import LeaseBook

log = structlog.get_logger(__name__)

FLUSH_AT = 64
FLUSH_AFTER = 0.002
RETRY_AFTER = 0.5


class Settler:
    """Flushes at 64 outcomes, 2 ms after the first, or at once when no handler is running.

    While Postgres is away outcomes wait here; repeated, a write that had arrived touches nothing.
    """

    def __init__(
        self,
        services: Services,
        book: LeaseBook,
        *,
        idle: Callable[[], bool],
        on_written: Callable[[], None],
    ) -> None:
        self._services = services
        self._book = book
        self._idle = idle
        self._on_written = on_written
        self._link = Link(services.database.url, application="cogep-settle")
        self._completed: dict[int, list[int]] = {}
        self._released: dict[int, list[int]] = {}
        self._failed: deque[tuple[Job, JobError]] = deque()
        self._closing: list[int] = []
        self._pending = asyncio.Event()
        self._full = asyncio.Event()
        self._writing = asyncio.Lock()
        self.backlog = 0

    def completed(self, job: Job) -> None:
        """The handler returned: the job is done."""
        self._completed.setdefault(job.lease_id, []).append(job.id)
        self._added()

    def released(self, job: Job) -> None:
        """The job was not done here and goes back into the line."""
        self._released.setdefault(job.lease_id, []).append(job.id)
        self._added()

    def failed(self, job: Job, error: JobError) -> None:
        """The attempt failed."""
        self._failed.append((job, error))
        self._added()

    def gone(self, job: Job) -> None:
        """Nothing to write: the job completed in its own transaction, or is no longer ours."""
        self._settled(job.lease_id, 1)

    async def run(self) -> None:
        """Write for ever."""
        while True:
            await self._pending.wait()
            if not self._idle():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._full.wait(), FLUSH_AFTER)
            try:
                await self.flush()
            except DOWN as error:
                log.warning("settling_waits", error=type(error).__name__, backlog=self.backlog)
                await asyncio.sleep(RETRY_AFTER)

    async def flush(self) -> None:
        """Write everything known now. Raises one of `DOWN`, keeping what is not written."""
        async with self._writing:
            self._pending.clear()
            self._full.clear()
            try:
                await self._write_failed()
                await self._write_released()
                await self._write_completed()
                await self._write_closed()
            except DOWN:
                self._link.reset()
                self._pending.set()
                raise
        self._on_written()

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()

    def _added(self) -> None:
        self.backlog += 1
        self._pending.set()
        if self.backlog >= FLUSH_AT:
            self._full.set()

    async def _write_failed(self) -> None:
        table, worker = self._services.table, self._services.worker
        while self._failed:
            job, error = self._failed[0]
            outcome = await fail(await self._link.connection(), table, job, error, worker=worker)
            self._failed.popleft()
            self._count(outcome, 1)
            log.info("job_not_done", job_id=job.id, code=error.code, attempt=job.attempt, outcome=outcome)
            self._wrote(job.lease_id, 1)

    async def _write_released(self) -> None:
        while self._released:
            lease, jobs = self._released.popitem()
            try:
                done = await release(await self._link.connection(), self._services.table, jobs, lease)
            except DOWN:
                self._released[lease] = jobs + self._released.get(lease, [])
                raise
            self._count("released", len(done), asked=len(jobs))
            self._wrote(lease, len(jobs))

    async def _write_completed(self) -> None:
        while self._completed:
            lease, jobs = self._completed.popitem()
            last = self._book.unsettled(lease) == len(jobs)
            try:
                connection = await self._link.connection()
                done = await complete(connection, self._services.table, jobs, lease, last=last)
            except DOWN:
                self._completed[lease] = jobs + self._completed.get(lease, [])
                raise
            self._count("completed", len(done), asked=len(jobs))
            self._book.settle(lease, len(jobs))
            self.backlog -= len(jobs)

    async def _write_closed(self) -> None:
        if leases := self._closing[:]:
            await close(await self._link.connection(), self._services.table, leases)
            del self._closing[: len(leases)]

    def _wrote(self, lease: int, jobs: int) -> None:
        self.backlog -= jobs
        self._settled(lease, jobs)

    def _settled(self, lease: int, jobs: int) -> None:
        if self._book.settle(lease, jobs):
            self._closing.append(lease)
            self._pending.set()

    def _count(self, what: str, done: int, *, asked: int | None = None) -> None:
        fenced = done if what == FailOutcome.FENCED else (asked or done) - done
        if fenced:
            self._services.counts["fenced"] += fenced
            log.warning("writes_fenced", jobs=fenced, write=what)
        if what != FailOutcome.FENCED:
            self._services.counts[what] += done
