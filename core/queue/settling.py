"""Writing about a held job. Every write carries the lease: without it, no row is touched."""

import random
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Connection, driver_connection
from core.errors import JobError
from core.queue import statements
from core.queue.jobs import FailOutcome, Job, LeaseLost
from core.queue.table import QueueTable

BACKOFF_BASE = 2.0
BACKOFF_CAP = 900.0
MAX_DETAIL = 2000


def backoff(attempt: int, *, least: float | None = None) -> float:
    """Seconds to wait after the `attempt`-th failure: full jitter over min(cap, base * 2^attempt).

    Full jitter (Brooker, "Exponential Backoff And Jitter", AWS 2015) spreads a crowd of failed jobs.
    """
    ceiling = min(BACKOFF_CAP, BACKOFF_BASE * 2.0 ** min(attempt, 30))
    return max(least or 0.0, random.uniform(0, ceiling))  # noqa: S311 - spreads load, guards nothing


async def complete(
    connection: Connection, table: QueueTable, jobs: Sequence[int], lease: int, *, last: bool = False
) -> set[int]:
    """Mark `jobs` of one lease COMPLETED; those missing from the answer were fenced out.

    `last` says that nothing else is held under the lease, which then goes in the same round trip.
    """
    rows = await connection.fetch(table.sql(statements.COMPLETE), jobs, lease, last)
    return {row["id"] for row in rows}


async def complete_in(session: AsyncSession, table: QueueTable, job: Job) -> None:
    """Complete `job` inside the session's transaction: its effects and COMPLETED commit together.

    Raises LeaseLost when the job is no longer ours, which must roll the transaction back.
    """
    connection = await driver_connection(session)
    if not await complete(connection, table, [job.id], job.lease_id):
        raise LeaseLost(job)


async def fail(
    connection: Connection, table: QueueTable, job: Job, error: JobError, *, worker: str
) -> FailOutcome:
    """Note the failed attempt; schedule another when it may help and attempts are left, else FAILED."""
    again: bool | None = await connection.fetchval(
        table.sql(statements.FAIL),
        job.id,
        job.lease_id,
        error.retryable,
        backoff(job.attempt, least=error.retry_after),
        storable(error.code),
        storable(error.detail),
        worker,
    )
    if again is None:
        return FailOutcome.FENCED
    return FailOutcome.RETRY if again else FailOutcome.FAILED


async def release(connection: Connection, table: QueueTable, jobs: Sequence[int], lease: int) -> set[int]:
    """Give jobs back to their old places in the line; the attempt is not counted."""
    return {row["id"] for row in await connection.fetch(table.sql(statements.RELEASE), jobs, lease)}


async def progress(connection: Connection, table: QueueTable, job: Job, stage: str, percent: int) -> bool:
    """Say how far `job` is (0-100 %); True when somebody asked to stop it. Raises LeaseLost."""
    stop: bool | None = await connection.fetchval(
        table.sql(statements.PROGRESS), job.id, job.lease_id, stage, percent
    )
    if stop is None:
        raise LeaseLost(job)
    return stop


def storable(text: str) -> str:
    """`text` as Postgres takes it: no NUL, no lone surrogates, bounded."""
    return text[:MAX_DETAIL].replace("\0", "").encode(errors="replace").decode()
