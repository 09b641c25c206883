from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from core.db import Connection
from core.queue import INGESTION, Link, NewJob, enqueue

COLD = """
INSERT INTO ai.ingestion_payload (public_id, kind, namespace, source)
SELECT gen_random_uuid(), $1, 'default', 'inline' FROM generate_series(1, $2::int) RETURNING id"""

Put = Callable[..., Awaitable[list[int]]]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    link = Link(database_url, application="test")
    yield await link.connection()
    await link.close()


@pytest.fixture
def put(connection: Connection) -> Put:
    async def put(count: int = 1, kind: str = "test.job", **fields: Any) -> list[int]:
        ids = [row["id"] for row in await connection.fetch(COLD, kind, count)]
        await enqueue(connection, INGESTION, [NewJob(id_, **fields) for id_ in ids])
        return ids

    return put
