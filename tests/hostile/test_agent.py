from collections.abc import AsyncIterator
from itertools import islice

import httpx
import pytest

from agent_service.main import create
from core.apikeys import Scope
from core.db import Database
from core.settings import Settings
from tests.api import make_key, serving
from tests.hostile.attacks import operations, wrong_methods
from tests.hostile.withstand import withstand

OPERATIONS = {str(operation): operation for operation in operations(create().openapi())}
GUARDED = [name for name, operation in OPERATIONS.items() if operation.details.get("security")]


@pytest.fixture(scope="module")
async def client(battered_settings: Settings, battered: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create(battered_settings), await make_key(battered, [Scope.ADMIN])) as client:
        yield client


@pytest.fixture(scope="module")
async def nobody(battered_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create(battered_settings)) as client:
        yield client


@pytest.mark.parametrize("name", OPERATIONS)
async def test_no_request_breaks_an_operation(client: httpx.AsyncClient, name: str) -> None:
    await withstand(client, OPERATIONS[name].attacks())


async def test_no_method_breaks_a_path(client: httpx.AsyncClient) -> None:
    assert not await withstand(client, wrong_methods(create().openapi()))


@pytest.mark.parametrize("name", GUARDED)
async def test_nobody_gets_anywhere(nobody: httpx.AsyncClient, name: str) -> None:
    some = islice(OPERATIONS[name].attacks(), None, None, 5)
    assert not await withstand(nobody, some)
