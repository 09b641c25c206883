from collections.abc import AsyncIterator

import pytest

from core.db import Database
from ops.embedded import EphemeralServers
from tests.access.world import World, world_of
from tests.api import settings_of

DATABASE = "access_matrix"
RECEIVER = "127.0.0.1:9"  # where nobody listens: what is queued for it stays queued


@pytest.fixture(scope="module")
async def world(servers: EphemeralServers, template: str) -> AsyncIterator[World]:
    """One world for all operations: whatever they do to it, the answers of the others stay the same."""
    servers.postgres.psql(f"CREATE DATABASE {DATABASE} TEMPLATE {template} OWNER cogep")
    settings = settings_of(servers.postgres.url(DATABASE), None).model_copy(
        update={"webhook_allowed_hosts": frozenset({RECEIVER})}
    )
    database = Database(servers.postgres.url(DATABASE))
    async with world_of(database, settings) as made:
        yield made
    await database.dispose()
