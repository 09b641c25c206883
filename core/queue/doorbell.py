"""The doorbell: "look at the queue", said after a commit over Redis pub/sub.

It carries no job, may be lost, and never fails or slows who rings: workers also poll.
"""

import asyncio
import random
from collections.abc import Callable
from time import monotonic

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

CHANNEL = "cogep:wake:"
TIMEOUT = 0.5
QUIET_SECONDS = 5.0
LISTEN_SECONDS = 5.0


def _connect(url: str, *, timeout: float) -> "Redis":
    return Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=TIMEOUT,
        socket_keepalive=True,
        health_check_interval=10,
        retry=None,
    )


class Doorbell:
    """Rings for queues. One ring is in flight at a time; those asked for meanwhile become one more.

    After a failure it stays silent for `QUIET_SECONDS`. Without a URL it never makes a sound.
    Belongs to one event loop.
    """

    def __init__(self, url: str | None) -> None:
        self._redis = _connect(url, timeout=TIMEOUT) if url else None
        self._wanted: set[str] = set()
        self._ringing: asyncio.Task[None] | None = None
        self._silent_until = 0.0

    @property
    def silent(self) -> bool:
        """Redis failed lately: rings are not even tried."""
        return monotonic() < self._silent_until

    @property
    def ringing(self) -> bool:
        """A ring is on its way."""
        return self._ringing is not None and not self._ringing.done()

    async def ring(self, queue: str) -> None:
        """Wake the workers of `queue` soon. Returns at once and never raises: made for `on_commit`."""
        if self._redis is None or self.silent:
            return
        self._wanted.add(queue)
        if not self.ringing:
            self._ringing = asyncio.create_task(self._ring(self._redis), name="doorbell")

    async def close(self) -> None:
        """Let the last ring out and hang up."""
        if self._ringing is not None:
            await self._ringing
        if self._redis is not None:
            await self._redis.aclose()

    async def _ring(self, redis: "Redis") -> None:
        try:
            while self._wanted:
                await redis.publish(CHANNEL + self._wanted.pop(), b"")
        except (RedisError, OSError) as error:
            self._wanted.clear()
            self._silent_until = monotonic() + QUIET_SECONDS
            log.warning("doorbell_unreachable", error=type(error).__name__, quiet_seconds=QUIET_SECONDS)


async def listen(url: str, queue: str, on_ring: Callable[[], None]) -> None:
    """Call `on_ring` at every ring, for ever; also after each (re)connection, since rings may have passed."""
    while True:
        try:
            await _listen(url, queue, on_ring)
        except (RedisError, OSError) as error:
            log.warning("doorbell_lost", error=type(error).__name__)
        await asyncio.sleep(random.uniform(0.5, LISTEN_SECONDS))  # noqa: S311 - spreads reconnections


async def _listen(url: str, queue: str, on_ring: Callable[[], None]) -> None:
    async with _connect(url, timeout=LISTEN_SECONDS) as redis, redis.pubsub() as channel:
        await channel.subscribe(CHANNEL + queue)
        while True:
            # Confirmations of the subscription ring too: what was rung before it was not heard.
            message = await channel.get_message(timeout=LISTEN_SECONDS)
            if message is not None and message["type"] in {"message", "subscribe"}:
                on_ring()
