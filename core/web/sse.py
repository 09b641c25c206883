"""Following a thing over server-sent events; FastAPI frames them, keeps alive and stops on disconnect."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Header
from pydantic import Field

from core.web.database_errors import domain_error

T = TypeVar("T")
POLL_SECONDS = 0.5
STREAM_SECONDS = 900.0

EventId = Annotated[
    Annotated[str, Field(pattern=r"^[\x20-\x7e]{0,200}$")] | None,
    Header(alias="Last-Event-ID", description="the id of the last event seen; it is not sent again"),
]


async def follow(
    first: T,
    read: Callable[[], Awaitable[T]],
    *,
    is_last: Callable[[T], bool],
    interval: float = POLL_SECONDS,
) -> AsyncIterator[T]:
    """`first` and then each snapshot that differs from the one before, up to one that `is_last`.

    An outage of the database is waited out. Streams end after `STREAM_SECONDS`; clients come back by
    themselves with the id of the last event.
    """
    seen = first
    yield first
    until = asyncio.get_running_loop().time() + STREAM_SECONDS
    while not is_last(seen) and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(interval)
        found = await _or_none(read)
        if found is not None and found != seen:
            seen = found
            yield found


async def _or_none(read: Callable[[], Awaitable[T]]) -> T | None:
    try:
        return await read()
    except Exception as error:
        if domain_error(error) is None:
            raise
        return None
