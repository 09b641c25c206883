"""The relay: takes what was committed to the outbox, calls consumers inside, makes deliveries for outside.

Any number of them run at once. Taking an event commits the attempt, so that one whose consumer kills the
process is given up at last. Consuming is one transaction: a relay that dies in it has told nothing, and
another tells it all. Consumers therefore write to the database only, through the connection they are given.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from core import outbox
from core.db import Connection, Database
from core.outbox import OutboxEvent
from core.queue import DOWN, backoff
from worker_service.drain.context import Round, Services
from worker_service.outbox import queries
from worker_service.outbox.bell import Bell

log = structlog.get_logger(__name__)

Consumer: TypeAlias = Callable[[Connection, OutboxEvent], Awaitable[None]]
"""Reacts to an event inside the transaction that marks it told: both happen, or neither."""

Consumers: TypeAlias = Mapping[str, Sequence[Consumer]]
"""By the type of event."""

BATCH = 50
CONSUME_SECONDS = 10.0
MOST_ATTEMPTS = 12
FAILURES = (*DOWN, asyncpg.PostgresError, SQLAlchemyError)


def relaying(consumers: Consumers) -> Round:
    """A round that relays for ever."""

    async def relay(services: Services) -> None:
        async with Bell(services.database.url, outbox.CHANNEL) as bell:
            while True:
                try:
                    while await dispatch(services.database, consumers):
                        services.counts["batches_told"] += 1
                    await bell.wait(services.settings.queue_poll_seconds)
                except FAILURES as error:
                    bell.reset()
                    log.warning("relaying_waits", error=type(error).__name__)
                    await asyncio.sleep(services.settings.queue_poll_seconds)

    return relay


async def dispatch(database: Database, consumers: Consumers, *, limit: int = BATCH) -> int:
    """Tell at most `limit` due events; how many there were."""
    async with database.connection() as connection:
        async with connection.transaction():
            events = await outbox.take(connection, limit=limit, most=MOST_ATTEMPTS)
            if events:
                await _make_deliveries(connection, events)
        if alive := [event for event in events if not _was_deadly(event)]:
            async with connection.transaction():
                held = await outbox.hold(connection, alive)
                told = [event.id for event in held if await _consume(connection, event, consumers)]
                await queries.mark_dispatched(connection, told)
    return len(events)


def _was_deadly(event: OutboxEvent) -> bool:
    """Whether so many relays died of it that it was given up as it was taken."""
    if event.attempts < MOST_ATTEMPTS:
        return False
    log.critical("event_kills_relays", event_id=event.id, type=event.type, attempts=event.attempts)
    return True


async def _make_deliveries(connection: Connection, events: Sequence[OutboxEvent]) -> None:
    wanted = await queries.list_active(connection)
    pairs = [
        (subscription, event.id)
        for event in events
        for subscription, types in wanted.items()
        if not types or event.type in types
    ]
    if pairs:
        await queries.insert_deliveries(connection, pairs)


async def _consume(connection: Connection, event: OutboxEvent, consumers: Consumers) -> bool:
    """True when all consumers took the event; else none did, and it waits for its next attempt."""
    if not consumers.get(event.type):
        return True
    try:
        async with asyncio.timeout(CONSUME_SECONDS), connection.transaction():
            for consumer in consumers[event.type]:
                await consumer(connection, event)
    except Exception as error:
        if connection.is_closed():
            raise
        await _note_failure(connection, event, error)
        return False
    return True


async def _note_failure(connection: Connection, event: OutboxEvent, error: Exception) -> None:
    attempt, code = event.attempts + 1, type(error).__name__
    given_up = attempt >= MOST_ATTEMPTS
    level = log.critical if given_up else log.error
    level("event_not_consumed", event_id=event.id, type=event.type, attempt=attempt, exc_info=error)
    await queries.mark_failed(connection, event, code, wait=backoff(attempt), most=MOST_ATTEMPTS)
