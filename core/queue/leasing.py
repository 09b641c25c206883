"""Holding jobs: claim a batch under a lease, keep the lease alive, take back what dead workers held."""

from collections.abc import Sequence

from core.db import Connection
from core.queue import statements
from core.queue.jobs import Claim, Job, Rescue
from core.queue.table import QueueTable

RESCUE_DETAIL = "The worker that ran the job died before it was done."
RESCUED_LEASES = 20
ORPHANS = 1000


async def claim(connection: Connection, table: QueueTable, *, limit: int, worker: str, ttl: float) -> Claim:
    """Up to `limit` ready jobs, best priority and oldest first, under one lease of `ttl` seconds.

    Each counts as an attempt from now on, so that a job that kills its worker runs out of them.
    """
    rows = await connection.fetch(table.sql(statements.CLAIM), limit, worker, ttl)
    jobs = [Job(*row) for row in rows]
    return Claim(jobs[0].lease_id if jobs else None, jobs)


async def renew(connection: Connection, table: QueueTable, leases: Sequence[int], *, ttl: float) -> set[int]:
    """Keep `leases` for `ttl` seconds from now. Those missing from the answer are lost."""
    rows = await connection.fetch(table.sql(statements.RENEW), leases, ttl)
    return {row["id"] for row in rows}


async def close(connection: Connection, table: QueueTable, leases: Sequence[int]) -> None:
    """Forget leases whose jobs are all settled."""
    await connection.execute(table.sql(statements.CLOSE), leases)


async def rescue(connection: Connection, table: QueueTable) -> Rescue:
    """Take jobs back from leases that expired. Any number of workers may do this at once.

    A job with attempts left is ready at once; one without is FAILED with the code `worker_died`.
    """
    async with connection.transaction():
        rows = await connection.fetch(table.sql(statements.EXPIRED), RESCUED_LEASES)
        leases = [row["id"] for row in rows]
        if not leases:
            return Rescue([], [])
        freed = await connection.fetch(table.sql(statements.RESCUE), leases, RESCUE_DETAIL)
        await connection.execute(table.sql(statements.BURY), leases)
    return Rescue(
        [row["id"] for row in freed if row["again"]], [row["id"] for row in freed if not row["again"]]
    )


async def next_expiry(connection: Connection, table: QueueTable) -> float | None:
    """Seconds until the first lease expires, negative when it has; None without leases."""
    seconds: float | None = await connection.fetchval(table.sql(statements.NEXT_EXPIRY))
    return seconds


async def sweep_orphans(connection: Connection, table: QueueTable) -> list[int]:
    """As `rescue`, for held jobs whose lease does not exist. Scans the hot table: for rare upkeep."""
    rows = await connection.fetch(table.sql(statements.ORPHANS), ORPHANS, RESCUE_DETAIL)
    return [row["id"] for row in rows]


async def cancel_requested(connection: Connection, table: QueueTable, jobs: Sequence[int]) -> set[int]:
    """Which of these jobs somebody wants stopped."""
    return {row["id"] for row in await connection.fetch(table.sql(statements.CANCEL_REQUESTED), jobs)}
