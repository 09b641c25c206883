import asyncio

import httpx
import pytest

from core.db import Database
from core.web.idempotency import leases
from tests.core.web.idempotency.conftest import Count

KEY = {"Idempotency-Key": "order-1"}


async def test_the_same_request_again_has_one_effect(client: httpx.AsyncClient, effects: Count) -> None:
    first, second = [await client.post("/probe/slow", json={}, headers=KEY) for _ in range(2)]
    assert (second.content, second.headers["idempotency-replayed"]) == (first.content, "true")
    other = await client.post("/probe/slow", json={"what": "other"}, headers=KEY)
    assert other.json()["code"] == "idempotency_key_reused"
    assert await effects() == 1


async def test_twenty_at_once_have_one_effect(client: httpx.AsyncClient, effects: Count) -> None:
    answers = await asyncio.gather(*(client.post("/probe/slow", json={}, headers=KEY) for _ in range(20)))
    assert await effects() == 1
    assert len({answer.content for answer in answers if answer.is_success}) == 1
    assert {answer.status_code for answer in answers} <= {200, 409}


async def test_who_is_not_first_is_told_to_wait_for_the_lease(
    client: httpx.AsyncClient, database: Database
) -> None:
    await client.post("/probe/slow", json={}, headers=KEY)
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE ops.idempotency_keys SET answer = NULL, holder = gen_random_uuid(),"
            " leased_until = now() + interval '20 seconds'"
        )
    answer = await client.post("/probe/slow", json={}, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_flight")
    assert 10 < int(answer.headers["retry-after"]) <= 20


@pytest.mark.parametrize("then", ["unavailable", "bug"])
async def test_a_failure_lets_the_next_one_try(client: httpx.AsyncClient, effects: Count, then: str) -> None:
    assert (await client.post("/probe/slow", json={"then": then}, headers=KEY)).is_server_error
    assert (await client.post("/probe/slow", json={}, headers=KEY)).is_success
    assert await effects() == 2


async def test_a_lease_is_renewed_while_its_holder_works(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.3)
    async with database.connection() as blocker, blocker.transaction():
        await blocker.execute("LOCK public.effects IN EXCLUSIVE MODE")
        first = asyncio.create_task(client.post("/probe/slow", json={}, headers=KEY))
        await asyncio.sleep(1)
        second = await client.post("/probe/slow", json={}, headers=KEY)
    assert second.status_code == 409
    assert (await first).is_success


async def test_a_stream_is_heard_again(client: httpx.AsyncClient, effects: Count) -> None:
    first, second = [await client.post("/probe/stream", json={}, headers=KEY) for _ in range(2)]
    assert second.text == first.text
    assert second.text.count("data:") == 2
    assert second.headers["content-type"] == first.headers["content-type"]
    assert await effects() == 1


async def test_a_stream_that_broke_off_is_not_kept(client: httpx.AsyncClient, effects: Count) -> None:
    with pytest.raises(AssertionError):  # how the test's transport says that the answer was cut short
        await client.post("/probe/stream", json={"then": "break"}, headers=KEY)
    assert (await client.post("/probe/stream", json={}, headers=KEY)).is_success
    assert await effects() == 2
