from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from core.apikeys import MintedKey, Scope, mint
from core.db import Database
from tests.api import make_key, serving

WHOAMI = "/probe/whoami"


async def ask(app: FastAPI, headers: Any) -> httpx.Response:
    async with serving(app) as client:
        return await client.get(WHOAMI, headers=headers)


def bearer(key: MintedKey) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.plaintext}"}


async def test_a_key_opens_what_its_scopes_allow(app: FastAPI, database: Database) -> None:
    chat = await make_key(database, [Scope.CHAT])
    assert (await ask(app, bearer(chat))).json() == "test"
    assert (await ask(app, {"X-API-Key": chat.plaintext})).json() == "test"
    assert (await ask(app, {"Authorization": f"bearer  {chat.plaintext} "})).json() == "test"


async def test_another_scope_is_forbidden_and_admin_implies_all(app: FastAPI, database: Database) -> None:
    refused = await ask(app, bearer(await make_key(database, [Scope.READ, Scope.INGEST])))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await ask(app, bearer(await make_key(database, [Scope.ADMIN])))).status_code == 200


async def test_expired_revoked_and_unknown_keys_are_nobody(app: FastAPI, database: Database) -> None:
    for key in (
        await make_key(database, expires_in=timedelta(seconds=-1)),
        await make_key(database, revoked=True),
        mint("test"),
    ):
        answer = await ask(app, bearer(key))
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_revocation_works_at_once(app: FastAPI, database: Database) -> None:
    async with serving(app, await make_key(database)) as client:
        assert (await client.get(WHOAMI)).status_code == 200
        async with database.transaction() as session:
            await session.execute(text("UPDATE ops.api_keys SET revoked_at = now()"))
        assert (await client.get(WHOAMI)).status_code == 401


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer null", "Bearer cgp_", "Bearer ü"]
)
async def test_what_is_no_key_is_refused(app: FastAPI, given: str) -> None:
    assert (await ask(app, {b"authorization": given.encode("latin-1")})).status_code == 401


async def test_a_wrong_secret_under_a_known_id_is_refused(app: FastAPI, database: Database) -> None:
    key, other = await make_key(database), mint("test")
    forged = f"cgp_test_{key.public_id}_{other.plaintext[-43:]}"
    for given in (forged, key.plaintext + "x", key.plaintext[:-1], "c" * 1_000_000):
        assert (await ask(app, {"X-API-Key": given})).status_code == 401


async def test_two_keys_at_once_are_refused(app: FastAPI, database: Database) -> None:
    key = (await make_key(database)).plaintext
    twice = [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")]
    assert (await ask(app, twice)).status_code == 401
    assert (await ask(app, {"Authorization": f"Bearer {key}", "X-API-Key": key})).status_code == 401


async def test_last_use_is_noted_once_a_minute(app: FastAPI, database: Database) -> None:
    seen = []
    async with serving(app, await make_key(database)) as client:
        for _ in range(3):
            await client.get(WHOAMI)
            async with database.transaction() as session:
                seen.append(await session.scalar(text("SELECT last_used_at FROM ops.api_keys")))
    assert seen[0] is not None
    assert len(set(seen)) == 1


async def test_noting_the_last_use_never_costs_the_request(app: FastAPI, database: Database) -> None:
    key = await make_key(database)
    async with serving(app, key) as client, database.transaction() as session:
        await session.execute(text("SELECT FROM ops.api_keys FOR UPDATE"))
        assert (await client.get(WHOAMI)).status_code == 200


async def test_the_key_is_asked_for_before_the_body_is_read(app: FastAPI) -> None:
    async with serving(app) as client:
        answer = await client.post("/probe/notes", content=b"{", headers={"content-type": "text/plain"})
    assert answer.status_code == 401


async def test_open_routes_need_no_key(app: FastAPI) -> None:
    async with serving(app) as client:
        for path in ("/health", "/ready", "/docs", "/openapi.json", "/problems", "/metrics"):
            assert (await client.get(path)).status_code == 200, path
