"""A connection of the queue's own: opened when first needed, opened again after it broke."""

import asyncio
from types import MappingProxyType

import asyncpg

from core.db import Connection, plain_url

# The statistics of a queue table are always stale: forbid the plans that stale statistics invite.
GUARDS = MappingProxyType(
    {
        "enable_seqscan": "off",
        "enable_bitmapscan": "off",
        "jit": "off",
        "plan_cache_mode": "force_generic_plan",
        "timezone": "UTC",
    }
)

DOWN = (
    OSError,  # TimeoutError and every refused or broken socket
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection cut while idle says when it is used next
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,  # shut down, starting up, or a statement timeout
    asyncpg.InsufficientResourcesError,
)
"""What says that Postgres is away or overloaded for now, not that we asked something wrong."""


class Link:
    """One asyncpg connection with the queue's plan guards; for one task at a time."""

    def __init__(self, url: str, *, application: str, timeout: float = 5) -> None:
        self._url = plain_url(url)
        self._application = application
        self._timeout = timeout
        self._connection: Connection | None = None

    async def connection(self) -> Connection:
        """The open connection, opened anew when it broke. Raises one of `DOWN` when that fails."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._url,
                timeout=self._timeout,
                command_timeout=self._timeout,
                server_settings={**GUARDS, "application_name": self._application},
            )
        return self._connection

    def reset(self) -> None:
        """Drop the connection at once, as after an error that leaves its state unknown."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Say goodbye, if anybody still listens."""
        if self._connection is None:
            return
        try:
            await self._connection.close(timeout=1)
        except (*DOWN, asyncio.CancelledError):
            self.reset()
        self._connection = None
