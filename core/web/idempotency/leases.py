"""For routes that commit more than once, or wait for a model: a committed lease while they work.

Their work is not one transaction with the record. If the process dies in between, the lease lapses and a
retry works again: such a route needs a natural key of its own (`RetryId`), or work that may be done twice.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import structlog
from fastapi.responses import Response

from core.db import Connection, Database
from core.web.idempotency import queries
from core.web.idempotency.answers import Answer, may_be_kept
from core.web.idempotency.keys import Claim
from core.web.idempotency.queries import Kept

log = structlog.get_logger(__name__)

LEASE_SECONDS = 30.0
RENEWALS = 3
"""How often a lease is renewed while it lasts."""


class Lease:
    """The right to work on a claim, kept alive by a task of its own until it is given up."""

    def __init__(self, database: Database, claim: Claim, seal: Callable[[Answer], bytes]) -> None:
        self._database = database
        self._claim = claim
        self._seal = seal
        self._holder = uuid4()
        self._renewal: asyncio.Task[None] | None = None

    async def take(self) -> Kept | None:
        """None when the work is ours now; else what is known of the key."""
        async with self._database.connection() as connection:
            found = await queries.lease(connection, self._claim, self._holder, LEASE_SECONDS)
        if found is None:
            self._renewal = asyncio.create_task(self._renew())
        return found

    async def give_up(self, response: Response | None, body: bytes | None = None) -> None:
        """Keep the answer if it is worth keeping. The work is done, so that a failure here fails nothing."""
        self._stop()
        scope, holder = self._claim.scope, self._holder
        if response is not None and body is not None and may_be_kept(response.status_code):
            sealed = self._seal(Answer.of(response, body))
            await self._try(lambda connection: queries.finish(connection, scope, holder, sealed))
        else:
            await self._try(lambda connection: queries.release(connection, scope, holder))

    async def follow(self, response: Response, pieces: AsyncIterable[Any]) -> AsyncIterator[bytes]:
        """The stream, kept once it has ended; a stream that breaks off is not."""
        heard: list[bytes] = []
        whole = False
        try:
            async for piece in pieces:
                heard.append(piece.encode() if isinstance(piece, str) else bytes(piece))
                yield heard[-1]
            whole = True
        finally:
            await asyncio.shield(self.give_up(response, b"".join(heard) if whole else None))

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / RENEWALS)
            await self._try(
                lambda connection: queries.renew(connection, self._claim.scope, self._holder, LEASE_SECONDS)
            )

    async def _try(self, act: Callable[[Connection], Awaitable[None]]) -> None:
        try:
            async with self._database.connection() as connection:
                await act(connection)
        except Exception:
            log.warning("idempotency_lease_not_noted", exc_info=True)

    def _stop(self) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
