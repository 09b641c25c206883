"""The drain loop: claims batches while there is room, hands them to lanes, sees each one settled."""

import asyncio
import os
import random
import secrets
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic

import structlog

from core.db import Database
from core.queue import DOWN, INGESTION, Claim, Job, Link, QueueTable, claim, listen
from core.settings import Settings
from worker_service.drain.context import Handler, Round, Services
from worker_service.drain.heartbeat import Heartbeat
from worker_service.drain.lanes import Lanes, Stop
from worker_service.drain.leases import LeaseBook
from worker_service.drain.patrol import Patrol
from worker_service.drain.report import report
from worker_service.drain.runner import Runner
from worker_service.drain.settler import Settler

log = structlog.get_logger(__name__)

COLLECT = 0.002
RETRY_AFTER = 0.5
LAST_WRITES = 3.0
STATEMENT_SECONDS = 60.0
"""Replacing the chunks of a large document takes longer than an API may, and others wait for it.

Nobody's request waits here: a job takes its turn, at locks as at connections, until its own deadline."""


class QueueWorker:
    """One per process and event loop. `run` until `stop`; `wake` may be called at any time in the loop."""

    def __init__(
        self,
        settings: Settings,
        handlers: Mapping[str, Handler],
        *,
        rounds: Sequence[Round] = (),
        table: QueueTable = INGESTION,
        slots: int | None = None,
    ) -> None:
        url = settings.database_url.get_secret_value()
        name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self.services = Services(settings, _database(settings), table, name)
        self._rounds = rounds
        self._batch = settings.queue_batch
        self._book = LeaseBook()
        self._awake = asyncio.Event()
        self._room = asyncio.Event()
        self.lanes = Lanes(slots or settings.queue_batch, self._run_job, self._room.set)
        self._settler = Settler(
            self.services, self._book, idle=lambda: not self.lanes.running, on_written=self._room.set
        )
        self._runner = Runner(self.services, handlers, self.lanes, self._settler)
        self._patrol = Patrol(self.services, self.lanes, on_ready=self.wake)
        self._link = Link(url, application="cogep-claim")
        self._heartbeat = Heartbeat(
            url,
            table,
            self._book,
            ttl=settings.queue_lease_seconds,
            hung_after=settings.job_timeout_seconds + settings.queue_lease_seconds,
            on_lost=self._lose,
        )
        self._suspect: Job | None = None
        self._cautious = False

    def wake(self) -> None:
        """There may be something to claim."""
        self._awake.set()

    async def run(self) -> None:
        """Drain until cancelled. An error that is no outage ends it: the caller starts a fresh one."""
        self._heartbeat.start()
        log.info("worker_ready", worker=self.services.worker, slots=self.lanes.free)
        redis = self.services.settings.redis_url
        async with asyncio.TaskGroup() as group:
            group.create_task(self._settler.run(), name="queue-settler")
            group.create_task(self._patrol.run(), name="queue-patrol")
            group.create_task(report(self.services.counts), name="queue-report")
            for walk in self._rounds:
                group.create_task(walk(self.services), name=walk.__name__)
            if redis is not None:
                bell = listen(redis.get_secret_value(), self.services.table.name, self.wake)
                group.create_task(bell, name="queue-doorbell")
            await self._drain()

    async def stop(self, grace: float) -> None:
        """After `run` ended: finish what ends within `grace` seconds, give the rest back."""
        self._give_back(self.lanes.withdraw(lambda _job: True))
        if self._suspect is not None:
            self._give_back([self._suspect])
        if not await self.lanes.wait_idle(grace):
            self.lanes.stop(lambda _job: True, Stop.SHUTDOWN)
            await self.lanes.wait_idle(1)
        with suppress(*DOWN):
            await asyncio.wait_for(self._settler.flush(), LAST_WRITES)
        await self._heartbeat.stop()
        for closable in (self._link, self._settler, self._patrol):
            await closable.close()
        await self.services.database.dispose()
        log.info("worker_stopped", worker=self.services.worker, **self.services.counts)

    async def _run_job(self, job: Job) -> None:
        await self._runner.run(job)

    async def _drain(self) -> None:
        while True:
            try:
                await self._claim_more()
            except DOWN as error:
                self._link.reset()
                log.warning("claiming_waits", error=type(error).__name__)
                await asyncio.sleep(RETRY_AFTER * random.uniform(0.5, 1.5))  # noqa: S311 - spreads reconnections

    async def _claim_more(self) -> None:
        if self._suspect is not None:
            await self._run_suspect_alone()
        if not self._heartbeat.healthy:
            await asyncio.sleep(RETRY_AFTER)
            return
        limit = 1 if self._cautious else await self._wait_for_room()
        self._awake.clear()  # before the claim: a ring during it means another claim
        claimed = await self._claim(limit)
        if claimed < limit and self._suspect is None:
            with suppress(TimeoutError):
                poll = self.services.settings.queue_poll_seconds
                await asyncio.wait_for(self._awake.wait(), poll * random.uniform(0.8, 1.2))  # noqa: S311 - out of step

    async def _claim(self, limit: int) -> int:
        """A stop in the middle still takes what Postgres may have handed out, so that it is given back."""
        at = monotonic()
        asking = asyncio.create_task(self._ask(limit))
        try:
            batch = await asyncio.shield(asking)
        except asyncio.CancelledError:
            with suppress(*DOWN):
                self._take(await asyncio.wait_for(asking, LAST_WRITES), at)
            raise
        self._take(batch, at)
        return len(batch.jobs)

    async def _ask(self, limit: int) -> Claim:
        return await claim(
            await self._link.connection(),
            self.services.table,
            limit=limit,
            worker=self.services.worker,
            ttl=self.services.settings.queue_lease_seconds,
        )

    def _take(self, batch: Claim, at: float) -> None:
        """A worker died on suspects: keep one, to be run alone, and leave the others to other claims."""
        if batch.lease_id is None:
            return
        self._book.take(batch.lease_id, len(batch.jobs), at=at)
        self.services.counts["claimed"] += len(batch.jobs)
        suspects = [job for job in batch.jobs if job.suspect]
        self._cautious = bool(suspects)
        self._suspect = suspects[0] if suspects else None
        self._give_back(suspects[1:])
        self.lanes.add(job for job in batch.jobs if not job.suspect)

    async def _run_suspect_alone(self) -> None:
        await self._until_idle()
        await self._settler.flush()  # whoever was given back must be out of reach before a crash
        suspect, self._suspect = self._suspect, None
        if suspect is not None:
            self.lanes.add([suspect])
            await self._until_idle()

    async def _until_idle(self) -> None:
        while not self.lanes.idle:
            self._room.clear()
            await self._room.wait()

    async def _wait_for_room(self) -> int:
        while not (self.lanes.free and self._settler.backlog < 4 * self._batch):
            self._room.clear()
            await self._room.wait()
            if self.lanes.free < self._batch:
                await asyncio.sleep(COLLECT)  # jobs that end together make room together
        return min(self.lanes.free, self._batch)

    def _give_back(self, jobs: list[Job]) -> None:
        for job in jobs:
            self._settler.released(job)

    def _lose(self, leases: set[int]) -> None:
        lost = self.lanes.withdraw(lambda job: job.lease_id in leases)
        if self._suspect is not None and self._suspect.lease_id in leases:
            lost.append(self._suspect)
            self._suspect = None
        for job in lost:
            self._settler.gone(job)
        self.services.counts["lost"] += len(lost)
        self.lanes.stop(lambda job: job.lease_id in leases, Stop.LOST)


def _database(settings: Settings) -> Database:
    return Database(
        settings.database_url.get_secret_value(),
        application="cogep-worker",
        pool_size=settings.database_pool_size,
        pool_timeout=settings.job_timeout_seconds,
        statement_timeout=STATEMENT_SECONDS,
        lock_timeout=STATEMENT_SECONDS,
    )
