"""Postgres really stops and starts again under a running service."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from pydantic import SecretStr

from core.apikeys import Scope
from core.db import Database
from core.migrations import upgrade
from core.settings import Environment, Settings
from ingestion_service.main import create
from ops.embedded import EphemeralServers, ephemeral_servers
from tests.api import make_key, serving
from tests.hostile.attacks import operations

OPEN = {"/health", "/metrics", "/problems"}


@pytest.fixture(scope="module")
def own_servers() -> Iterator[EphemeralServers]:
    """Servers of our own: those of the other tests are not to be stopped."""
    with ephemeral_servers() as running:
        running.postgres.create_database("outage")
        upgrade(running.postgres.url("outage"))
        yield running


HANDSHAKE = "/webhooks/whatsapp/conta?hub.mode=subscribe&hub.verify_token=abc&hub.challenge=1"


@pytest.fixture
def settings(own_servers: EphemeralServers) -> Settings:
    return Settings(
        _env_file=None,
        env=Environment.TEST,
        DATABASE_URL=SecretStr(own_servers.postgres.url("outage")),  # type: ignore[call-arg]
    )


async def test_503_on_every_route_while_postgres_is_down_and_back_by_itself(
    settings: Settings, own_servers: EphemeralServers
) -> None:
    app, postgres = create(settings), own_servers.postgres
    database = Database(settings.database_url.get_secret_value())
    key = await make_key(database, [Scope.INGEST])
    await database.dispose()
    async with serving(app, key) as client:
        job = (await client.post("/ingest", json={"text": "before"})).json()["id"]
        await asyncio.to_thread(postgres.stop)
        for operation in operations(app.openapi()):
            if operation.template not in OPEN and not operation.template.startswith("/webhooks/"):
                await assert_unavailable(
                    client, operation.method, operation.template.replace("{job_id}", job)
                )
        await assert_unavailable(client, "GET", HANDSHAKE)
        assert (await client.get("/health")).status_code == 200
        await asyncio.to_thread(postgres.start)
        assert (await client.get("/ready")).json()["status"] == "ready"
        assert (await client.get(f"/ingest/{job}")).json()["id"] == job
        assert (await client.post("/ingest", json={"text": "after"})).status_code == 202


async def test_started_while_postgres_is_down_it_recovers(
    settings: Settings, own_servers: EphemeralServers
) -> None:
    postgres = own_servers.postgres
    database = Database(settings.database_url.get_secret_value())
    key = await make_key(database, [Scope.INGEST])
    await database.dispose()
    await asyncio.to_thread(postgres.stop)
    try:
        async with serving(create(settings), key) as client:
            await assert_unavailable(client, "GET", "/ingest")
            await asyncio.to_thread(postgres.start)
            assert (await client.get("/ingest")).status_code == 200
    finally:
        await asyncio.to_thread(postgres.start)


async def test_a_follower_waits_an_outage_out(settings: Settings, own_servers: EphemeralServers) -> None:
    postgres = own_servers.postgres
    database = Database(settings.database_url.get_secret_value())
    key = await make_key(database, [Scope.INGEST])
    await database.dispose()
    async with serving(create(settings), key) as client:
        job = (await client.post("/ingest", json={"text": "followed"})).json()["id"]
        following = asyncio.create_task(client.get(f"/ingest/{job}/events"))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(postgres.stop)
        await asyncio.sleep(1.5)
        await asyncio.to_thread(postgres.start)
        await client.post(f"/ingest/{job}/cancel")
        answer = await following
    assert answer.text.count("event: ") == 2
    assert "event: failed" in answer.text


async def assert_unavailable(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "2"), f"{method} {path}"
    if path != "/ready":
        assert answer.json()["code"] == "unavailable"
