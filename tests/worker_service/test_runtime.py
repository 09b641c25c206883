import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from core.db import Database
from core.queue import Job
from core.settings import Settings
from worker_service import runtime
from worker_service.drain.context import JobContext
from worker_service.drain.worker import QueueWorker
from worker_service.runtime import Runtime

Eventually = Callable[..., Awaitable[None]]


async def quick(_job: Job, _context: JobContext) -> None:
    """Done at once."""


@pytest.fixture
async def running(settings: Settings) -> AsyncIterator[Runtime]:
    made = Runtime(settings.model_copy(update={"queue_poll_seconds": 0.1}), {"quick": quick})
    made.start()
    yield made
    await asyncio.to_thread(made.stop)


async def ask(running: Runtime) -> int:
    async def one(database: Database) -> int:
        async with database.transaction() as session:
            return int(await session.scalar(text("SELECT 1")) or 0)

    return await asyncio.to_thread(lambda: running.call(one, timeout=10))


async def answers(running: Runtime) -> bool:
    try:
        return await ask(running) == 1
    except RuntimeError:
        return False


async def test_it_works_in_a_thread_and_lends_its_database(
    queue: Any, running: Runtime, eventually: Eventually
) -> None:
    [job] = await queue.put("quick")
    await eventually(lambda: answers(running))
    running.wake()
    await eventually(lambda: _equal(queue.status(job), "COMPLETED"))


async def test_after_a_crash_of_the_loop_s_work_it_starts_anew(
    queue: Any, running: Runtime, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    await eventually(lambda: answers(running))
    crashed = asyncio.Event()
    healthy, loop = QueueWorker._take, asyncio.get_running_loop()

    def crash(self: QueueWorker, *arguments: Any) -> None:
        if not crashed.is_set():
            loop.call_soon_threadsafe(crashed.set)
            raise ZeroDivisionError
        healthy(self, *arguments)

    monkeypatch.setattr(QueueWorker, "_take", crash)
    await asyncio.wait_for(crashed.wait(), 20)
    [job] = await queue.put("quick")
    await eventually(lambda: _equal(queue.status(job), "COMPLETED"))


async def test_it_claims_nothing_from_an_older_schema(
    queue: Any, running: Runtime, eventually: Eventually
) -> None:
    await eventually(lambda: answers(running))
    await asyncio.to_thread(running.stop)
    await queue.execute("UPDATE public.alembic_version SET version_num = '0001'")
    [job] = await queue.put("quick")
    old = Runtime(running._settings, running._handlers)
    old.start()
    try:
        await asyncio.sleep(1.5)
        assert await queue.status(job) == "PENDING"
        with pytest.raises(RuntimeError):
            await ask(old)
    finally:
        await asyncio.to_thread(old.stop)


def test_a_process_without_runtime_says_so() -> None:
    with pytest.raises(RuntimeError):
        runtime.current()
    runtime.stop()


async def test_one_runtime_a_process(
    settings: Settings, queue: Any, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(runtime, "get_settings", lambda: settings)
    runtime.start()
    first = runtime.current()
    runtime.start()
    assert runtime.current() is first
    await eventually(lambda: answers(first))
    await asyncio.to_thread(runtime.stop)
    with pytest.raises(RuntimeError):
        runtime.current()
    assert (await queue.stats()).leases == 0


async def _equal(found: Awaitable[object], expected: object) -> bool:
    return await found == expected
