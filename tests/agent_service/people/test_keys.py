from typing import Any

import httpx
import pytest

from core.apikeys import Scope
from core.db import Database
from tests.api import make_key
from tests.people import Someone


async def create(client: httpx.AsyncClient, headers: dict[str, str], **body: Any) -> httpx.Response:
    return await client.post("/keys", json={"name": "site", "scopes": ["chat"], **body}, headers=headers)


async def test_a_key_is_shown_once_works_and_ends_at_once(client: httpx.AsyncClient, boss: Someone) -> None:
    made = await create(client, boss.headers, scopes=["chat", "read", "chat"], expires_in_days=30)
    assert made.status_code == 201
    key = made.json()
    assert (key["scopes"], key["expires_at"] is not None) == (["chat", "read"], True)
    theirs = {"X-API-Key": key["key"]}
    assert (await client.get("/documents", headers=theirs)).status_code == 200
    listed = await client.get("/keys", headers=boss.headers)
    assert [item["public_id"] for item in listed.json()["items"]] == [key["public_id"]]
    assert key["key"] not in listed.text
    for _ in range(2):
        revoked = await client.delete(f"/keys/{key['public_id']}", headers=boss.headers)
        assert (revoked.status_code, revoked.content) == (204, b"")
    assert (await client.get("/documents", headers=theirs)).status_code == 401


async def test_nobody_makes_a_key_that_may_more_than_they(client: httpx.AsyncClient, boss: Someone) -> None:
    answer = await create(client, boss.headers, scopes=["chat", "admin"])
    assert (answer.status_code, answer.json()["code"]) == (403, "scopes_exceed_maker")


async def test_the_operators_key_may_make_its_like(client: httpx.AsyncClient, database: Database) -> None:
    operator = {"X-API-Key": (await make_key(database, [Scope.ADMIN])).plaintext}
    assert (await create(client, operator, scopes=["admin"])).status_code == 201


@pytest.mark.parametrize(
    "wrong", [{"scopes": []}, {"scopes": ["root"]}, {"expires_in_days": 0}, {"name": " "}]
)
async def test_a_key_needs_a_name_and_scopes_there_are(
    client: httpx.AsyncClient, boss: Someone, wrong: dict[str, Any]
) -> None:
    assert (await create(client, boss.headers, **wrong)).status_code == 422


async def test_a_key_there_is_not_cannot_be_revoked(client: httpx.AsyncClient, boss: Someone) -> None:
    assert (await client.delete("/keys/aaaaaaaaaa", headers=boss.headers)).status_code == 404
