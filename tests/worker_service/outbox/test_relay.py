import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from core import outbox
from core.db import Connection, Database
from core.ids import uuid7
from core.models import EventType
from core.outbox import OutboxEvent, emit
from core.queue import INGESTION
from core.settings import Settings
from worker_service.drain.context import Services
from worker_service.outbox import relay
from worker_service.outbox.relay import Consumers, dispatch, relaying

Eventually = Callable[..., Awaitable[None]]

STATES = """
SELECT CASE WHEN dispatched_at IS NOT NULL THEN 'told' WHEN due_at IS NULL THEN 'given up' ELSE 'waits' END
FROM ops.outbox_events ORDER BY id"""
NOTED = "CREATE TABLE IF NOT EXISTS public.noted (event uuid, relay int DEFAULT pg_backend_pid())"
SUBSCRIBE = """
INSERT INTO ops.webhook_subscriptions (public_id, url, types, principal_id, status)
VALUES (gen_random_uuid(), 'https://example.com/', $1, 1, $2) RETURNING id"""


@pytest.fixture(autouse=True)
async def _noted(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(NOTED)


async def note(connection: Connection, event: OutboxEvent) -> None:
    await connection.execute("INSERT INTO public.noted (event) VALUES ($1)", event.public_id)


async def break_down(connection: Connection, event: OutboxEvent) -> None:
    await note(connection, event)
    await connection.execute("SELECT 1/0")


async def hang(connection: Connection, _event: OutboxEvent) -> None:
    await connection.execute("SELECT pg_sleep(600)")


CONSUMERS: Consumers = {
    EventType.TICKET_OPENED: (note,),
    EventType.TICKET_CLOSED: (note, break_down),
    EventType.TICKET_UPDATED: (hang,),
}


async def told(database: Database, *types: str) -> list[UUID]:
    async with database.connection() as connection, connection.transaction():
        return [await emit(connection, type_, subject=uuid7(), data={}) for type_ in types]


async def fetch(database: Database, statement: str, *values: Any) -> list[Any]:
    async with database.connection() as connection:
        return [row[0] for row in await connection.fetch(statement, *values)]


async def make_due(database: Database) -> None:
    await fetch(database, "UPDATE ops.outbox_events SET due_at = now() WHERE due_at IS NOT NULL")


async def test_an_event_of_a_rolled_back_transaction_never_was(database: Database) -> None:
    async with database.connection() as connection:
        with pytest.raises(ZeroDivisionError):
            async with connection.transaction():
                await emit(connection, "ticket.opened", subject=uuid7(), data={})
                raise ZeroDivisionError
    assert await dispatch(database, CONSUMERS) == 0


@pytest.mark.parametrize(
    "value",
    [
        "maria@example.com",
        "+5511987654321",
        "12345678909",
        "Maria da Silva",
        "",
        "a" * 65,
        1.5,
        {"a": 1},
        ["x y"],
    ],
)
async def test_data_that_may_name_a_person_is_refused(database: Database, value: Any) -> None:
    async with database.connection() as connection:
        with pytest.raises(ValueError, match="`what`"):
            await emit(connection, "ticket.opened", subject=uuid7(), data={"what": value})


async def test_a_type_nobody_registered_is_refused(database: Database) -> None:
    async with database.connection() as connection:
        with pytest.raises(ValueError, match=r"ticket\.eaten"):
            await emit(connection, "ticket.eaten", subject=uuid7(), data={})


async def test_consumers_get_the_event_as_it_was_emitted(database: Database) -> None:
    seen: list[OutboxEvent] = []

    async def see(_connection: Connection, event: OutboxEvent) -> None:
        seen.append(event)

    subject, client = uuid7(), uuid7()
    data = {"client_id": client, "number": 7, "status": "IN_PROGRESS", "others": [subject], "none": None}
    async with database.connection() as connection:
        event = await emit(connection, EventType.CASE_OPENED, subject=subject, data=data)
    assert await dispatch(database, {EventType.CASE_OPENED: (see,)}) == 1
    assert (seen[0].public_id, seen[0].type, seen[0].subject) == (event, "case.opened", subject)
    assert seen[0].data == {**data, "client_id": str(client), "others": [str(subject)]}


async def test_told_once_and_only_to_those_who_asked(database: Database) -> None:
    events = await told(database, "ticket.opened", "ticket.commented")
    assert await dispatch(database, CONSUMERS) == 2
    assert await dispatch(database, CONSUMERS) == 0
    assert await fetch(database, STATES) == ["told", "told"]
    assert await fetch(database, "SELECT event FROM public.noted") == events[:1]


async def test_a_consumer_that_fails_holds_up_nobody_and_leaves_nothing(database: Database) -> None:
    await told(database, "ticket.opened", "ticket.closed", "ticket.opened")
    assert await dispatch(database, CONSUMERS) == 3
    assert await fetch(database, STATES) == ["told", "waits", "told"]
    assert len(await fetch(database, "SELECT event FROM public.noted")) == 2
    assert await fetch(database, "SELECT error_code FROM ops.outbox_events WHERE attempts = 1") == [
        "DivisionByZeroError"
    ]


async def test_one_that_always_fails_is_given_up_at_last(database: Database) -> None:
    await told(database, "ticket.closed")
    for _ in range(relay.MOST_ATTEMPTS):
        await make_due(database)
        assert await dispatch(database, CONSUMERS) == 1
    await make_due(database)
    assert await dispatch(database, CONSUMERS) == 0
    assert await fetch(database, STATES) == ["given up"]


async def test_a_consumer_that_hangs_is_interrupted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "CONSUME_SECONDS", 0.2)
    await told(database, "ticket.updated", "ticket.opened")
    assert await dispatch(database, CONSUMERS) == 2
    assert await fetch(database, STATES) == ["waits", "told"]


async def test_relays_at_once_tell_each_event_once(database: Database) -> None:
    events = await told(database, *["ticket.opened"] * 200)
    await asyncio.gather(*(dispatch(database, CONSUMERS, limit=20) for _ in range(8)))
    while await dispatch(database, CONSUMERS):
        pass
    assert sorted(await fetch(database, "SELECT event FROM public.noted")) == sorted(events)


async def test_what_began_first_and_commits_last_is_told(database: Database) -> None:
    async with database.connection() as connection, connection.transaction():
        await emit(connection, "ticket.opened", subject=uuid7(), data={})
        await told(database, "ticket.opened")
        assert await dispatch(database, CONSUMERS) == 1
    assert await dispatch(database, CONSUMERS) == 1


async def test_one_delivery_for_each_active_subscription_that_asked(database: Database) -> None:
    async with database.connection() as connection:
        everything, tickets, *_ = [
            await connection.fetchval(SUBSCRIBE, types, status)
            for types, status in (
                ([], "ACTIVE"),
                (["ticket.opened", "ticket.closed"], "ACTIVE"),
                (["case.opened"], "ACTIVE"),
                ([], "PAUSED"),
            )
        ]
    await told(database, "ticket.opened", "ticket.closed", "ticket.commented")
    for _ in range(3):  # the closed one fails inside, and is told again
        await make_due(database)
        await dispatch(database, CONSUMERS)
    assert await fetch(
        database,
        "SELECT array[d.subscription_id::text, e.type] FROM ops.webhook_deliveries d"
        " JOIN ops.outbox_events e ON e.id = d.event_id ORDER BY e.id, d.subscription_id",
    ) == [
        [str(everything), "ticket.opened"],
        [str(tickets), "ticket.opened"],
        [str(everything), "ticket.closed"],
        [str(tickets), "ticket.closed"],
        [str(everything), "ticket.commented"],
    ]


@asynccontextmanager
async def running(settings: Settings, database: Database) -> AsyncIterator[None]:
    """A relay that would poll once an hour."""
    services = Services(settings.model_copy(update={"queue_poll_seconds": 3600.0}), database, INGESTION, "w")
    task = asyncio.create_task(relaying(CONSUMERS)(services))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_commit_wakes_the_relay(
    database: Database, settings: Settings, eventually: Eventually
) -> None:
    async def all_told() -> bool:
        return set(await fetch(database, STATES)) <= {"told"}

    async with running(settings, database):
        for _ in range(5):
            await told(database, "ticket.opened")
            await eventually(all_told, patience=10)


async def test_the_bell_is_spared_while_somebody_is_at_work(database: Database) -> None:
    rings: list[str] = []
    async with database.connection() as connection:
        await connection.add_listener(outbox.CHANNEL, lambda *_: rings.append("ring"))
        for _ in range(5):
            await told(database, "ticket.opened")
        await connection.execute("SELECT 1")
    assert len(rings) == 1
