"""Hears that something was committed, by Postgres NOTIFY: no broker is needed, and no ring is early."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

from core.db import Connection
from core.queue import Link


class Bell:
    """One channel, on a connection of its own, opened when first waited for and again after it broke."""

    def __init__(self, url: str, channel: str) -> None:
        self._link = Link(url, application="cogep-bell")
        self._channel = channel
        self._rung = asyncio.Event()
        self._heard_on: Connection | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._link.close()

    async def wait(self, seconds: float) -> None:
        """Until the next ring, at most `seconds`; one since the last wait counts. Raises one of DOWN."""
        connection = await self._link.connection()
        if connection is not self._heard_on:
            await connection.add_listener(self._channel, lambda *_: self.ring())
            self._heard_on = connection
            return  # nobody heard what rang until now: look
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds)
        self._rung.clear()

    def reset(self) -> None:
        """Drop the connection, as after an error."""
        self._link.reset()

    def ring(self) -> None:
        """Ring from inside this process."""
        self._rung.set()
