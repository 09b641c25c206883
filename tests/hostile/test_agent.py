from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from agent_service.main import create
from core.apikeys import Scope
from core.db import Database
from core.settings import Settings
from tests.api import make_key, serving
from tests.hostile.attacks import operations, wrong_methods
from tests.hostile.withstand import withstand

OPERATIONS = [f"{operation.method} {operation.template}" for operation in operations(create().openapi())]


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create(settings.model_copy(update={"log_level": "ERROR"}))


@pytest.fixture
async def client(app: FastAPI, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app, await make_key(database, [Scope.ADMIN])) as client:
        yield client


@pytest.mark.parametrize("name", OPERATIONS)
async def test_no_request_breaks_an_operation(app: FastAPI, client: httpx.AsyncClient, name: str) -> None:
    operation = operations(app.openapi())[OPERATIONS.index(name)]
    await withstand(client, operation.attacks())


async def test_no_method_breaks_a_path(app: FastAPI, client: httpx.AsyncClient) -> None:
    assert not await withstand(client, wrong_methods(app.openapi()))


async def test_nobody_gets_anywhere(app: FastAPI) -> None:
    guarded = [operation for operation in operations(app.openapi()) if operation.details.get("security")]
    async with serving(app) as client:
        for operation in guarded:
            assert not await withstand(client, operation.attacks()), operation.template
