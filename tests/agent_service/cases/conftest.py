from collections.abc import AsyncIterator

import httpx
import pytest

from agent_service.main import create
from core.db import Database
from core.settings import Settings
from core.vault import Vault
from tests.agent_service.cases.desk import Desk
from tests.api import serving
from tests.core.cases.office import Office


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create(settings)) as client:
        yield client


@pytest.fixture
def desk(client: httpx.AsyncClient, database: Database, settings: Settings) -> Desk:
    return Desk(client, database, settings)


@pytest.fixture
def office(database: Database, settings: Settings) -> Office:
    return Office(database, Vault.of(settings))
