import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from core.migrations import upgrade
from ops.embedded import EmbeddedRedis, ephemeral_servers
from tests.worker_service.conftest import EFFECTS, Queue

Celery = Callable[..., Any]
Eventually = Callable[..., Awaitable[None]]


async def test_a_killed_worker_s_job_is_done_by_another(
    queue: Any, celery: Celery, eventually: Eventually
) -> None:
    [job] = await queue.put("probe.stuck")
    first = celery("worker", "-P", "solo")
    await eventually(lambda: queue.effects("start", job))
    first.process.kill()
    second = celery("worker", "-P", "solo")
    await eventually(lambda: _equal(queue.status(job), "COMPLETED"))
    assert await queue.effects("done", job) == [second.process.pid]
    assert await queue.codes(job) == ["worker_died"]


async def test_a_killed_child_is_replaced_and_its_job_done(
    queue: Any, celery: Celery, eventually: Eventually
) -> None:
    [job] = await queue.put("probe.stuck")
    celery("worker", "-c", "1")
    await eventually(lambda: queue.effects("start", job))
    [child] = await queue.effects("start", job)
    os.kill(child, signal.SIGKILL)
    await eventually(lambda: _equal(queue.status(job), "COMPLETED"))
    [heir] = await queue.effects("done", job)
    assert heir != child


@pytest.mark.parametrize("kind", ["probe.zombie", "probe.zombie_plain"])
async def test_a_worker_that_slept_past_its_lease_can_write_nothing(
    queue: Any, celery: Celery, eventually: Eventually, kind: str
) -> None:
    [job] = await queue.put(kind)
    zombie = celery("worker", "-P", "solo")
    await eventually(lambda: queue.effects("start", job))
    zombie.signal_group(signal.SIGSTOP)
    heir = celery("worker", "-P", "solo")
    await eventually(lambda: _equal(queue.status(job), "COMPLETED"))
    zombie.signal_group(signal.SIGCONT)
    await eventually(lambda: _any(mark in zombie.log() for mark in ('"lease_lost"', '"writes_fenced"')))
    assert await queue.effects("start", job) == [zombie.process.pid, heir.process.pid]
    assert await queue.effects("done", job) in ([heir.process.pid], [])
    assert len(await queue.effects("done", job)) == (kind == "probe.zombie")
    assert await queue.codes(job) == ["worker_died"]


async def test_a_poison_job_ends_and_its_neighbours_live(
    queue: Any, celery: Celery, eventually: Eventually
) -> None:
    before = await queue.put("probe.doze", 6, max_attempts=3)
    [poison] = await queue.put("probe.poison", max_attempts=3)
    after = await queue.put("probe.doze", 6, max_attempts=3)
    celery("worker", "-c", "2", COGEP_QUEUE_LEASE_SECONDS="1")
    await eventually(lambda: _equal(queue.status(poison), "FAILED"))
    await eventually(lambda: _equal(queue.completed(), 12))
    assert await queue.codes(poison) == ["worker_died"] * 3
    assert len(await queue.effects("start", poison)) == 3
    done = [await queue.effects("done", job) for job in before + after]
    assert [len(pids) for pids in done] == [1] * 12


async def test_without_redis_all_jobs_are_done(
    queue: Any, celery: Celery, eventually: Eventually, tmp_path: Path
) -> None:
    redis = EmbeddedRedis(tmp_path / "redis")
    with redis:
        worker = celery("worker", "-c", "1", REDIS_URL=redis.url())
        await eventually(lambda: _any("celery@" in line for line in worker.log().splitlines()))
        await queue.put("probe.quick", 100)
        await eventually(lambda: _equal(queue.completed(), 100))
        assert redis.pid is not None
        os.kill(redis.pid, signal.SIGKILL)
        await queue.put("probe.quick", 100)
        await eventually(lambda: _equal(queue.completed(), 200))
    late = celery("worker", "-P", "solo", REDIS_URL=redis.url())
    worker.close()
    await queue.put("probe.quick", 100)
    await eventually(lambda: _equal(queue.completed(), 300))
    assert late.process.poll() is None


async def test_a_child_killed_while_redis_is_away_is_replaced(
    queue: Any, celery: Celery, eventually: Eventually, tmp_path: Path
) -> None:
    with EmbeddedRedis(tmp_path / "redis") as redis:
        url = redis.url()
    [job] = await queue.put("probe.stuck")
    celery("worker", "-c", "1", REDIS_URL=url)
    await eventually(lambda: queue.effects("start", job))
    [child] = await queue.effects("start", job)
    os.kill(child, signal.SIGKILL)
    await eventually(lambda: _equal(queue.status(job), "COMPLETED"))


async def test_postgres_killed_and_restarted(celery: Celery, eventually: Eventually) -> None:
    with ephemeral_servers() as servers:
        postgres = servers.postgres
        postgres.create_database("own")
        await asyncio.to_thread(upgrade, postgres.url("own"))
        queue = Queue(postgres.url("own"))
        await queue.execute(EFFECTS)
        celery("worker", "-c", "1", DATABASE_URL=queue.url)
        await queue.put("probe.doze", 40)
        await eventually(queue.completed)
        assert postgres.pid is not None
        os.kill(postgres.pid, signal.SIGQUIT)
        postgres.stop()
        postgres.start()
        await queue.close()
        await eventually(lambda: _equal(queue.completed(), 40))
        assert len(await queue.effects("done")) == 40
        await queue.close()


async def _any(facts: Any) -> bool:
    return any(facts)


async def _equal(found: Awaitable[object], expected: object) -> bool:
    return await found == expected
