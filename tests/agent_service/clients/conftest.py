from collections.abc import AsyncIterator

import httpx
import pytest

from agent_service.main import create
from core.db import Database
from core.settings import Settings
from tests.api import make_key, serving


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create(settings), await make_key(database)) as client:
        yield client
