import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from redis.asyncio import Redis

from core.db import Database, on_commit
from core.queue import Doorbell, doorbell, listen


async def reach(fact: Callable[[], bool]) -> None:
    for _ in range(20_000):
        if fact():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never became true")


class Ear:
    """Counts the rings of a listener."""

    def __init__(self) -> None:
        self.rings = 0

    def hear(self) -> None:
        self.rings += 1

    async def wait_for(self, rings: int) -> None:
        await reach(lambda: self.rings >= rings)


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[Ear]:
    ear = Ear()
    task = asyncio.create_task(listen(url, "test", ear.hear))
    try:
        yield ear
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def answer_with(data: bytes) -> tuple[asyncio.Server, str]:
    """A server that says `data` to whoever calls, then nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        with suppress(ConnectionError):
            await reader.read()
            await asyncio.sleep(60)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_ring_is_heard_once_subscribed(redis_url: str) -> None:
    bell = Doorbell(redis_url)
    async with listening(redis_url) as ear:
        await ear.wait_for(1)
        await bell.ring("other")
        await bell.ring("test")
        await ear.wait_for(2)
    await bell.close()
    assert ear.rings == 2


async def test_many_rings_at_once_become_few_and_the_last_is_heard(redis_url: str) -> None:
    bell = Doorbell(redis_url)
    async with listening(redis_url) as ear:
        await ear.wait_for(1)
        for _ in range(1000):
            await bell.ring("test")
        await bell.close()
        await ear.wait_for(2)
    assert ear.rings < 10


async def test_it_rings_after_the_commit_only(redis_url: str, database: Database) -> None:
    bell = Doorbell(redis_url)

    async def ring() -> None:
        await bell.ring("test")

    async with listening(redis_url) as ear:
        await ear.wait_for(1)
        with suppress(ZeroDivisionError):
            async with database.transaction() as session:
                on_commit(session, ring)
                raise ZeroDivisionError
        assert ear.rings == 1
        async with database.transaction() as session:
            on_commit(session, ring)
        await ear.wait_for(2)
    await bell.close()


async def test_without_a_url_nothing_happens() -> None:
    bell = Doorbell(None)
    await bell.ring("test")
    await bell.close()


async def test_an_unreachable_redis_silences_the_bell_for_a_while(closed_port: int) -> None:
    bell = Doorbell(f"redis://127.0.0.1:{closed_port}/0")
    await bell.ring("test")
    await bell.close()
    assert bell.silent
    await bell.ring("test")
    assert bell.silent


async def test_a_redis_that_never_answers_costs_the_caller_nothing() -> None:
    server, url = await answer_with(b"")
    bell = Doorbell(url)
    async with server:
        for _ in range(100):
            await bell.ring("test")
        assert bell.ringing, "whoever rings does not wait for the answer"
        await bell.close()
        assert bell.silent
        server.close()


async def test_the_bell_works_again_after_its_silence(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "QUIET_SECONDS", 0.3)
    async with Redis.from_url(redis_url) as admin, listening(redis_url) as ear:
        bell = Doorbell(redis_url)
        await ear.wait_for(1)
        await bell.ring("test")
        await ear.wait_for(2)
        await admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await bell.ring("test")
        await reach(lambda: not bell.ringing)
        await reach(lambda: not bell.silent)
        await bell.ring("test")
        await ear.wait_for(3)
        await bell.close()


async def test_a_listener_comes_back_and_rings_for_what_it_missed(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "LISTEN_SECONDS", 1.0)
    async with Redis.from_url(redis_url) as admin, listening(redis_url) as ear:
        await ear.wait_for(1)
        await admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await ear.wait_for(2)


async def test_no_wake_up_is_lost_between_pairs(redis_url: str) -> None:
    """Two rings a moment apart, then silence: whoever clears, looks, then waits must see both."""
    bell, awake, rung, seen = Doorbell(redis_url), asyncio.Event(), [0], [0]
    listener = asyncio.create_task(listen(redis_url, "test", awake.set))
    await awake.wait()

    async def look() -> None:
        while True:
            await awake.wait()
            awake.clear()
            seen[0] = rung[0]
            await asyncio.sleep(0.0005)

    looker = asyncio.create_task(look())
    for pair in range(300):
        for _ in range(2):
            rung[0] += 1
            await bell.ring("test")
            await asyncio.sleep(0.0002 * (pair % 7))
        await reach(lambda: seen == rung)
    for task in (listener, looker):
        task.cancel()
    await bell.close()
