import asyncio
import os
import sys
from signal import SIGKILL

import pytest

from core.db import Database
from core.ids import uuid7
from core.migrations import ROOT
from core.outbox import emit
from core.settings import Settings
from worker_service.outbox import relay

GIVEN_UP = """
SELECT type, attempts, error_code FROM ops.outbox_events WHERE due_at IS NULL AND dispatched_at IS NULL
"""
SUBSCRIBE = """
INSERT INTO ops.webhook_subscriptions (public_id, url, types, principal_id)
VALUES (gen_random_uuid(), 'https://example.com/', '{}', 1)
"""


async def run(environment: dict[str, str]) -> int:
    command = [sys.executable, "-m", "tests.worker_service.outbox.deadly_relay"]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment)
    return await process.wait()


@pytest.mark.timeout(120)
async def test_an_event_that_kills_its_relay_is_given_up_alone(
    database: Database, settings: Settings
) -> None:
    url = settings.database_url.get_secret_value()
    environment = {**os.environ, "COGEP_ENV": "test", "DATABASE_URL": url}
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE public.noted (event uuid)")
        await connection.execute(SUBSCRIBE)
        for type_ in ("ticket.opened", "ticket.closed", "ticket.opened"):
            await emit(connection, type_, subject=uuid7(), data={})
        deaths = 0
        while await run(environment) == -SIGKILL:
            deaths += 1
            await connection.execute("UPDATE ops.outbox_events SET due_at = now() WHERE due_at IS NOT NULL")
        assert deaths == relay.MOST_ATTEMPTS
        assert [tuple(row) for row in await connection.fetch(GIVEN_UP)] == [
            ("ticket.closed", relay.MOST_ATTEMPTS, "relay_died")
        ]
        assert await connection.fetchval("SELECT count(*) FROM public.noted") == 2
        assert await connection.fetchval("SELECT count(*) FROM ops.webhook_deliveries") == 3
