from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import make_url, text

from core.db import Database
from core.migrations import RoleTooPowerful, SchemaOutdated
from core.settings import Environment, Settings
from core.web.app import create_app
from ops.embedded import EphemeralServers
from tests.api import make_key, serving
from tests.core.web.conftest import probe

NOWHERE = "postgresql://cogep@127.0.0.1:1/none"


async def outdate(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE public.alembic_version SET version_num = '0001'"))


async def test_an_older_schema_refuses_to_start_and_says_the_command(
    app: FastAPI, database: Database
) -> None:
    await outdate(database)
    with pytest.raises(SchemaOutdated, match="run `cogep migrate`"):
        async with serving(app):
            pass


async def test_a_schema_that_ages_while_we_run_is_not_ready(app: FastAPI, database: Database) -> None:
    async with serving(app) as client:
        await outdate(database)
        answer = await client.get("/ready")
    assert (answer.status_code, answer.json()["database"]) == (503, "outdated")


async def test_without_a_database_it_starts_and_says_so() -> None:
    away = Settings(_env_file=None, env=Environment.TEST, DATABASE_URL=NOWHERE)  # type: ignore[call-arg]
    async with serving(create_app("away", [probe], settings=away)) as client:
        assert (await client.get("/health")).status_code == 200
        ready = await client.get("/ready")
        assert (ready.status_code, bool(ready.headers["retry-after"])) == (503, True)
        assert ready.json() == {
            "status": "not_ready",
            "database": "unreachable",
            "redis": "not_configured",
        }
        refused = await client.get("/probe/whoami", headers={"X-API-Key": "anything"})
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")


async def test_resources_live_inside_the_database(settings: Settings, database: Database) -> None:
    seen: list[object] = []

    @asynccontextmanager
    async def resources(app: FastAPI) -> AsyncIterator[None]:
        seen.append(app.state.runtime.database)
        yield
        seen.append("closed")

    app = create_app("resources", [probe], settings=settings, resources=resources)
    async with serving(app, await make_key(database)) as client:
        assert (await client.get("/probe/whoami")).status_code == 200
        assert len(seen) == 1
    assert seen[1:] == ["closed"]


async def test_production_refuses_a_superuser(
    settings: Settings, servers: EphemeralServers, database_url: str
) -> None:
    name = make_url(database_url).database
    assert name is not None
    powerful = {"database_url": SecretStr(servers.postgres.url(name, superuser=True))}
    async with serving(create_app("dev", [probe], settings=settings.model_copy(update=powerful))) as client:
        assert (await client.get("/ready")).status_code == 200
    prod = settings.model_copy(update={**powerful, "env": Environment.PROD})
    with pytest.raises(RoleTooPowerful, match="superuser"):
        async with serving(create_app("prod", [probe], settings=prod)):
            pass
    plain = settings.model_copy(update={"env": Environment.PROD})
    async with serving(create_app("prod", [probe], settings=plain)) as client:
        assert (await client.get("/ready")).status_code == 200
