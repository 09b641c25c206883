"""How often one caller may call one route in a minute. Counting costs a request a look into a dictionary.

Processes tell each other over Redis what they counted, a few times a second and never while a request waits:
without Redis each process counts for itself, and one that hangs is not noticed by any caller.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.errors import TooManyRequests

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60
SHARE_SECONDS = 0.25
QUIET_SECONDS = 5.0
TIMEOUT = 0.5
PREFIX = "cogep:rate:"
NEIGHBOURS = 64  # bits of an IPv6 address that one subscriber has to himself


class RateLimited(TooManyRequests):
    """This caller called this route too often in this minute; `RateLimit-Policy` tells how often is fine."""

    code = "rate_limited"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many calls of a minute were made, of how many, and when the next minute begins."""

    made: int
    allowed: int
    reset: int

    @property
    def exceeded(self) -> bool:
        """Whether the call that was counted last is one too many."""
        return self.made > self.allowed

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers-10 has them."""
        left = max(0, self.allowed - self.made)
        return {
            "RateLimit-Policy": f'"minute";q={self.allowed};w={WINDOW_SECONDS}',
            "RateLimit": f'"minute";r={left};t={self.reset}',
        }


class Rates:
    """The calls of the current minute, those that other processes told of included. For one event loop."""

    def __init__(self, redis_url: str | None) -> None:
        self._redis = _connect(redis_url) if redis_url else None
        self._minute = 0
        self._made: Counter[str] = Counter()
        self._untold: Counter[str] = Counter()
        self._sharing: asyncio.Task[None] | None = None
        self._silent_until = 0.0

    def count(self, caller: str, route: str, allowed: int) -> Tally:
        """Count one call."""
        now = time.time()
        self._turn(int(now // WINDOW_SECONDS))
        key = f"{caller} {route}"
        self._made[key] += 1
        if self._redis is not None:
            self._untold[key] += 1
            self._share_soon()
        return Tally(self._made[key], allowed, WINDOW_SECONDS - int(now % WINDOW_SECONDS))

    async def close(self) -> None:
        """Stop sharing."""
        if self._sharing is not None:
            self._sharing.cancel()
        if self._redis is not None:
            await self._redis.aclose()

    def _turn(self, minute: int) -> None:
        if minute != self._minute:
            self._minute = minute
            self._made.clear()
            self._untold.clear()

    def _share_soon(self) -> None:
        if (self._sharing is None or self._sharing.done()) and time.monotonic() >= self._silent_until:
            self._sharing = asyncio.create_task(self._share())

    async def _share(self) -> None:
        await asyncio.sleep(SHARE_SECONDS)
        minute, told = self._minute, dict(self._untold)
        self._untold.clear()
        try:
            async with asyncio.timeout(TIMEOUT):
                totals = await self._tell(minute, told)
        except (RedisError, OSError) as error:
            self._silent_until = time.monotonic() + QUIET_SECONDS
            log.warning("rates_not_shared", error=type(error).__name__)
            return
        if minute == self._minute:
            for key, total in zip(told, totals, strict=True):
                self._made[key] = max(self._made[key], total + self._untold[key])

    async def _tell(self, minute: int, told: dict[str, int]) -> list[int]:
        assert self._redis is not None, "asked for only with Redis"
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, calls in told.items():
                pipeline.incrby(f"{PREFIX}{minute} {key}", calls)
            for key in told:
                pipeline.expire(f"{PREFIX}{minute} {key}", 2 * WINDOW_SECONDS)
            answers: list[int] = await pipeline.execute()
        return answers[: len(told)]


def neighbourhood(address: str) -> str:
    """What counts as one caller who did not say who he is: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Network((int(parsed) >> NEIGHBOURS << NEIGHBOURS, NEIGHBOURS)))
    return str(parsed)


def _connect(url: str) -> "Redis":
    return Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=None)
