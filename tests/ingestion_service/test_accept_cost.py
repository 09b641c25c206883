from collections.abc import AsyncIterator

import httpx
import pytest

from core.db import Database
from core.settings import Settings
from ingestion_service.documents.queries import INSERT_JOBS
from ingestion_service.main import create
from tests.api import make_key, serving


@pytest.fixture
async def heard(
    statements: list[str], settings: Settings, database: Database
) -> AsyncIterator[tuple[httpx.AsyncClient, list[str]]]:
    async with serving(create(settings), await make_key(database)) as client:
        await client.post("/ingest", json={"text": "the first request also notes that the key is used"})
        statements.clear()
        yield client, statements


async def test_a_new_document_costs_two_round_trips(heard: tuple[httpx.AsyncClient, list[str]]) -> None:
    client, sent = heard
    answer = await client.post("/ingest", json={"text": "novo"}, headers={"Idempotency-Key": "a"})
    assert answer.status_code == 202
    assert len(sent) == 2, sent


async def test_so_does_a_batch(heard: tuple[httpx.AsyncClient, list[str]]) -> None:
    client, sent = heard
    items = [{"text": f"texto {number}"} for number in range(100)]
    answer = await client.post("/ingest/batch", json={"items": items})
    assert len(answer.json()["items"]) == 100
    assert len(sent) == 2, sent


async def test_the_plan_of_an_empty_queue_serves_a_full_one(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE taking_in AS {INSERT_JOBS}")
        arguments = ", ".join(["1", "1", *["NULL"] * 16])
        plan = await connection.fetch(f"EXPLAIN EXECUTE taking_in ({arguments})")
    assert not [line for (line,) in plan if "Seq Scan" in line]
