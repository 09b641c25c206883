from collections.abc import AsyncIterator

import pytest

from core.db import Database
from core.settings import Settings
from ops.embedded import EphemeralServers
from tests.api import settings_of


@pytest.fixture(scope="module")
def battered_url(servers: EphemeralServers, template: str, request: pytest.FixtureRequest) -> str:
    """One database for all attacks of a module: whatever they leave behind, the next are withstood, too."""
    name = request.module.__name__.rpartition(".")[2]
    servers.postgres.psql(f"CREATE DATABASE hostile_{name} TEMPLATE {template} OWNER cogep")
    return servers.postgres.url(f"hostile_{name}")


@pytest.fixture(scope="module")
async def battered(battered_url: str) -> AsyncIterator[Database]:
    database = Database(battered_url)
    yield database
    await database.dispose()


@pytest.fixture(scope="module")
def battered_settings(servers: EphemeralServers, battered_url: str) -> Settings:
    """Limits of rates would hide how an attack is withstood."""
    redis_url = servers.redis.url() if servers.redis else None
    unlimited = {"rate_limit": 10**9, "rate_limit_submit": 10**9, "rate_limit_address": 10**9}
    return settings_of(battered_url, redis_url).model_copy(update={"log_level": "ERROR", **unlimited})
