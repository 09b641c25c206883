import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from core.db import Database
from core.settings import Settings
from tests.api import make_key, serving
from tests.core.web.idempotency import probe
from tests.core.web.idempotency.conftest import Count

KEY = {"Idempotency-Key": "order-1"}


async def post(client: httpx.AsyncClient, path: str = "/probe/deeds", **body: Any) -> httpx.Response:
    return await client.post(path, json=body, headers=KEY)


async def test_the_same_request_again_has_one_effect_and_the_same_answer(
    client: httpx.AsyncClient, effects: Count
) -> None:
    first, second = await post(client), await post(client)
    assert await effects() == 1
    assert (first.status_code, second.status_code) == (201, 201)
    assert (second.content, second.headers["location"]) == (first.content, first.headers["location"])
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["content-type"] == first.headers["content-type"]


async def test_without_a_key_each_request_is_its_own(client: httpx.AsyncClient, effects: Count) -> None:
    for _ in range(2):
        assert (await client.post("/probe/deeds", json={})).status_code == 201
    assert await effects() == 2


async def test_members_in_another_order_are_the_same_body(client: httpx.AsyncClient, effects: Count) -> None:
    await post(client, what="a", number=1)
    assert "idempotency-replayed" in (await post(client, number=1, what="a")).headers
    assert await effects() == 1


async def test_another_body_under_the_same_key_is_refused(client: httpx.AsyncClient, effects: Count) -> None:
    await post(client, what="a")
    answer = await post(client, what="b")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert await effects() == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "a" * 201])
async def test_a_malformed_key_is_refused(client: httpx.AsyncClient, effects: Count, key: str) -> None:
    answer = await client.post("/probe/deeds", json={}, headers=[(b"Idempotency-Key", key.encode())])
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_malformed")
    assert await effects() == 0


async def test_a_key_comes_once(client: httpx.AsyncClient) -> None:
    answer = await client.post("/probe/deeds", json={}, headers=[*KEY.items(), *KEY.items()])
    assert answer.json()["code"] == "idempotency_key_malformed"


async def test_a_key_counts_for_one_principal_route_and_path(
    settings: Settings, client: httpx.AsyncClient, database: Database, effects: Count
) -> None:
    for path in ("/probe/deeds/1/again", "/probe/deeds/2/again"):
        for prefix in ("", "/api/v1"):
            await client.post(prefix + path, headers=KEY)
    async with serving(probe.make(settings), await make_key(database)) as other:
        await other.post("/probe/deeds/1/again", headers=KEY)
    assert await effects() == 3


async def test_twenty_at_once_have_one_effect(client: httpx.AsyncClient, effects: Count) -> None:
    answers = await asyncio.gather(*(post(client) for _ in range(20)))
    assert await effects() == 1
    done = [answer for answer in answers if answer.status_code == 201]
    rest = [answer for answer in answers if answer.status_code != 201]
    assert len({answer.content for answer in done}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in done) == 1
    for answer in rest:
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_flight")
        assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(("then", "status"), [("unavailable", 503), ("bug", 500)])
async def test_a_failure_takes_everything_back(
    client: httpx.AsyncClient, effects: Count, then: str, status: int
) -> None:
    assert (await post(client, then=then)).status_code == status
    assert (await effects(), probe.rung) == (0, [])
    assert (await post(client)).status_code == 201
    assert (await effects(), probe.rung) == (1, ["bell"])


async def test_a_refusal_is_an_answer(client: httpx.AsyncClient, effects: Count) -> None:
    first, second = [await client.post("/probe/refused", headers=KEY) for _ in range(2)]
    assert (first.status_code, first.json()["code"]) == (409, "conflict")
    assert (second.content, second.headers["idempotency-replayed"]) == (first.content, "true")
    assert await effects() == 0


async def test_what_breaks_the_schema_was_no_request(client: httpx.AsyncClient, effects: Count) -> None:
    assert (await post(client, unknown=1)).json()["code"] == "validation_failed"
    assert (await post(client)).status_code == 201
    assert await effects() == 1


async def test_a_key_is_forgotten_after_a_day(
    client: httpx.AsyncClient, database: Database, effects: Count
) -> None:
    await post(client, what="a")
    async with database.connection() as connection:
        await connection.execute("UPDATE ops.idempotency_keys SET created_at = now() - interval '24 hours'")
    for _ in range(2):
        assert (await post(client, what="b")).status_code == 201
    assert await effects() == 2


async def test_nothing_of_the_answer_lies_readable(client: httpx.AsyncClient, database: Database) -> None:
    answer = await post(client)
    assert "cgp_test_shown_once" in answer.text
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM ops.idempotency_keys")
    assert row is not None
    for hidden in (b"cgp_test_shown_once", b"order-1", answer.json()["id"].encode()):
        assert hidden not in row["scope"] + row["request"] + row["answer"]


async def test_without_field_keys_no_key_is_taken(
    settings: Settings, database: Database, effects: Count
) -> None:
    app = probe.make(settings.model_copy(update={"field_keys": None}))
    async with serving(app, await make_key(database)) as client:
        assert (await post(client)).json()["code"] == "vault_closed"
        assert (await client.post("/probe/deeds", json={})).status_code == 201
    assert await effects() == 1


async def test_who_is_nobody_has_no_keys(client: httpx.AsyncClient, effects: Count) -> None:
    for _ in range(2):
        assert (await client.post("/probe/open", headers=KEY)).is_success
    assert await effects() == 2


def test_the_document_offers_the_header(settings: Settings) -> None:
    app: FastAPI = probe.make(settings)
    paths = app.openapi()["paths"]
    (header,) = paths["/probe/deeds"]["post"]["parameters"]
    assert (header["name"], header["required"]) == ("Idempotency-Key", False)
    assert "parameters" not in paths["/probe/open"]["post"]
