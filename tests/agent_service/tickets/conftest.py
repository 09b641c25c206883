from collections.abc import AsyncIterator

import httpx
import pytest

from agent_service.main import create
from core.db import Database
from core.settings import Settings
from core.vault import Vault
from tests.agent_service.tickets.desk import Desk
from tests.agent_service.tickets.staff import Staff
from tests.api import make_key, serving


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create(settings), await make_key(database)) as client:
        yield client


@pytest.fixture
def staff(database: Database) -> Staff:
    return Staff(database)


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return Vault.of(settings)


@pytest.fixture
def desk(database: Database, vault: Vault) -> Desk:
    return Desk(database, vault)
