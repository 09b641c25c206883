import pytest

from core.db import Database, driver_connection
from tests.core.retrieval.library import Library


@pytest.fixture
async def library(database: Database) -> Library:
    async with database.transaction() as session:
        namespace_id = await (await driver_connection(session)).fetchval(
            "INSERT INTO ai.namespaces (name) VALUES ('default') RETURNING id"
        )
    return Library(database, namespace_id)
