from collections.abc import AsyncIterator
from itertools import islice
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
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
OPERATIONS = [f"{operation.method} {operation.template}" for operation in operations(create().openapi())]


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create(settings.model_copy(update={"log_level": "ERROR"}))


@pytest.fixture
async def client(app: FastAPI, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app, await make_key(database, [Scope.INGEST])) as client:
        yield client


async def stored(database: Database) -> set[str]:
    async with database.transaction() as session:
        return {str(row) for row in await session.scalars(text(STORED))}


def answered(answer: httpx.Response) -> set[str]:
    body: Any = answer.json()
    return {row[name] for row in body.get("items", [body]) for name in ("id", "event_id") if name in row}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_no_request_breaks_an_operation(
    app: FastAPI, client: httpx.AsyncClient, database: Database, name: str
) -> None:
    operation = operations(app.openapi())[OPERATIONS.index(name)]
    successes = await withstand(client, operation.attacks())
    accepted = {job for attack, answer in successes if attack.method == "POST" for job in answered(answer)}
    assert await stored(database) == accepted, "a refused request left something behind"


async def test_no_method_breaks_a_path(app: FastAPI, client: httpx.AsyncClient) -> None:
    assert not await withstand(client, wrong_methods(app.openapi()))


async def test_nobody_gets_anywhere(app: FastAPI, database: Database) -> None:
    guarded = [operation for operation in operations(app.openapi()) if operation.details.get("security")]
    async with serving(app) as client:
        for operation in guarded:
            some = islice(operation.attacks(), None, None, 20)
            assert not await withstand(client, some), operation.template
    assert await stored(database) == set()


def test_the_corpus_is_large() -> None:
    sizes = (corpus.TEXTS, corpus.VALUES, corpus.BODIES, corpus.HEADERS, corpus.QUERIES, corpus.METHODS)
    assert sum(map(len, sizes)) >= 120
