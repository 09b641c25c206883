"""Keeps leases alive from a thread of its own: a handler that blocks the event loop costs nobody a lease."""

import asyncio
from collections.abc import Callable
from threading import Thread
from time import monotonic

import asyncpg
import structlog

from core.queue import DOWN, Link, QueueTable, renew
from worker_service.drain.leases import LeaseBook

log = structlog.get_logger(__name__)

RENEW_AFTER = 1 / 3
FENCE_AFTER = 0.8
TICK = 1 / 15


class Heartbeat:
    """Renews every third of `ttl` seconds; says through `on_lost` which leases are no longer ours.

    A lease not renewed for 0.8 ttl is given up before the database gives it to others (self-fencing).
    A loop that has not answered for `hung_after` seconds gets no renewals: its jobs go to the living.
    `on_lost` runs in the event loop that made this object.
    """

    def __init__(
        self,
        url: str,
        table: QueueTable,
        book: LeaseBook,
        *,
        ttl: float,
        hung_after: float,
        on_lost: Callable[[set[int]], None],
    ) -> None:
        self._link = Link(url, application="cogep-heartbeat", timeout=max(1, ttl * RENEW_AFTER))
        self._table = table
        self._book = book
        self._ttl = ttl
        self._hung_after = hung_after
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._answered_at = self._renewed_at = monotonic()
        self._stopping = False
        self._thread = Thread(target=self._main, name="queue-heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    @property
    def healthy(self) -> bool:
        """Renewals arrive; while they do not, claiming would only spend the attempts of jobs."""
        return monotonic() - self._renewed_at < FENCE_AFTER * self._ttl

    async def stop(self) -> None:
        """End the thread; leases live on for what is left of their time."""
        self._stopping = True
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join, self._ttl)

    def _main(self) -> None:
        asyncio.run(self._beat())

    async def _beat(self) -> None:
        renewals = asyncio.create_task(self._renewals())
        while not self._stopping:  # never waits for the database: that is what it guards against
            if stale := self._book.stale(before=monotonic() - FENCE_AFTER * self._ttl):
                self._lose(stale, "no_heartbeat")
            await asyncio.sleep(self._ttl * TICK)
        renewals.cancel()
        await asyncio.wait([renewals])
        await self._link.close()

    async def _renewals(self) -> None:
        while True:
            if monotonic() - self._renewed_at >= self._ttl * RENEW_AFTER and self._loop_answers():
                await self._renew()
            await asyncio.sleep(self._ttl * TICK)

    def _loop_answers(self) -> bool:
        self._call(self._answer)
        silent = monotonic() - self._answered_at
        if silent > self._hung_after:
            log.critical("event_loop_hung", seconds=round(silent))
        return silent <= self._hung_after

    def _answer(self) -> None:
        self._answered_at = monotonic()

    async def _renew(self) -> None:
        at, leases = monotonic(), self._book.live()
        try:
            kept = await self._ask(leases)  # none held, too: an answer says that claiming is safe
        except (*DOWN, asyncpg.PostgresError) as error:
            self._link.reset()
            log.warning("heartbeat_failed", error=type(error).__name__)
            return
        self._renewed_at = at
        self._book.renewed(kept, at=at)
        # A lease settled while we asked is gone from the book and from the table: nothing was lost.
        if lost := (set(leases) - kept) & set(self._book.live()):
            self._lose(lost, "taken_away")

    async def _ask(self, leases: list[int]) -> set[int]:
        return await renew(await self._link.connection(), self._table, leases, ttl=self._ttl)

    def _lose(self, leases: set[int], why: str) -> None:
        log.warning("leases_lost", why=why, leases=sorted(leases))
        self._book.forget(leases)
        self._call(self._on_lost, leases)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(callback, *arguments)
