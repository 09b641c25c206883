import asyncio
from typing import Any
from uuid import uuid4

import httpx

from core.db import Database

CPF, OTHER_CPF = "529.982.247-25", "111.444.777-35"
PHONE = {"kind": "phone", "value": "+55 11 98765-4321"}


async def opened(client: httpx.AsyncClient, name: str, *identifiers: dict[str, str]) -> str:
    answer = await client.post("/crm/clients", json={"name": name, "identifiers": list(identifiers)})
    found: str = answer.json()["id"]
    return found


async def known_by(client: httpx.AsyncClient, contact: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await client.get(f"/crm/clients/{contact}")).json()["identities"]
    return items


async def test_an_identity_is_attached_once_and_is_nobody_else_s(
    client: httpx.AsyncClient, database: Database
) -> None:
    maria, jose = await opened(client, "Maria"), await opened(client, "José")
    both = [client.post(f"/crm/clients/{who}/identities", json=PHONE) for who in (maria, jose) * 10]
    answers = await asyncio.gather(*both)
    assert sorted({answer.status_code for answer in answers}) == [200, 409]
    assert {answer.json()["code"] for answer in answers if answer.is_error} == {"identity_taken"}
    holders = [who for who in (maria, jose) if await known_by(client, who)]
    assert len(holders) == 1
    assert not any(holders[0] in answer.text for answer in answers if answer.is_error)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM crm.identities") == 1
        noted = await connection.fetch("SELECT action FROM ops.audit_log WHERE action LIKE '%attached'")
        assert len(noted) == 1


async def test_a_client_has_one_cpf(client: httpx.AsyncClient) -> None:
    maria = await opened(client, "Maria", {"kind": "cpf", "value": CPF})
    second = await client.post(f"/crm/clients/{maria}/identities", json={"kind": "cpf", "value": OTHER_CPF})
    assert (second.status_code, second.json()["code"]) == (409, "second_cpf")


async def test_what_is_detached_is_free_again(client: httpx.AsyncClient) -> None:
    maria, jose = await opened(client, "Maria", PHONE), await opened(client, "José")
    (identity,) = await known_by(client, maria)
    path = f"/crm/clients/{maria}/identities/{identity['id']}"
    ended = (await client.delete(path)).json()["identities"]
    assert ended[0]["valid_to"] is not None
    assert (await client.delete(path)).status_code == 404
    assert (await client.post(f"/crm/clients/{jose}/identities", json=PHONE)).is_success


async def test_an_identity_is_handed_over(client: httpx.AsyncClient, database: Database) -> None:
    maria = await opened(client, "Maria", {"kind": "cpf", "value": CPF})
    jose = await opened(client, "José")
    (identity,) = await known_by(client, maria)
    path = f"/crm/clients/{maria}/identities/{identity['id']}/move"
    moved = (await client.post(path, json={"to": jose})).json()
    assert (moved["id"], moved["identities"][0]["value"]) == (jose, "***.982.247-**")
    assert (await known_by(client, maria))[0]["valid_to"] is not None
    again = {"identifiers": [{"kind": "cpf", "value": CPF}]}
    assert (await client.post("/crm/clients/find_or_create", json=again)).json()["id"] == jose
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM ops.audit_log WHERE action = 'client.identity_moved'")
    assert row is not None
    assert row["subject"] == f"client/{maria}"
    assert row["data"]["to"] == jose


async def test_what_cannot_be_handed_over(client: httpx.AsyncClient) -> None:
    maria = await opened(client, "Maria", {"kind": "cpf", "value": CPF})
    jose = await opened(client, "José", {"kind": "cpf", "value": OTHER_CPF})
    (identity,) = await known_by(client, maria)
    path = f"/crm/clients/{maria}/identities/{identity['id']}/move"
    assert (await client.post(path, json={"to": jose})).json()["code"] == "second_cpf"
    assert (await client.post(path, json={"to": str(uuid4())})).status_code == 404
    theirs = f"/crm/clients/{jose}/identities/{identity['id']}/move"
    assert (await client.post(theirs, json={"to": maria})).status_code == 404
    assert (await client.post(path, json={"to": maria})).is_success
    assert (await known_by(client, maria))[0]["valid_to"] is None


async def test_ids_of_other_systems_are_told_apart(client: httpx.AsyncClient) -> None:
    maria, jose = await opened(client, "Maria"), await opened(client, "José")
    for who, account in ((maria, "loja"), (jose, "site")):
        body = {"kind": "external", "value": "7", "account": account, "source": "web"}
        assert (await client.post(f"/crm/clients/{who}/identities", json=body)).is_success
