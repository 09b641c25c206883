"""The SQL of the net under the door."""

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core.db import Database

FAILURES = (asyncpg.PostgresError, SQLAlchemyError)

DUE = text(
    """
    SELECT id FROM crm.ingest_events
    WHERE status <> 'LINKED'
      AND (status = 'RECEIVED' AND received_at < now() - make_interval(secs => :abandoned)
           OR status = 'ERROR' AND next_at <= now())
    ORDER BY received_at LIMIT :limit
    FOR NO KEY UPDATE SKIP LOCKED
    """
)


async def list_due(database: Database, *, abandoned: float, limit: int) -> list[int]:
    """Events that nobody holds and somebody should try, the oldest first."""
    async with database.transaction() as session:
        return list(await session.scalars(DUE, {"abandoned": abandoned, "limit": limit}))
