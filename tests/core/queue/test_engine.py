import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.db import Connection, Database
from core.errors import JobError
from core.queue import (
    DOWN,
    INGESTION,
    CancelOutcome,
    FailOutcome,
    Job,
    LeaseLost,
    Link,
    NewJob,
    backoff,
    cancel,
    cancel_requested,
    claim,
    close,
    complete,
    complete_in,
    enqueue,
    fail,
    next_expiry,
    progress,
    release,
    renew,
    rescue,
    retry,
    stage,
    stats,
    sweep_orphans,
)
from core.queue.settling import BACKOFF_CAP, storable

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


async def test_claims_best_priority_first_then_oldest(connection: Connection, put: Put) -> None:
    late = await put(2, priority=100)
    soon = await put(1, priority=5)
    assert [job.id for job in await claim_all(connection)] == [*soon, *late]


async def test_an_empty_queue_gives_no_lease(connection: Connection) -> None:
    empty = await claim(connection, INGESTION, limit=10, worker="w", ttl=TTL)
    assert empty == (None, [])
    assert (await stats(connection, INGESTION)).leases == 0


async def test_a_whole_life(connection: Connection, put: Put) -> None:
    [id_] = await put(kind="document.text")
    [job] = await claim_all(connection)
    assert (job.kind, job.attempt, job.suspect, job.cancel_requested) == ("document.text", 1, False, False)
    assert await progress(connection, INGESTION, job, "chunk", 40) is False
    assert (await row(connection, id_))["stage"] == "chunk"
    assert await complete(connection, INGESTION, [id_], job.lease_id, last=True) == {id_}
    done = await row(connection, id_)
    assert (done["status"], done["progress"], done["lease_id"]) == ("COMPLETED", 100, None)
    assert (await stats(connection, INGESTION)).leases == 0


async def test_a_zombie_can_write_nothing(connection: Connection, put: Put) -> None:
    [id_] = await put()
    [zombie] = await claim_all(connection)
    await expire(connection)
    await rescue(connection, INGESTION)
    [heir] = await claim_all(connection)
    assert heir.suspect
    assert await renew(connection, INGESTION, [zombie.lease_id], ttl=TTL) == set()
    assert await complete(connection, INGESTION, [id_], zombie.lease_id, last=True) == set()
    assert await release(connection, INGESTION, [id_], zombie.lease_id) == set()
    error = JobError("late", "tarde demais", retryable=True)
    assert await fail(connection, INGESTION, zombie, error, worker="w") is FailOutcome.FENCED
    with pytest.raises(LeaseLost):
        await progress(connection, INGESTION, zombie, "chunk", 1)
    assert await complete(connection, INGESTION, [id_], heir.lease_id) == {id_}


async def test_a_lost_lease_rolls_back_the_effects(
    connection: Connection, put: Put, database: Database
) -> None:
    await put()
    [zombie] = await claim_all(connection)
    await expire(connection)
    await rescue(connection, INGESTION)

    async def work() -> None:
        async with database.transaction() as session:
            effect = "INSERT INTO ai.blobs (sha256, data) VALUES ('\\x00', '')"
            await (await session.connection()).exec_driver_sql(effect)
            await complete_in(session, INGESTION, zombie)

    with pytest.raises(LeaseLost):
        await work()
    assert await connection.fetchval("SELECT count(*) FROM ai.blobs") == 0


async def test_rescue_waits_for_a_completion_under_way(
    connection: Connection, put: Put, database: Database
) -> None:
    [id_] = await put()
    [job] = await claim_all(connection)
    async with database.transaction() as session:
        await complete_in(session, INGESTION, job)
        await expire(connection)
        assert await rescue(connection, INGESTION) == ([], [])
    assert await rescue(connection, INGESTION) == ([], [])
    assert (await row(connection, id_))["status"] == "COMPLETED"
    assert (await stats(connection, INGESTION)).leases == 0


async def test_a_completion_rolled_back_is_still_rescued(
    connection: Connection, put: Put, database: Database
) -> None:
    [id_] = await put()
    [job] = await claim_all(connection)

    async def work() -> None:
        async with database.transaction() as session:
            await complete_in(session, INGESTION, job)
            await expire(connection)
            assert await rescue(connection, INGESTION) == ([], [])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await work()
    assert (await rescue(connection, INGESTION)).ready == [id_]


async def test_an_attempt_is_spent_at_claim_so_poison_runs_out(connection: Connection, put: Put) -> None:
    [id_] = await put(max_attempts=2)
    for _ in range(2):
        assert len(await claim_all(connection)) == 1
        await expire(connection)
        outcome = await rescue(connection, INGESTION)
    assert outcome == ([], [id_])
    assert await claim_all(connection) == []
    assert (await row(connection, id_))["status"] == "FAILED"
    assert await failures(connection, id_) == ["worker_died", "worker_died"]


async def test_retryable_failures_are_scheduled_until_attempts_end(connection: Connection, put: Put) -> None:
    [id_] = await put(max_attempts=2)
    error = JobError("busy", "o serviço pediu para esperar", retryable=True, retry_after=3600)
    [job] = await claim_all(connection)
    assert await fail(connection, INGESTION, job, error, worker="w") is FailOutcome.RETRY
    waiting = await row(connection, id_)
    assert waiting["scheduled"]
    assert waiting["run_at"] > datetime.now(UTC) + timedelta(seconds=3500)
    assert await stage(connection, INGESTION) == 0
    await connection.execute("UPDATE ai.ingestion_queue SET run_at = now()")
    assert await stage(connection, INGESTION) == 1
    [job] = await claim_all(connection)
    assert job.attempt == 2
    assert await fail(connection, INGESTION, job, error, worker="w") is FailOutcome.FAILED
    assert await failures(connection, id_) == ["busy", "busy"]


async def test_a_final_failure_keeps_its_reason_even_with_hostile_text(
    connection: Connection, put: Put
) -> None:
    [id_] = await put()
    [job] = await claim_all(connection)
    error = JobError("broken", "a\0b\ud800" + "x" * 5000)
    assert await fail(connection, INGESTION, job, error, worker="w") is FailOutcome.FAILED
    detail = await connection.fetchval("SELECT detail FROM ai.ingestion_attempts WHERE job_id = $1", id_)
    assert detail.startswith("ab?x")


async def test_giving_back_keeps_place_and_attempt(connection: Connection, put: Put) -> None:
    first, second = await put(2)
    jobs = await claim_all(connection)
    assert await release(connection, INGESTION, [first], jobs[0].lease_id) == {first}
    [again] = await claim_all(connection)
    assert (again.id, again.attempt, again.suspect) == (first, 1, False)
    assert await complete(connection, INGESTION, [second], jobs[1].lease_id) == {second}


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
