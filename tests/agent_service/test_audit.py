from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from agent_service.main import create
from core import audit
from core.apikeys import Scope
from core.audit.sealing import seal
from core.db import Database
from core.settings import Settings
from tests.api import make_key, serving


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create(settings), await make_key(database)) as client:
        yield client


async def act(database: Database, *actors: int, action: str = "ticket.assigned") -> None:
    async with database.connection() as connection, connection.transaction():
        for actor in actors:
            await audit.record(
                connection, actor=actor, action=action, subject=f"ticket/{actor}", data={"n": 1}
            )


async def test_entries_are_listed_newest_first_in_pages(
    client: httpx.AsyncClient, database: Database
) -> None:
    await act(database, 1, 2, 3)
    await seal(database)
    first = (await client.get("/audit", params={"limit": 2})).json()
    second = (await client.get("/audit", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [entry["actor"] for entry in first["items"] + second["items"]] == [3, 2, 1]
    assert second["next_cursor"] is None
    oldest = second["items"][0]
    assert (oldest["data"], oldest["position"], len(oldest["hash"])) == ({"n": 1}, 1, 64)


async def test_filters_are_exact(client: httpx.AsyncClient, database: Database) -> None:
    await act(database, 1, 2)
    await act(database, 2, action="case.closed")
    for query, count in (
        ({"action": "case.closed"}, 1),
        ({"actor": 2}, 2),
        ({"subject": "ticket/1"}, 1),
        ({"actor": 1, "action": "case.closed"}, 0),
    ):
        assert len((await client.get("/audit", params=query)).json()["items"]) == count  # type: ignore[arg-type]


async def test_the_chain_is_verified(client: httpx.AsyncClient, database: Database) -> None:
    await act(database, 1, 2)
    await seal(database)
    await act(database, 3)
    answer = (await client.get("/audit/verify")).json()
    assert (answer["intact"], answer["checked"], answer["unsealed"]) == (True, 2, 1)
    async with database.connection() as connection:
        await connection.execute("ALTER TABLE ops.audit_log DISABLE TRIGGER ALL")
        await connection.execute("UPDATE ops.audit_log SET actor = 9 WHERE id = 2")
    answer = (await client.get("/audit/verify")).json()
    assert (answer["intact"], answer["first_break"]) == (
        False,
        {"fault": "altered", "position": 2, "entry": 2},
    )


async def test_the_head_covers_all_that_is_committed(client: httpx.AsyncClient, database: Database) -> None:
    await act(database, 1, 2)
    head = (await client.get("/audit/head")).json()
    assert head["position"] == 2
    assert head["message"].startswith(f"cogep-audit-head-v1 2 {head['hash']} ")


async def test_the_log_is_not_for_everybody(settings: Settings, database: Database) -> None:
    async with serving(create(settings), await make_key(database, [Scope.READ, Scope.CHAT])) as client:
        for path in ("/audit", "/audit/verify", "/audit/head"):
            assert (await client.get(path)).status_code == 403


async def test_who_was_shown_a_client_is_noted(client: httpx.AsyncClient, database: Database) -> None:
    shown = uuid4()
    async with database.connection() as connection:
        await connection.execute("INSERT INTO crm.clients (public_id) VALUES ($1)", shown)
        assert (await client.get(f"/crm/clients/{uuid4()}")).status_code == 404
        answer = await client.get(f"/crm/clients/{shown}")
        rows = await connection.fetch("SELECT * FROM ops.personal_data_reads")
    assert [(row["subject"], row["what"], row["request_id"]) for row in rows] == [
        (f"client/{shown}", "client", answer.headers["x-request-id"])
    ]
