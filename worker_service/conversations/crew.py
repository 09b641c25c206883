"""Takes turns side by side, one lane per conversation, for as long as the process lives."""

import asyncio

import structlog

from core.vault import VaultClosed
from worker_service.conversations import queries
from worker_service.conversations.means import Means, means_of
from worker_service.conversations.queries import Held
from worker_service.conversations.turn import OUTAGES, take_turns
from worker_service.drain.context import Services
from worker_service.outbox.bell import Bell

log = structlog.get_logger(__name__)

LANES = 6
ADOPTED_AT_ONCE = 100


async def keep_conversing(services: Services) -> None:
    """Answer for ever; without field keys there is nothing this process could read."""
    settings = services.settings
    try:
        async with (
            means_of(settings, services.database) as means,
            Bell(services.database.url, queries.TURNS_CHANNEL) as bell,
        ):
            await Crew(means, bell).work()
    except VaultClosed:
        log.warning("vault_closed", detail="nobody is answered: no field keys are configured")


class Crew:
    """The lanes of one process."""

    def __init__(self, means: Means, bell: Bell) -> None:
        self._means = means
        self._bell = bell
        self._lanes: set[asyncio.Task[None]] = set()

    async def work(self) -> None:
        """Until cancelled, which ends the lanes too: what they held is claimed again, by whoever lives."""
        try:
            while True:
                await self._round()
        finally:
            for lane in self._lanes:
                lane.cancel()
            await asyncio.gather(*self._lanes, return_exceptions=True)

    async def _round(self) -> None:
        poll = self._means.settings.queue_poll_seconds
        try:
            if not await self._start_more():
                await self._bell.wait(poll)
        except OUTAGES as error:
            self._bell.reset()
            log.warning("conversing_waits", error=type(error).__name__)
            await asyncio.sleep(poll)

    async def _start_more(self) -> bool:
        """Whether there may be still more to start."""
        if len(self._lanes) == LANES:
            await asyncio.wait(self._lanes, return_when=asyncio.FIRST_COMPLETED)
        async with self._means.database.connection() as connection:
            adopted = await queries.adopt(connection, limit=ADOPTED_AT_ONCE)
            ttl = self._means.settings.queue_lease_seconds
            claimed = await queries.claim(connection, limit=LANES - len(self._lanes), ttl=ttl)
        for held in claimed:
            lane = asyncio.create_task(self._take(held))
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)
        return bool(adopted or claimed)

    async def _take(self, held: Held) -> None:
        try:
            await take_turns(self._means, held)
        except OUTAGES as error:
            log.warning("turns_wait", conversation=held.conversation, error=type(error).__name__)
        except Exception:
            log.exception("turns_failed", conversation=held.conversation)
