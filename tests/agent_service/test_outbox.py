from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from agent_service.main import create
from core.db import Connection, Database
from core.ids import uuid7
from core.outbox import OutboxEvent, emit
from core.settings import Settings
from tests.api import make_key, serving
from worker_service.outbox.relay import dispatch

GIVE_UP = "UPDATE ops.outbox_events SET attempts = 11, due_at = now() WHERE type = 'case.opened'"


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create(settings), await make_key(database)) as client:
        yield client


async def fail(_connection: Connection, _event: OutboxEvent) -> None:
    raise ZeroDivisionError


async def listed(client: httpx.AsyncClient, **query: Any) -> list[tuple[str, str]]:
    items = (await client.get("/outbox/events", params=query)).json()["items"]
    return [(item["type"], item["status"]) for item in items]


async def test_a_given_up_event_is_seen_and_told_after_all(
    client: httpx.AsyncClient, database: Database
) -> None:
    subject = uuid7()
    async with database.connection() as connection:
        for type_ in ("case.opened", "ticket.opened"):
            await emit(connection, type_, subject=subject, data={"case_id": subject})
        await connection.execute(GIVE_UP)
        while await dispatch(database, {"case.opened": (fail,)}):
            pass
        await emit(connection, "case.closed", subject=subject, data={})
    statuses = [("case.closed", "WAITING"), ("ticket.opened", "TOLD"), ("case.opened", "GIVEN_UP")]
    assert await listed(client) == statuses
    for type_, status in statuses:
        assert await listed(client, status=status) == await listed(client, type=type_) == [(type_, status)]
    [item] = (await client.get("/outbox/events", params={"status": "GIVEN_UP"})).json()["items"]
    assert (item["error_code"], item["attempts"]) == ("ZeroDivisionError", 12)
    assert item["data"] == {"case_id": str(subject)}

    path = f"/outbox/events/{item['id']}/retry"
    again = await client.post(path)
    assert (again.status_code, again.json()["status"], again.json()["attempts"]) == (202, "WAITING", 0)
    refused = await client.post(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "event_not_given_up")
    await dispatch(database, {})
    assert await listed(client, type="case.opened") == [("case.opened", "TOLD")]
    assert (await client.post(f"/outbox/events/{uuid7()}/retry")).status_code == 404


async def test_the_list_has_pages(client: httpx.AsyncClient, database: Database) -> None:
    async with database.connection() as connection:
        sent = [str(await emit(connection, "case.opened", subject=uuid7(), data={})) for _ in range(5)]
    found, query = [], {"limit": "2"}
    while True:
        page = (await client.get("/outbox/events", params=query)).json()
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == sent[::-1]
