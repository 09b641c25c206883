import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import psycopg
import pytest

from core.queue import INGESTION, CancelOutcome, Job, cancel
from tests.worker_service.drain.probes import CUT, Handlers, held_up
from worker_service.drain.context import JobContext
from worker_service.drain.worker import QueueWorker

Eventually = Callable[..., Awaitable[None]]
Running = Callable[..., AbstractAsyncContextManager[QueueWorker]]


async def test_every_job_is_done_once(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually
) -> None:
    ids = await queue.put("quick", 500)
    async with running() as worker:
        await eventually(lambda: _equal(queue.completed(), 500))
        assert worker.services.counts["completed"] == 500
    assert sorted(handlers.ended) == ids
    assert (await queue.stats()).leases == 0


async def test_slots_bound_what_runs_at_once(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually
) -> None:
    await queue.put("gated", 10)
    async with running(slots=3):
        await eventually(lambda: _true(len(handlers.started) == 3))
        await queue.put("quick", 1, priority=1)
        await asyncio.sleep(0.3)
        assert len(handlers.started) == 3
        handlers.gate.set()
        await eventually(lambda: _equal(queue.completed(), 11))
    assert handlers.most == 3


async def test_failures_say_why(queue: Any, running: Running, eventually: Eventually) -> None:
    [picky], [bug], [unknown] = (
        await queue.put("picky"),
        await queue.put("bug"),
        await queue.put("no.such.kind"),
    )
    async with running():
        await eventually(lambda: _equal(queue.status(picky), "FAILED"))
        await eventually(lambda: _equal(queue.codes(bug), ["internal_error"]))
        await eventually(lambda: _equal(queue.codes(unknown), ["unknown_kind"]))
    assert await queue.codes(picky) == ["unreadable"]
    assert (await queue.stats()).scheduled == 2
    assert (await queue.stats()).leases == 0


async def test_a_job_past_its_deadline_is_stopped(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually
) -> None:
    [job] = await queue.put("gated", max_attempts=1)
    async with running(job_timeout_seconds=0.2):
        await eventually(lambda: _equal(queue.status(job), "FAILED"))
    assert await queue.codes(job) == ["timeout"]
    assert handlers.interrupted == [job]


@pytest.mark.parametrize("kind", ["gated", "busy"])
async def test_a_running_job_can_be_cancelled(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually, kind: str
) -> None:
    [job] = await queue.put(kind)
    async with running():
        await eventually(lambda: _true(handlers.started == [job]))
        assert await cancel(await queue.connection(), INGESTION, job) is CancelOutcome.REQUESTED
        await eventually(lambda: _equal(queue.status(job), "FAILED"))
    assert await queue.codes(job) == ["cancelled"]


async def test_a_job_cancelled_before_it_began_never_runs(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually
) -> None:
    [job] = await queue.put("quick")
    await queue.execute("UPDATE ai.ingestion_queue SET cancel_requested = true")
    async with running():
        await eventually(lambda: _equal(queue.status(job), "FAILED"))
    assert handlers.ended == []


async def test_a_lease_taken_away_stops_its_handlers(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually
) -> None:
    await queue.put("gated", 5)
    async with running(slots=3) as worker:
        await eventually(lambda: _true(len(handlers.started) == 3))
        await queue.execute("DELETE FROM ai.ingestion_lease")
        await eventually(lambda: _true(len(handlers.interrupted) == 3))
        assert worker.services.counts["lost"] == 3
        handlers.gate.set()
        await eventually(lambda: _equal(queue.completed(), 2))
    assert (await queue.stats()).processing == 3


async def test_a_worker_that_cannot_renew_gives_up_before_its_lease_ends(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually
) -> None:
    [job] = await queue.put("gated")
    async with running(queue_lease_seconds=3.0) as worker:
        await eventually(lambda: _true(handlers.started == [job]))
        # Renewals wait behind this transaction, as they would behind a cut network.
        connection = await queue.connection()
        async with connection.transaction():
            await connection.execute("SELECT FROM ai.ingestion_lease FOR UPDATE")
            await eventually(lambda: _true(handlers.interrupted == [job]))
            left = await connection.fetchval(
                "SELECT expires_at > clock_timestamp() FROM ai.ingestion_lease", timeout=5
            )
        assert left, "fenced itself while nobody else could have the job"
        handlers.gate.set()
        await eventually(lambda: _equal(queue.status(job), "COMPLETED"))
        assert worker.services.counts["rescued"] == 1


async def test_a_handler_that_blocks_the_loop_keeps_its_lease(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually
) -> None:
    async def block(job: Job, _context: JobContext) -> None:
        handlers.started.append(job.id)
        time.sleep(3)  # noqa: ASYNC251 - the very fault under test

    handlers.quick = block  # type: ignore[method-assign]
    [job] = await queue.put("quick")
    async with running(queue_lease_seconds=1.0):
        await eventually(lambda: _equal(queue.status(job), "COMPLETED"))
    assert handlers.started == [job]


async def test_a_hung_loop_is_not_kept_alive(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually, database_url: str
) -> None:
    expired: list[bool] = []

    async def hang(_job: Job, _context: JobContext) -> None:
        time.sleep(4)  # noqa: ASYNC251 - the very fault under test
        with psycopg.connect(database_url) as connection:
            found = connection.execute("SELECT expires_at < now() FROM ai.ingestion_lease").fetchone()
        assert found is not None
        expired.append(found[0])

    handlers.quick = hang  # type: ignore[method-assign]
    await queue.put("quick")
    async with running(queue_lease_seconds=1.0, job_timeout_seconds=0.5):
        await eventually(lambda: _true(bool(expired)))
    assert expired[0], "others could have taken the job"


async def test_stopping_gives_back_what_cannot_finish(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually
) -> None:
    ids = await queue.put("gated", 4)
    async with running(grace=0.1):
        await eventually(lambda: _true(len(handlers.started) == 4))
    connection = await queue.connection()
    rows = await connection.fetch("SELECT id FROM ai.ingestion_queue WHERE ready AND attempt = 0")
    assert sorted(row["id"] for row in rows) == ids
    assert (await queue.stats()).leases == 0


async def test_stopping_waits_for_what_can_finish(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually
) -> None:
    await queue.put("gated", 2)
    async with running(grace=10):
        await eventually(lambda: _true(len(handlers.started) == 2))
        asyncio.get_running_loop().call_later(0.3, handlers.gate.set)
    assert await queue.completed() == 2


async def test_cut_connections_are_opened_anew(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually
) -> None:
    async with running():
        for total in (50, 100, 150):
            await queue.put("quick", 50)
            await eventually(lambda total=total: _equal(queue.completed(), total))
            await queue.execute(CUT)
    assert len(handlers.ended) >= 150


async def test_outcomes_cut_off_on_their_way_arrive_later(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually
) -> None:
    [doomed] = await queue.put("doomed")
    await queue.put("parked", 3)
    async with running(queue_lease_seconds=30.0) as worker:
        await eventually(lambda: _true(len(handlers.started) == 4))
        async with held_up(queue):
            handlers.gate.set()
            await eventually(lambda: _waiting(queue, 3))
        await queue.put("quick", 2)
        await eventually(lambda: _equal(queue.completed(), 5))
        await eventually(lambda: _equal(queue.codes(doomed), ["unreadable"]))
        assert worker.services.counts["fenced"] == 0
    assert (await queue.stats()).leases == 0


async def test_what_was_to_be_given_back_is_given_back_after_an_outage(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually
) -> None:
    await queue.put("parked", 2)
    await queue.execute("UPDATE ai.ingestion_queue SET stage = 'rescued'")
    async with running() as worker:
        await eventually(lambda: _true(len(handlers.started) == 1))
        async with held_up(queue):
            handlers.gate.set()
            await eventually(lambda: _waiting(queue, 2))
        await eventually(lambda: _equal(queue.completed(), 2))
        assert worker.services.counts["lost"] == 0


async def test_suspects_run_one_at_a_time_and_alone(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually
) -> None:
    await queue.put("gated", 3)
    await queue.execute("UPDATE ai.ingestion_queue SET stage = 'rescued'")
    await queue.put("gated", 2)
    handlers.gate.set()
    async with running():
        await eventually(lambda: _equal(queue.completed(), 5))
    connection = await queue.connection()
    attempts = await connection.fetch("SELECT DISTINCT attempt FROM ai.ingestion_queue")
    assert [row["attempt"] for row in attempts] == [1], "jobs given back untouched lose no attempt"


async def test_a_suspect_waits_for_neighbours_and_keeps_newcomers_out(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually
) -> None:
    async with running():
        [neighbour] = await queue.put("gated")
        await eventually(lambda: _true(handlers.started == [neighbour]))
        [suspect] = await queue.put("gated")
        await queue.execute("UPDATE ai.ingestion_queue SET stage = 'rescued' WHERE ready")
        await asyncio.sleep(0.5)
        assert handlers.started == [neighbour]
        handlers.gate.set()
        await eventually(lambda: _equal(queue.status(suspect), "COMPLETED"))
    assert handlers.most == 1


async def test_a_ring_is_heard(
    queue: Any, running: Running, handlers: Handlers, eventually: Eventually
) -> None:
    async with running(queue_poll_seconds=3600) as worker:
        await eventually(lambda: _true(worker.lanes.idle))
        await asyncio.sleep(0.5)
        [job] = await queue.put("quick")
        worker.wake()
        await eventually(lambda: _true(handlers.ended == [job]))


async def _waiting(queue: Any, sessions: int) -> bool:
    """So many sessions of the worker wait for a lock."""
    connection = await queue.connection()
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return int(await connection.fetchval(blocked)) >= sessions


async def _true(fact: bool) -> bool:
    return fact


async def _equal(found: Awaitable[object], expected: object) -> bool:
    return await found == expected
