import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from core.access import Permission
from core.db import Database
from core.settings import Settings
from core.web import rates
from core.web.app import create_app
from core.web.auth import anyone, requires
from core.web.rates import Rates, neighbourhood
from core.web.requests import router
from ops.embedded.redis import free_port
from tests.api import make_key, serving

probe = router(prefix="/rates")
READS = requires(Permission.KNOWLEDGE_READ)


@probe.get("/one", summary="s", dependencies=[READS])
@probe.get("/two", summary="s", dependencies=[READS])
async def one() -> int:
    return 1


@probe.get("/submitted", summary="s", dependencies=[requires(Permission.DOCUMENTS_SUBMIT)])
async def submitted() -> int:
    return 1


@probe.get("/open", summary="s", dependencies=[anyone("a probe")])
async def unguarded() -> int:
    return 1


@pytest.fixture(autouse=True)
def minute(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which stands still unless a test changes it."""
    now = [1_000_000_040.0]
    monkeypatch.setattr(
        rates, "time", type("Clock", (), {"time": lambda: now[0], "monotonic": time.monotonic})
    )
    return now


def limited(settings: Settings, **changes: object) -> FastAPI:
    limits = {"rate_limit": 3, "rate_limit_submit": 5, "rate_limit_address": 2, "redis_url": None}
    return create_app("probe", [probe], settings=settings.model_copy(update={**limits, **changes}))


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(limited(settings), await make_key(database)) as client:
        yield client


async def test_too_many_calls_are_told_when_to_come_back(
    client: httpx.AsyncClient, minute: list[float]
) -> None:
    answers = [await client.get("/rates/one") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"minute";q=3;w=60'
    assert answers[0].headers["ratelimit"] == '"minute";r=2;t=40'
    refused = answers[3]
    assert (refused.json()["code"], refused.headers["retry-after"]) == ("rate_limited", "40")
    assert refused.headers["ratelimit"] == '"minute";r=0;t=40'
    minute[0] += 40
    assert (await client.get("/rates/one")).status_code == 200


async def test_each_principal_and_each_route_has_its_own_count(
    settings: Settings, database: Database
) -> None:
    app = limited(settings)
    async with serving(app, await make_key(database)) as client:
        for path in ("/rates/one", "/api/v1/rates/one", "/rates/one", "/rates/two"):
            assert (await client.get(path)).status_code == 200
        assert (await client.get("/rates/one")).status_code == 429
        other = {"Authorization": f"Bearer {(await make_key(database)).plaintext}"}
        assert (await client.get("/rates/one", headers=other)).status_code == 200


async def test_doors_for_documents_take_more_and_strangers_less(client: httpx.AsyncClient) -> None:
    for path, allowed in (("/rates/submitted", 5), ("/rates/open", 2)):
        statuses = [(await client.get(path)).status_code for _ in range(allowed + 1)]
        assert statuses == [200] * allowed + [429]


def test_neighbours_of_one_ipv6_subscriber_are_one() -> None:
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:2") == "2001:db8::/64"
    assert neighbourhood("2001:db8:0:1::1") != neighbourhood("2001:db8::1")
    assert neighbourhood("192.0.2.1") != neighbourhood("192.0.2.2")
    assert neighbourhood("testclient") == "testclient"


async def test_processes_know_of_each_other_by_redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "SHARE_SECONDS", 0.0)
    one, two = Rates(redis_url), Rates(redis_url)
    for _ in range(5):
        one.count("1", redis_url, 10)
    await _shared(one)
    two.count("1", redis_url, 10)
    await _shared(two)
    assert two.count("1", redis_url, 10).made == 7
    await one.close()
    await two.close()


async def test_without_redis_each_counts_for_itself_and_nobody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rates, "SHARE_SECONDS", 0.0)
    alone = Rates(f"redis://127.0.0.1:{free_port()}")
    for made in range(1, 4):
        assert alone.count("1", "r", 2).made == made
    await _shared(alone)
    assert alone.count("1", "r", 2).exceeded
    await alone.close()


async def _shared(counted: Rates) -> None:
    sharing = counted._sharing
    assert sharing is not None
    await asyncio.wait_for(sharing, 30)
