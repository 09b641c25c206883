import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from celery import Celery as Client

Celery = Callable[..., Any]
Eventually = Callable[..., Awaitable[None]]


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
async def test_every_pool_works_and_gives_back_when_it_stops(
    queue: Any, celery: Celery, eventually: Eventually, pool: str
) -> None:
    await queue.put("probe.quick", 200)
    worker = celery("worker", "-P", pool, "-c", "2", "--loglevel=info")
    await eventually(lambda: _equal(queue.completed(), 200))
    stuck = await queue.put("probe.stuck", 3)
    await eventually(lambda: _equal(_count(queue.effects("start")), 3))
    await eventually(lambda: _true(" ready." in worker.log()))
    worker.process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(worker.process.wait, 30)
    connection = await queue.connection()
    rows = await connection.fetch("SELECT id FROM ai.ingestion_queue WHERE ready AND attempt = 0 ORDER BY id")
    assert [row["id"] for row in rows] == stuck
    assert (await queue.stats()).leases == 0


async def test_a_signal_to_the_whole_group_ends_it_and_loses_nothing(
    queue: Any, celery: Celery, eventually: Eventually
) -> None:
    ids = await queue.put("probe.doze", 40)
    worker = celery("worker", "-c", "1")
    await eventually(lambda: queue.effects("start"))
    worker.signal_group(signal.SIGTERM)
    await asyncio.to_thread(worker.process.wait, 60)
    celery("worker", "-P", "solo")
    await eventually(lambda: _equal(queue.completed(), 40))
    assert len(await queue.effects("done")) == len(ids)


async def test_wake_and_upkeep_arrive_over_celery(
    queue: Any, celery: Celery, eventually: Eventually, redis_url: str
) -> None:
    [orphan] = await queue.put("probe.quick")
    await queue.execute(
        "UPDATE ai.ingestion_queue SET ready = false, status = 'PROCESSING', lease_id = 999, attempt = 1"
    )
    worker = celery("worker", "-P", "solo", COGEP_QUEUE_POLL_SECONDS="3600")
    await eventually(lambda: _true(" ready." in worker.log()))
    with Client(broker=redis_url) as client:
        client.send_task("upkeep.sweep_orphans", queue="cogep")
        await eventually(lambda: _not_equal(queue.status(orphan), "PROCESSING"))
        client.send_task("queue.wake", queue="cogep")
        await eventually(lambda: _equal(queue.status(orphan), "COMPLETED"))


async def test_two_beats_do_no_harm_and_leave_no_file(
    queue: Any, celery: Celery, eventually: Eventually
) -> None:
    beats = [celery("beat", "--loglevel=info") for _ in range(2)]
    for beat in beats:
        await eventually(lambda beat=beat: _true("is starting" in beat.log()))
    await queue.put("probe.quick", 20)
    celery("worker", "-P", "solo")
    await eventually(lambda: _equal(queue.completed(), 20))
    assert [path for path in beats[0].folder.iterdir() if path.suffix != ".log"] == []


async def _count(found: Awaitable[list[int]]) -> int:
    return len(await found)


async def _true(fact: bool) -> bool:
    return fact


async def _equal(found: Awaitable[object], expected: object) -> bool:
    return await found == expected


async def _not_equal(found: Awaitable[object], unwanted: object) -> bool:
    return await found != unwanted
