"""What any worker does for all, without a leader: due jobs become ready, dead workers' jobs come back."""

import asyncio
import random
from collections.abc import Callable
from time import monotonic

import structlog

from core.queue import DOWN, Link, cancel_requested, next_expiry, rescue, stage
from worker_service.drain.context import Services
from worker_service.drain.lanes import Lanes, Stop

log = structlog.get_logger(__name__)


class Patrol:
    """Every `queue_poll_seconds` stages and looks for cancellations; rescues when a lease has expired."""

    def __init__(self, services: Services, lanes: Lanes, *, on_ready: Callable[[], None]) -> None:
        self._services = services
        self._lanes = lanes
        self._on_ready = on_ready
        self._link = Link(services.database.url, application="cogep-patrol")
        self._rescue_at = 0.0

    async def run(self) -> None:
        """Walk the rounds for ever."""
        poll = self._services.settings.queue_poll_seconds
        while True:
            try:
                await self._round()
            except DOWN as error:
                self._link.reset()
                log.warning("patrol_waits", error=type(error).__name__)
            # At least 50 ms, or several workers would race each other for one expired lease.
            wait = min(poll, max(0.05, self._rescue_at - monotonic()))
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311 - keeps workers out of step

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()

    async def _round(self) -> None:
        if await stage(await self._link.connection(), self._services.table):
            self._on_ready()
        await self._stop_cancelled()
        if monotonic() >= self._rescue_at:
            await self._rescue()

    async def _stop_cancelled(self) -> None:
        if running := [job.id for job in self._lanes.jobs()]:
            connection = await self._link.connection()
            stopped = await cancel_requested(connection, self._services.table, running)
            self._lanes.stop(lambda job: job.id in stopped, Stop.CANCELLED)

    async def _rescue(self) -> None:
        connection, table = await self._link.connection(), self._services.table
        rescued = await rescue(connection, table)
        if rescued.ready or rescued.failed:
            self._services.counts["rescued"] += len(rescued.ready) + len(rescued.failed)
            log.warning("jobs_rescued", ready=rescued.ready, failed=rescued.failed)
            self._on_ready()
        expiry = await next_expiry(connection, table)
        longest = self._services.settings.queue_lease_seconds / 2
        self._rescue_at = monotonic() + min(longest, longest if expiry is None else max(0.05, expiry))
