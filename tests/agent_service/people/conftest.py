from collections.abc import AsyncIterator

import httpx
import pytest

from agent_service.main import create
from core.access import PersonRole
from core.db import Database
from core.settings import Settings
from tests.api import serving
from tests.people import Someone, make_person


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The agent service, nobody logged in."""
    async with serving(create(settings)) as client:
        yield client


@pytest.fixture
async def boss(database: Database, settings: Settings) -> Someone:
    return await make_person(database, settings, PersonRole.ADMIN)


@pytest.fixture
async def ana(database: Database, settings: Settings) -> Someone:
    return await make_person(database, settings, email="ana@example.org")
