"""The SQL of upkeep."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Connection

BATCH = 1000
KEYS_AT_ONCE = 10_000
LEAST_CHUNKS = 50
"""A self-test of fewer chunks tells nothing."""


async def try_lock(session: AsyncSession, chore: str) -> bool:
    """Be the only one at `chore` until the transaction ends; False when somebody is at it already."""
    statement = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:chore, 0))")
    locked: bool | None = await session.scalar(statement, {"chore": f"upkeep:{chore}"})
    return bool(locked)


async def delete_old_attempts(session: AsyncSession, *, days: int) -> int:
    """Forget why attempts failed, `days` later; how many rows."""
    statement = text(
        "WITH old AS (SELECT id FROM ai.ingestion_attempts "
        "WHERE created_at < now() - make_interval(days => :days) ORDER BY id LIMIT :batch), "
        "gone AS (DELETE FROM ai.ingestion_attempts a USING old WHERE a.id = old.id RETURNING 1) "
        "SELECT count(*) FROM gone"
    )
    return await session.scalar(statement, {"days": days, "batch": BATCH}) or 0


async def delete_old_blobs(session: AsyncSession, *, days: int) -> int:
    """Forget bytes handed in more than `days` ago that no job needs, be it for a retry; how many rows."""
    statement = text(
        "WITH old AS (SELECT b.sha256 FROM ai.blobs b "
        "WHERE b.created_at < now() - make_interval(days => :days) AND NOT EXISTS ("
        "SELECT FROM ai.ingestion_payload p JOIN ai.ingestion_queue q USING (id) "
        "WHERE p.blob_sha256 = b.sha256 AND (q.status IN ('PENDING', 'PROCESSING') "
        "OR q.status = 'FAILED' AND q.finished_at > now() - make_interval(days => :days))) "
        "LIMIT :batch FOR UPDATE OF b SKIP LOCKED), "
        "gone AS (DELETE FROM ai.blobs b USING old WHERE b.sha256 = old.sha256 RETURNING 1) "
        "SELECT count(*) FROM gone"
    )
    return await session.scalar(statement, {"days": days, "batch": BATCH}) or 0


async def delete_old_keys(session: AsyncSession) -> int:
    """Forget answers kept for a retry that comes no more; how many rows."""
    statement = text(
        "WITH old AS (SELECT scope FROM ops.idempotency_keys "
        "WHERE created_at < now() - interval '24 hours' ORDER BY created_at LIMIT :batch "
        "FOR UPDATE SKIP LOCKED), "
        "gone AS (DELETE FROM ops.idempotency_keys k USING old WHERE k.scope = old.scope RETURNING 1) "
        "SELECT count(*) FROM gone"
    )
    return await session.scalar(statement, {"batch": KEYS_AT_ONCE}) or 0


async def delete_old_events(session: AsyncSession, *, days: int) -> int:
    """Forget events told more than `days` ago and how their deliveries went; how many events."""
    statement = text(
        "WITH old AS (SELECT e.id FROM ops.outbox_events e "
        "WHERE e.created_at < now() - make_interval(days => :days) AND e.dispatched_at IS NOT NULL "
        "AND NOT EXISTS (SELECT FROM ops.webhook_deliveries d "
        "WHERE d.event_id = e.id AND d.due_at IS NOT NULL) ORDER BY e.id LIMIT :batch), "
        "gone AS (DELETE FROM ops.outbox_events e USING old WHERE e.id = old.id RETURNING 1) "
        "SELECT count(*) FROM gone"
    )
    return await session.scalar(statement, {"days": days, "batch": BATCH}) or 0


@asynccontextmanager
async def session_lock(connection: Connection, chore: str) -> AsyncIterator[bool]:
    """Be the only one at a `chore` too long for one transaction; False when somebody is at it already."""
    key = f"upkeep:{chore}"
    locked = bool(await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", key))
    try:
        yield locked
    finally:
        if locked and not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", key)


async def list_uncalibrated(connection: Connection, provider: str, model: str) -> list[str]:
    """Namespaces of this model with enough text to test, untested or twice as large as when they were."""
    rows = await connection.fetch(
        """SELECT n.name FROM ai.namespaces n JOIN ai.embedding_models m ON m.id = n.embedding_model_id
           WHERE m.provider = $1 AND m.name = $2
             AND n.chunk_count >= $3 AND n.chunk_count >= 2 * n.calibrated_chunks
           ORDER BY n.id LIMIT 10""",
        provider,
        model,
        LEAST_CHUNKS,
    )
    return [row["name"] for row in rows]
