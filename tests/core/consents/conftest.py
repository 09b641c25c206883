from collections.abc import AsyncIterator

import pytest

from core.consents import SERVICE_DESK, NoticeVersion, current_notice
from core.db import Connection, Database
from tests.core.consents.people import People


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


@pytest.fixture
async def notice(database: Database) -> NoticeVersion:
    async with database.connection() as connection:
        found = await current_notice(connection, SERVICE_DESK)
    assert found is not None
    return found


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    async with database.connection() as connection:
        yield connection
