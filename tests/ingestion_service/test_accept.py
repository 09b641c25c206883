import asyncio
import hashlib
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

from core.apikeys import Scope
from core.db import Database
from core.settings import Settings
from ingestion_service.documents.submission import text_source
from ingestion_service.main import create
from tests.api import make_key, serving


async def count(database: Database, table: str) -> int:
    async with database.transaction() as session:
        return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def accepted(client: httpx.AsyncClient, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = await client.post("/ingest", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def test_a_text_becomes_a_pending_job_with_its_blob(
    client: httpx.AsyncClient, database: Database
) -> None:
    body = {"text": "Olá", "title": "Saudação", "metadata": {"setor": "RH"}, "priority": 7}
    answer = await client.post("/ingest", json=body)
    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/ingest/{job['id']}"
    assert UUID(job["id"]).version == 7
    digest = hashlib.sha256("Olá".encode())
    assert job["source"] == f"text:{digest.hexdigest()[:32]}"
    assert (job["kind"], job["status"], job["priority"]) == ("document.text", "PENDING", 7)
    assert (job["error"], job["document_id"], job["outcome"], job["namespace"]) == (
        None,
        None,
        None,
        "default",
    )
    async with database.transaction() as session:
        row = (
            await session.execute(
                text(
                    "SELECT p.*, q.ready, q.scheduled, b.data FROM ai.ingestion_payload p"
                    " JOIN ai.ingestion_queue q USING (id) JOIN ai.blobs b ON b.sha256 = p.blob_sha256"
                )
            )
        ).one()
    assert (row.data, row.ready, row.scheduled) == ("Olá".encode(), True, False)
    assert (row.metadata, row.title, row.media_type) == ({"setor": "RH"}, "Saudação", "text/plain")
    assert row.blob_sha256 == digest.digest()
    assert (await client.get(answer.headers["location"])).json() == job


async def test_an_address_is_stored_without_its_fragment(client: httpx.AsyncClient) -> None:
    job = await accepted(client, {"source_uri": "https://example.com/a?b=c#d"})
    assert (job["kind"], job["source"]) == ("document.url", "https://example.com/a?b=c")


async def test_a_later_moment_schedules(client: httpx.AsyncClient, database: Database) -> None:
    await accepted(client, {"text": "a", "run_at": "2099-01-01T00:00:00-03:00"})
    async with database.transaction() as session:
        row = (await session.execute(text("SELECT ready, scheduled FROM ai.ingestion_queue"))).one()
    assert (row.ready, row.scheduled) == (False, True)


async def test_the_same_key_and_body_answer_with_the_first_job(
    client: httpx.AsyncClient, database: Database
) -> None:
    first = await client.post("/ingest", json={"text": "a"}, headers={"Idempotency-Key": "k1"})
    assert "idempotency-replayed" not in first.headers
    for body, headers in (
        ({"text": "a"}, {"Idempotency-Key": "k1"}),
        ({"text": "a", "idempotency_key": "k1"}, {}),
        ({"text": "a", "idempotency_key": "k1"}, {"Idempotency-Key": "k1"}),
    ):
        again = await client.post("/ingest", json=body, headers=headers)
        assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
        assert again.json()["id"] == first.json()["id"]
    assert await count(database, "ai.ingestion_queue") == 1


async def test_the_same_key_with_another_body_is_refused(client: httpx.AsyncClient) -> None:
    await accepted(client, {"text": "a"}, **{"Idempotency-Key": "k1"})
    for body in ({"text": "b"}, {"text": "a", "priority": 1}, {"text": "a", "namespace": "other"}):
        answer = await client.post("/ingest", json=body, headers={"Idempotency-Key": "k1"})
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_key_belongs_to_its_principal(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    mine = await accepted(client, {"text": "a", "idempotency_key": "k1"})
    async with serving(app, await make_key(database, [Scope.INGEST])) as other:
        theirs = await accepted(other, {"text": "b", "idempotency_key": "k1"})
    assert mine["id"] != theirs["id"]


async def test_two_different_keys_are_refused(client: httpx.AsyncClient) -> None:
    body = {"text": "a", "idempotency_key": "k1"}
    answer = await client.post("/ingest", json=body, headers={"Idempotency-Key": "k2"})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_conflict")


async def test_the_same_content_answers_with_the_unfinished_job(client: httpx.AsyncClient) -> None:
    first = await accepted(client, {"text": "a", "source": "s"})
    assert (await accepted(client, {"text": "a", "source": "s"}))["id"] == first["id"]
    others = [
        {"text": "b", "source": "s"},
        {"text": "a", "source": "t"},
        {"text": "a", "source": "s", "title": "T"},
        {"text": "a", "source": "s", "namespace": "n"},
    ]
    ids = {(await accepted(client, body))["id"] for body in others}
    assert len(ids | {first["id"]}) == 5
    await client.post(f"/ingest/{first['id']}/cancel")
    assert (await accepted(client, {"text": "a", "source": "s"}))["id"] != first["id"]


async def test_many_at_once_make_one_job(client: httpx.AsyncClient, database: Database) -> None:
    jobs = await asyncio.gather(*(accepted(client, {"text": "race"}) for _ in range(12)))
    keyed = await asyncio.gather(
        *(accepted(client, {"text": "keyed"}, **{"Idempotency-Key": "k"}) for _ in range(12))
    )
    assert len({job["id"] for job in jobs}) == 1
    assert len({job["id"] for job in keyed}) == 1
    for table in ("ai.ingestion_queue", "ai.ingestion_payload", "ai.blobs"):
        assert await count(database, table) == 2


async def test_a_batch_is_taken_in_order(client: httpx.AsyncClient, database: Database) -> None:
    items = [{"text": f"text {number}"} for number in range(998)]
    items += [{"source_uri": "https://example.com/"}, {"text": "text 0"}]
    answer = await client.post("/ingest/batch", json={"items": items})
    assert answer.status_code == 202
    jobs = answer.json()["items"]
    assert len(jobs) == 1000
    assert jobs[0]["id"] == jobs[-1]["id"]
    assert jobs[998]["source"] == "https://example.com/"
    assert [job["source"] for job in jobs[:998]] == [text_source(f"text {number}") for number in range(998)]
    newest = (await client.get("/ingest", params={"limit": 100})).json()["items"]
    assert [job["id"] for job in newest] == [job["id"] for job in jobs[-2:-102:-1]]
    assert await count(database, "ai.ingestion_queue") == 999


async def test_a_batch_is_refused_whole_and_pointed_into(
    client: httpx.AsyncClient, database: Database
) -> None:
    items: list[dict[str, Any]] = [{"text": "a"}, {"text": ""}, {"source_uri": "ftp://x/"}, {"wrong": 1}]
    answer = await client.post("/ingest/batch", json={"items": items})
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert answer.status_code == 422
    assert "/items/1/text" in pointers
    assert "/items/3/wrong" in pointers
    private = await client.post(
        "/ingest/batch", json={"items": [{"text": "a"}, {"source_uri": "http://10.1.2.3/"}]}
    )
    assert private.json()["errors"][0]["pointer"] == "/items/1/source_uri"
    assert (await client.post("/ingest/batch", json={"items": []})).status_code == 422
    assert (await client.post("/ingest/batch", json={"items": [{"text": "a"}] * 1001})).status_code == 422
    assert await count(database, "ai.ingestion_payload") == 0


async def test_a_batch_is_repeated_by_its_key(client: httpx.AsyncClient) -> None:
    body = {"items": [{"text": "a"}, {"text": "b", "idempotency_key": "own"}]}
    first = await client.post("/ingest/batch", json=body, headers={"Idempotency-Key": "batch"})
    again = await client.post("/ingest/batch", json=body, headers={"Idempotency-Key": "batch"})
    assert again.headers["idempotency-replayed"] == "true"
    assert [job["id"] for job in again.json()["items"]] == [job["id"] for job in first.json()["items"]]
    own = await accepted(client, {"text": "b", "idempotency_key": "own"})
    assert own["id"] == first.json()["items"][1]["id"]


async def test_a_key_twice_in_a_batch_means_the_same_request(client: httpx.AsyncClient) -> None:
    same = {"text": "a", "idempotency_key": "k"}
    answer = await client.post("/ingest/batch", json={"items": [same, same]})
    assert len({job["id"] for job in answer.json()["items"]}) == 1
    other = await client.post("/ingest/batch", json={"items": [same, {**same, "text": "b"}]})
    assert other.json()["code"] == "idempotency_key_reused"


async def test_the_examples_of_the_document_work_when_pasted(app: FastAPI, client: httpx.AsyncClient) -> None:
    schemas = app.openapi()["components"]["schemas"]
    await accepted(client, schemas["DocumentIn"]["examples"][0])
    batch = await client.post("/ingest/batch", json=schemas["BatchIn"]["examples"][0])
    assert batch.status_code == 202


async def test_redis_away_costs_nothing(settings: Settings, database: Database) -> None:
    away = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    async with serving(create(away), await make_key(database)) as client:
        for number in range(20):
            await accepted(client, {"text": f"text {number}"})
        ready = (await client.get("/ready")).json()
    assert ready == {"status": "ready", "database": "ok", "redis": "unreachable"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "a", "source_uri": "https://example.com/"},
        {"source_uri": "https://example.com/", "source": "s"},
        {"text": " \u200b "},
        {"text": "a\x00b"},
        {"text": "a" * 900_001},
        {"text": "a", "namespace": "No Spaces"},
        {"text": "a", "namespace": ""},
        {"text": "a", "title": "a\nb"},
        {"text": "a", "title": "a" * 301},
        {"text": "a", "priority": -1},
        {"text": "a", "priority": 32768},
        {"text": "a", "priority": 1.5},
        {"text": "a", "priority": "5"},
        {"text": "a", "priority": True},
        {"text": "a", "run_at": "2099-01-01T00:00:00"},
        {"text": "a", "run_at": 4102444800},
        {"text": "a", "run_at": "0001-01-01T00:00:00Z"},
        {"text": "a", "metadata": []},
        {"text": "a", "metadata": {"n": 2**63}},
        {"text": "a", "idempotency_key": "a b"},
        {"text": "a", "idempotency_key": ""},
        {"text": "a", "id": 1},
        {"text": "a", "status": "COMPLETED"},
        {"text": "a", "principal_id": 1},
    ],
)
async def test_what_does_not_follow_the_schema_is_refused(
    client: httpx.AsyncClient, database: Database, body: dict[str, Any]
) -> None:
    answer = await client.post("/ingest", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert await count(database, "ai.ingestion_payload") == 0
