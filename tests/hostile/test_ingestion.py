from collections.abc import AsyncIterator
from itertools import islice
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core.apikeys import Scope
from core.db import Database
from core.settings import Settings
from ingestion_service.main import create
from tests.api import make_key, serving
from tests.hostile import corpus
from tests.hostile.attacks import operations, wrong_methods
from tests.hostile.withstand import withstand

STORED = "SELECT public_id FROM ai.ingestion_payload UNION ALL SELECT public_id FROM crm.ingest_events"
OPERATIONS = {str(operation): operation for operation in operations(create().openapi())}
GUARDED = [name for name, operation in OPERATIONS.items() if operation.details.get("security")]


@pytest.fixture(scope="module")
async def client(battered_settings: Settings, battered: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create(battered_settings), await make_key(battered, [Scope.INGEST])) as client:
        yield client


@pytest.fixture(scope="module")
async def nobody(battered_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create(battered_settings)) as client:
        yield client


async def stored(database: Database) -> set[str]:
    async with database.transaction() as session:
        return {str(row) for row in await session.scalars(text(STORED))}


def answered(answer: httpx.Response) -> set[str]:
    body: Any = answer.json()
    return {row[name] for row in body.get("items", [body]) for name in ("id", "event_id") if name in row}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_no_request_breaks_an_operation(
    client: httpx.AsyncClient, battered: Database, name: str
) -> None:
    before = await stored(battered)
    successes = await withstand(client, OPERATIONS[name].attacks())
    accepted = {job for attack, answer in successes if attack.method == "POST" for job in answered(answer)}
    assert await stored(battered) - before == accepted - before, "a refused request left something behind"


async def test_no_method_breaks_a_path(client: httpx.AsyncClient) -> None:
    assert not await withstand(client, wrong_methods(create().openapi()))


@pytest.mark.parametrize("name", GUARDED)
async def test_nobody_gets_anywhere(nobody: httpx.AsyncClient, battered: Database, name: str) -> None:
    before = await stored(battered)
    some = islice(OPERATIONS[name].attacks(), None, None, 5)
    assert not await withstand(nobody, some)
    assert await stored(battered) == before


def test_the_corpus_is_large() -> None:
    sizes = (corpus.TEXTS, corpus.VALUES, corpus.BODIES, corpus.HEADERS, corpus.QUERIES, corpus.METHODS)
    assert sum(map(len, sizes)) >= 120
