from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from core.apikeys import Scope
from core.db import Database
from core.settings import Settings
from ingestion_service.main import create
from tests.api import make_key, serving


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create(settings)


@pytest.fixture
async def client(app: FastAPI, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Holds a key with the scope `ingest` only, as a service does."""
    async with serving(app, await make_key(database, [Scope.INGEST])) as client:
        yield client
