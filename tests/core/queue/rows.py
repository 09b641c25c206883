"""Rows of the queue as the tests look at them."""

from collections.abc import Awaitable, Callable

import asyncpg

from core.db import Connection
from core.queue import (
    INGESTION,
    Job,
    claim,
)

Put = Callable[..., Awaitable[list[int]]]
TTL = 30


async def claim_all(connection: Connection, limit: int = 100) -> list[Job]:
    return (await claim(connection, INGESTION, limit=limit, worker="w", ttl=TTL)).jobs


async def expire(connection: Connection) -> None:
    await connection.execute("UPDATE ai.ingestion_lease SET expires_at = now() - interval '1 second'")


async def row(connection: Connection, job: int) -> asyncpg.Record:
    found = await connection.fetchrow("SELECT * FROM ai.ingestion_queue WHERE id = $1", job)
    assert found is not None
    return found


async def failures(connection: Connection, job: int) -> list[str]:
    rows = await connection.fetch("SELECT code FROM ai.ingestion_attempts WHERE job_id = $1 ORDER BY id", job)
    return [found["code"] for found in rows]
