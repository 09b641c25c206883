"""The queue seen from outside: put jobs in, make due ones ready, cancel, retry, count."""

from collections.abc import Sequence

from core.db import Connection
from core.queue import statements
from core.queue.jobs import CancelOutcome, NewJob, Stats
from core.queue.table import QueueTable

CANCEL_DETAIL = "The job was cancelled on request."
STAGED = 1000


async def enqueue(connection: Connection, table: QueueTable, jobs: Sequence[NewJob]) -> set[int]:
    """Insert hot rows in one round trip, inside whatever transaction is open; ring after its commit.

    Ids missing from the answer were not taken: an unfinished job has their `dedupe_key`.
    """
    columns: Sequence[Sequence[object]] = list(zip(*jobs, strict=True)) or [[]] * len(NewJob._fields)
    ids, priorities, run_at, max_attempts, dedupe_keys = columns
    rows = await connection.fetch(
        table.sql(statements.ENQUEUE), ids, priorities, run_at, max_attempts, dedupe_keys
    )
    return {row["id"] for row in rows}


async def stage(connection: Connection, table: QueueTable, *, limit: int = STAGED) -> int:
    """Make scheduled jobs ready whose time has come; how many."""
    return len(await connection.fetch(table.sql(statements.STAGE), limit))


async def cancel(connection: Connection, table: QueueTable, job: int) -> CancelOutcome | None:
    """Stop a waiting job now, ask a running one to stop; None when there is no such job."""
    status = await connection.fetchval(table.sql(statements.CANCEL), job, CANCEL_DETAIL)
    match status:
        case None:
            return None
        case "PENDING":
            return CancelOutcome.CANCELLED
        case "PROCESSING":
            return CancelOutcome.REQUESTED
        case _:
            return CancelOutcome.FINISHED


async def retry(connection: Connection, table: QueueTable, jobs: Sequence[int]) -> set[int]:
    """Start FAILED jobs over, all attempts anew; those missing from the answer had not failed."""
    return {row["id"] for row in await connection.fetch(table.sql(statements.RETRY), jobs)}


async def stats(connection: Connection, table: QueueTable) -> Stats:
    """Counts of every state. Scans the hot table: for people, not for every request."""
    row = await connection.fetchrow(table.sql(statements.STATS))
    assert row is not None, "an aggregate always answers"
    return Stats(*row)
