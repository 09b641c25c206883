import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.db import Connection
from core.errors import JobError
from core.queue import (
    DOWN,
    INGESTION,
    CancelOutcome,
    FailOutcome,
    Link,
    NewJob,
    backoff,
    cancel,
    cancel_requested,
    close,
    complete,
    enqueue,
    fail,
    next_expiry,
    progress,
    rescue,
    retry,
    stats,
    sweep_orphans,
)
from core.queue.settling import BACKOFF_CAP, storable
from tests.core.queue.rows import TTL, claim_all, expire, failures, row

Put = Callable[..., Awaitable[list[int]]]


async def test_scheduled_jobs_are_not_claimed_before_their_time(connection: Connection, put: Put) -> None:
    await put(run_at=datetime.now(UTC) + timedelta(hours=1))
    await put(run_at=datetime.now(UTC) - timedelta(hours=1))
    assert len(await claim_all(connection)) == 1
    assert (await stats(connection, INGESTION)).scheduled == 1


async def test_a_dedupe_key_is_taken_until_the_job_ends(connection: Connection, put: Put) -> None:
    first, second, third = await put(3)
    await connection.execute("DELETE FROM ai.ingestion_queue")
    twins = [NewJob(first, dedupe_key="k"), NewJob(second, dedupe_key="k")]
    assert await enqueue(connection, INGESTION, twins) == {first}
    [job] = await claim_all(connection)
    await complete(connection, INGESTION, [job.id], job.lease_id)
    assert await enqueue(connection, INGESTION, [NewJob(third, dedupe_key="k")]) == {third}


async def test_enqueuing_nothing_is_fine(connection: Connection) -> None:
    assert await enqueue(connection, INGESTION, []) == set()


async def test_cancelling(connection: Connection, put: Put) -> None:
    waiting, running = await put(2)
    assert await cancel(connection, INGESTION, waiting) is CancelOutcome.CANCELLED
    assert await failures(connection, waiting) == ["cancelled"]
    [job] = await claim_all(connection)
    assert await cancel(connection, INGESTION, running) is CancelOutcome.REQUESTED
    assert await cancel_requested(connection, INGESTION, [running]) == {running}
    assert await progress(connection, INGESTION, job, "chunk", 10) is True
    error = JobError("cancelled", "a pedido", retryable=True)
    assert await fail(connection, INGESTION, job, error, worker="w") is FailOutcome.FAILED
    assert await cancel(connection, INGESTION, running) is CancelOutcome.FINISHED
    assert await cancel(connection, INGESTION, 10**9) is None


async def test_a_cancelled_job_of_a_dead_worker_is_not_started_again(
    connection: Connection, put: Put
) -> None:
    [id_] = await put()
    await claim_all(connection)
    await cancel(connection, INGESTION, id_)
    await expire(connection)
    assert (await rescue(connection, INGESTION)).failed == [id_]
    assert await failures(connection, id_) == ["cancelled"]


async def test_retry_starts_failed_jobs_over(connection: Connection, put: Put) -> None:
    failed, waiting = await put(2)
    await cancel(connection, INGESTION, failed)
    assert await retry(connection, INGESTION, [failed, waiting]) == {failed}
    jobs = await claim_all(connection)
    assert {(job.id, job.attempt, job.cancel_requested) for job in jobs} == {
        (failed, 1, False),
        (waiting, 1, False),
    }


async def test_leases_tell_when_they_expire_and_can_be_closed(connection: Connection, put: Put) -> None:
    assert await next_expiry(connection, INGESTION) is None
    await put()
    [job] = await claim_all(connection)
    assert TTL - 10 < (await next_expiry(connection, INGESTION) or 0) <= TTL
    await close(connection, INGESTION, [job.lease_id])
    assert await next_expiry(connection, INGESTION) is None


async def test_a_held_row_without_lease_is_swept(connection: Connection, put: Put) -> None:
    held, lost = await put(2)
    [kept] = await claim_all(connection, 1)
    [orphan] = await claim_all(connection, 1)
    assert (kept.id, orphan.id) == (held, lost)
    await close(connection, INGESTION, [orphan.lease_id])
    assert await sweep_orphans(connection, INGESTION) == [lost]
    assert (await row(connection, held))["lease_id"] == kept.lease_id


async def test_an_orphan_without_attempts_left_has_failed(connection: Connection, put: Put) -> None:
    [last] = await put(1, max_attempts=1)
    [orphan] = await claim_all(connection)
    await close(connection, INGESTION, [orphan.lease_id])
    assert await sweep_orphans(connection, INGESTION) == [last]
    assert (await row(connection, last))["status"] == "FAILED"
    assert await failures(connection, last) == ["worker_died"]
    assert not await claim_all(connection)


async def test_many_claimers_never_share_a_job(database_url: str, put: Put) -> None:
    ids = await put(2000)

    async def drain() -> list[int]:
        link, mine = Link(database_url, application="test"), []
        while jobs := await claim_all(await link.connection(), 7):
            mine += [job.id for job in jobs]
        await link.close()
        return mine

    claimed = [id_ for some in await asyncio.gather(*(drain() for _ in range(8))) for id_ in some]
    assert sorted(claimed) == sorted(ids)


async def test_many_rescuers_free_each_job_once(database_url: str, connection: Connection, put: Put) -> None:
    ids = await put(60)
    while await claim_all(connection, 3):
        pass
    await expire(connection)

    async def free() -> list[int]:
        link = Link(database_url, application="test")
        freed = (await rescue(await link.connection(), INGESTION)).ready
        await link.close()
        return freed

    rounds = await asyncio.gather(*(free() for _ in range(6)))
    freed = [id_ for some in rounds for id_ in some] + (await rescue(connection, INGESTION)).ready
    assert sorted(freed) == sorted(ids)


async def test_a_link_opens_anew_after_it_was_cut(connection: Connection, database_url: str) -> None:
    link = Link(database_url, application="victim")
    victim = await link.connection()
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'"
    )
    with pytest.raises(DOWN):
        await victim.execute("SELECT 1")
    assert await (await link.connection()).fetchval("SELECT 1") == 1
    link.reset()
    assert await (await link.connection()).fetchval("SELECT 1") == 1
    await link.close()
    await link.close()


@given(attempt=st.integers(1, 32767), least=st.none() | st.floats(0, 86400))
def test_backoff_is_bounded_and_honours_what_was_asked(attempt: int, least: float | None) -> None:
    assert (least or 0) <= backoff(attempt, least=least) <= max(BACKOFF_CAP, least or 0)


@given(st.text(st.characters(), max_size=50))
def test_storable_text_always_encodes(text: str) -> None:
    assert "\0" not in storable(text).encode().decode()
