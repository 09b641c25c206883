"""Large bodies wait on disk until there is room for them: many at once must not take the machine's memory.

A body of 25 MB costs some 100 MB while it is read, hashed and sent to the database; waiting costs nothing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import IO

from core.errors import Unavailable

AT_ONCE = 2
WAIT_SECONDS = 60.0
IN_MEMORY = 1_000_000


class Room:
    """Room in memory for a few large bodies of one application."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._places = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place for one body, as soon as there is one. Raises Unavailable when it takes too long."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise Unavailable("too many large bodies at once; try again shortly", retry_after=10) from None
        try:
            yield
        finally:
            self._places.release()


@asynccontextmanager
async def spooled(pieces: AsyncIterator[bytes]) -> AsyncIterator[IO[bytes]]:
    """All the pieces in a file, at its start; on disk when there is more than 1 MB of them."""
    with SpooledTemporaryFile(IN_MEMORY) as file:
        async for piece in pieces:
            file.write(piece)
        file.seek(0)
        yield file
