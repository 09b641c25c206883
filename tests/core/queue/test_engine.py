from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from core.db import Connection, Database
from core.errors import JobError
from core.queue import (
    INGESTION,
    FailOutcome,
    LeaseLost,
    claim,
    complete,
    complete_in,
    fail,
    progress,
    release,
    renew,
    rescue,
    stage,
    stats,
)
from tests.core.queue.rows import TTL, claim_all, expire, failures, row

Put = Callable[..., Awaitable[list[int]]]


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
