import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqlalchemy import text

from core.apikeys import Scope
from core.db import Database
from core.web import sse
from core.web.auth import Requires
from tests.api import make_key, serving

OPEN = {"/health", "/ready", "/metrics", "/problems"}


async def submit(client: httpx.AsyncClient, words: str = "a", **more: Any) -> str:
    answer = await client.post("/ingest", json={"text": words, **more})
    return str(answer.json()["id"])


async def change(database: Database, job: str, assignments: str) -> None:
    async with database.transaction() as session:
        await session.execute(
            text(
                f"UPDATE ai.ingestion_queue SET {assignments}"
                " WHERE id = (SELECT id FROM ai.ingestion_payload WHERE public_id = :job)"
            ),
            {"job": job},
        )


async def test_a_job_is_its_owners(app: FastAPI, client: httpx.AsyncClient, database: Database) -> None:
    job = await submit(client)
    async with serving(app, await make_key(database, [Scope.INGEST])) as other:
        for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("POST", "/retry")):
            answer = await other.request(method, f"/ingest/{job}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert (await other.get("/ingest")).json()["items"] == []
        assert (await other.get("/ingest/stats")).json()["counts"]["PENDING"] == 0
    async with serving(app, await make_key(database, [Scope.ADMIN])) as admin:
        assert (await admin.get(f"/ingest/{job}")).json()["id"] == job
        assert len((await admin.get("/ingest")).json()["items"]) == 1
        assert (await admin.get("/ingest/stats")).json()["counts"]["PENDING"] == 1


async def test_pages_hold_every_job_once_newest_first(client: httpx.AsyncClient) -> None:
    jobs = [await submit(client, f"text {number}") for number in range(7)]
    seen: list[str] = []
    cursor = None
    while True:
        parameters = {"limit": 3} if cursor is None else {"limit": 3, "cursor": cursor}
        page = (await client.get("/ingest", params=parameters)).json()
        seen += [job["id"] for job in page["items"]]
        if len(seen) == 3:
            await submit(client, "one more, meanwhile")
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == jobs[::-1]


async def test_filters(client: httpx.AsyncClient) -> None:
    await submit(client, "a", namespace="one", source="s")
    await submit(client, "b", namespace="two")
    await client.post("/ingest", json={"source_uri": "https://example.com/"})
    for query, found in (
        ("namespace=one", 1),
        ("kind=document.url", 1),
        ("kind=document.text", 2),
        ("source=s", 1),
        ("status=PENDING", 3),
        ("status=FAILED", 0),
        ("namespace=one&kind=document.url", 0),
    ):
        assert len((await client.get(f"/ingest?{query}")).json()["items"]) == found, query


@pytest.mark.parametrize(
    "query",
    [
        "cursor=nonsense",
        "cursor=",
        "cursor=" + "A" * 513,
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=100000000000000000000",
        "status=pending",
        "kind=x",
        "namespace=A",
        "source=",
        "offset=1",
        "limit=1&limit=2",
    ],
)
async def test_a_bad_query_is_refused(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/ingest?{query}")
    assert answer.status_code == 422
    assert answer.json()["code"] in {"bad_cursor", "validation_failed"}


@pytest.mark.parametrize("job", ["1", "x", "%20", "00000000-0000-0000-0000-00000000000g", "9" * 400])
async def test_an_id_that_is_none_is_refused(client: httpx.AsyncClient, job: str) -> None:
    assert (await client.get(f"/ingest/{job}")).status_code == 422


async def test_an_unknown_id_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/ingest/{uuid4()}")).status_code == 404


async def test_cancelling_a_waiting_job_fails_it(client: httpx.AsyncClient) -> None:
    job = await submit(client)
    cancelled = (await client.post(f"/ingest/{job}/cancel")).json()
    assert (cancelled["status"], cancelled["error"]["code"]) == ("FAILED", "cancelled")
    again = await client.post(f"/ingest/{job}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "job_already_finished")
    assert (await client.get("/ingest/stats")).json()["failures"] == {"cancelled": 1}


async def test_cancelling_a_running_job_asks_it_to_stop(
    client: httpx.AsyncClient, database: Database
) -> None:
    job = await submit(client)
    await change(database, job, "status = 'PROCESSING', ready = false, lease_id = 1")
    answer = await client.post(f"/ingest/{job}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "PROCESSING")
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT cancel_requested FROM ai.ingestion_queue"))


async def test_retrying_a_failed_job_starts_it_over(client: httpx.AsyncClient) -> None:
    job = await submit(client)
    waiting = await client.post(f"/ingest/{job}/retry")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "job_not_failed")
    await client.post(f"/ingest/{job}/cancel")
    retried = (await client.post(f"/ingest/{job}/retry")).json()
    assert (retried["status"], retried["attempt"], retried["error"]) == ("PENDING", 0, None)


async def test_stats(client: httpx.AsyncClient) -> None:
    empty = (await client.get("/ingest/stats")).json()
    assert empty["oldest_pending_seconds"] is None
    await submit(client)
    await submit(client, "later", run_at="2099-01-01T00:00:00Z")
    stats = (await client.get("/ingest/stats")).json()
    assert stats["counts"] == {"PENDING": 2, "PROCESSING": 0, "COMPLETED": 0, "FAILED": 0}
    assert stats["oldest_pending_seconds"] >= 0


def events(body: str) -> list[dict[str, str]]:
    blocks = [block for block in body.split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]


async def test_events_follow_a_job_to_its_end(client: httpx.AsyncClient, database: Database) -> None:
    job = await submit(client)
    following = asyncio.create_task(client.get(f"/ingest/{job}/events"))
    await asyncio.sleep(0.7)
    await change(
        database, job, "status = 'PROCESSING', ready = false, lease_id = 1, stage = 'embed', progress = 60"
    )
    await asyncio.sleep(1.2)
    await change(database, job, "status = 'COMPLETED', lease_id = NULL, progress = 100, stage = NULL")
    answer = await following
    assert answer.headers["content-type"].startswith("text/event-stream")
    seen = events(answer.text)
    assert [event["event"] for event in seen] == ["progress", "progress", "done"]
    assert [json.loads(event["data"])["progress"] for event in seen] == [0, 60, 100]
    assert len({event["id"] for event in seen}) == 3
    resumed = await client.get(f"/ingest/{job}/events", headers={"Last-Event-ID": seen[1]["id"]})
    assert [event["event"] for event in events(resumed.text)] == ["done"]


async def test_events_of_a_failed_job(client: httpx.AsyncClient) -> None:
    job = await submit(client)
    await client.post(f"/ingest/{job}/cancel")
    (event,) = events((await client.get(f"/ingest/{job}/events")).text)
    assert event["event"] == "failed"
    assert json.loads(event["data"])["error"]["code"] == "cancelled"


async def test_what_was_seen_is_not_sent_again(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "STREAM_SECONDS", 0.0)
    job = await submit(client)
    (event,) = events((await client.get(f"/ingest/{job}/events")).text)
    again = await client.get(f"/ingest/{job}/events", headers={"Last-Event-ID": event["id"]})
    assert events(again.text) == []
    bad = await client.get(f"/ingest/{job}/events", headers={"Last-Event-ID": "x" * 201})
    assert bad.status_code == 422


async def test_every_route_demands_a_scope_or_is_meant_to_be_open(app: FastAPI) -> None:
    open_routes = set()
    for context in iter_route_contexts(app.routes):
        dependant = getattr(context, "dependant", None)
        if dependant is None:
            continue
        if not any(isinstance(item.call, Requires) for item in dependant.dependencies):
            open_routes.add(context.path)
    webhooks = {path for path in open_routes if path.startswith("/webhooks/")}  # these ask for a signature
    assert open_routes - webhooks == OPEN
