"""Two processes tell the same events, and are killed again and again."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from core.db import Database
from core.settings import Settings
from tests.worker_service.webhooks.receiver import Office, Receiver, receiving

EVENTS, KILLS = 150, 6
ROOT = Path(__file__).parents[3]

Eventually = Callable[..., Awaitable[None]]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


def start(settings: Settings, receiver: Receiver) -> "subprocess.Popen[bytes]":
    assert settings.field_keys is not None
    assert settings.match_secret is not None
    return subprocess.Popen(
        [sys.executable, "-m", "tests.worker_service.webhooks.teller"],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "COGEP_ENV": "test",
            "COGEP_FIELD_KEYS": settings.field_keys.get_secret_value(),
            "COGEP_MATCH_SECRET": settings.match_secret.get_secret_value(),
            "COGEP_WEBHOOK_ALLOWED_HOSTS": f"127.0.0.1:{receiver.port}",
            "COGEP_WEBHOOK_TIMEOUT_SECONDS": "1",
            "COGEP_QUEUE_POLL_SECONDS": "0.1",
        },
    )


async def test_every_event_is_told_whoever_is_killed(
    database: Database, settings: Settings, receiver: Receiver, eventually: Eventually
) -> None:
    office, chance = Office(database, settings), random.Random(7)

    async def slowly(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    for path in ("/a", "/b"):
        receiver.answers[path] = [slowly]
        await office.subscribe(receiver.url(path))
    tellers = [start(settings, receiver) for _ in range(2)]
    try:
        happened = []
        for kill in range(KILLS):
            happened += [await office.happen() for _ in range(EVENTS // KILLS)]
            heard = len(receiver.calls)

            async def something_heard(after: int = heard) -> bool:
                return len(receiver.calls) > after

            await eventually(something_heard)
            tellers[kill % 2].kill()
            tellers[kill % 2].wait()
            await asyncio.sleep(chance.uniform(0, 0.2))
            tellers[kill % 2] = start(settings, receiver)

        async def all_delivered() -> bool:
            return (await office.statuses()).count("DELIVERED") == 2 * EVENTS

        await eventually(all_delivered)
    finally:
        for teller in tellers:
            teller.kill()
            teller.wait()
    for path in ("/a", "/b"):
        calls = [call for call in receiver.calls if call.path == path]
        assert {call.id for call in calls} == set(happened)
        assert all(call.is_signed_with(bytes(32)) for call in calls)
        assert len({(call.id, call.body) for call in calls}) == EVENTS, "a repeat has the same body"
    pairs = await office.fetch("SELECT DISTINCT subscription_id, event_id FROM ops.webhook_deliveries")
    assert len(await office.deliveries()) == len(pairs) == 2 * EVENTS
