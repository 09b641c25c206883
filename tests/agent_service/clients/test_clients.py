import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from core.db import Database

CPF, OTHER_CPF = "529.982.247-25", "111.444.777-35"
PHONE = "+55 11 98765-4321"


def given(**identifiers: str) -> list[dict[str, str]]:
    return [{"kind": kind, "value": value} for kind, value in identifiers.items()]


async def found(client: httpx.AsyncClient, name: str | None = None, **identifiers: str) -> dict[str, Any]:
    body = {"name": name, "identifiers": given(**identifiers)}
    answer = await client.post("/crm/clients/find_or_create", json=body)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


async def opened(client: httpx.AsyncClient, name: str, **more: Any) -> dict[str, Any]:
    answer = await client.post("/crm/clients", json={"name": name, **more})
    assert answer.status_code == 201, answer.text
    result: dict[str, Any] = answer.json()
    return result


async def count(database: Database, what: str) -> int:
    async with database.connection() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {what}"))


async def test_a_hundred_equal_calls_at_once_make_one_client(
    client: httpx.AsyncClient, database: Database
) -> None:
    forms = ("+5511987654321", "551187654321", "(11) 98765-4321")
    calls = (found(client, "Maria", phone=forms[number % 3], cpf=CPF) for number in range(100))
    answers = await asyncio.gather(*calls)
    assert len({answer["id"] for answer in answers}) == 1
    assert sum(answer["created"] for answer in answers) == 1
    assert await count(database, "crm.clients") == 1
    assert await count(database, "crm.identities") == 2
    assert await count(database, "ops.outbox_events WHERE type = 'client.created'") == 1


async def test_whom_identifiers_lead_to_is_decided_as_for_messages(client: httpx.AsyncClient) -> None:
    by_phone, by_cpf = await found(client, phone=PHONE), await found(client, cpf=CPF)
    both = await found(client, phone=PHONE, cpf=CPF)
    assert (both["id"], both["created"], both["conflict"]) == (by_cpf["id"], False, True)
    (conflict,) = (await client.get("/crm/conflicts")).json()["items"]
    assert set(conflict["clients"]) == {by_phone["id"], by_cpf["id"]}
    assert conflict["event_id"] is None

    path = f"/crm/conflicts/{conflict['id']}/dismiss"
    assert (await client.post(path)).json()["status"] == "DISMISSED"
    again = await client.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "conflict_decided")
    await found(client, phone=PHONE, cpf=CPF)
    assert (await client.get("/crm/conflicts")).json()["items"] == []
    assert (await client.post(f"/crm/conflicts/{uuid4()}/dismiss")).status_code == 404


async def test_what_is_somebody_s_opens_nobody_else(client: httpx.AsyncClient) -> None:
    maria = await opened(client, "Maria", identifiers=given(phone=PHONE), notes="Prefere ligações.")
    assert (maria["notes"], maria["version"] >= 1) == ("Prefere ligações.", True)
    taken = await client.post("/crm/clients", json={"identifiers": given(phone="551187654321", cpf=CPF)})
    assert (taken.status_code, taken.json()["code"]) == (409, "identity_taken")
    assert maria["id"] not in taken.text
    assert (await client.post("/crm/clients", json={})).status_code == 422
    two = [{"kind": "cpf", "value": CPF}, {"kind": "cpf", "value": OTHER_CPF}]
    assert (await client.post("/crm/clients", json={"identifiers": two})).status_code == 422


async def test_notes_lie_sealed(client: httpx.AsyncClient, database: Database) -> None:
    await opened(client, "Maria", notes="conta 12345-6")
    async with database.connection() as connection:
        sealed = await connection.fetchval("SELECT notes_sealed FROM crm.clients")
    assert b"12345" not in sealed


async def test_of_twenty_changes_of_one_version_one_is_made(client: httpx.AsyncClient) -> None:
    maria = await opened(client, "Maria")
    path, seen = f"/crm/clients/{maria['id']}", f'"{maria["version"]}"'
    changes = (
        client.patch(path, json={"name": f"Maria {number}"}, headers={"If-Match": seen})
        for number in range(20)
    )
    answers = await asyncio.gather(*changes)
    (winner,) = [answer for answer in answers if answer.is_success]
    assert {answer.status_code for answer in answers if not answer.is_success} == {412}
    now = await client.get(path)
    assert (now.json()["name"], now.headers["etag"]) == (winner.json()["name"], winner.headers["etag"])


async def test_a_change_keeps_what_it_leaves_out_and_null_empties(client: httpx.AsyncClient) -> None:
    maria = await opened(client, "Maria", notes="antes")
    path = f"/crm/clients/{maria['id']}"
    assert (await client.patch(path, json={"name": "x"})).status_code == 428

    async def change(**what: Any) -> dict[str, Any]:
        seen = (await client.get(path)).headers["etag"]
        body: dict[str, Any] = (await client.patch(path, json=what, headers={"If-Match": seen})).json()
        return body

    renamed = await change(name="Maria Souza")
    assert (renamed["name"], renamed["notes"]) == ("Maria Souza", "antes")
    emptied = await change(notes=None)
    assert (emptied["name"], emptied["notes"]) == ("Maria Souza", None)


async def test_a_merged_client_is_read_but_not_written(client: httpx.AsyncClient) -> None:
    maria, jose = await opened(client, "Maria"), await opened(client, "José")
    (await client.post(f"/crm/clients/{jose['id']}/merge", json={"other": maria["id"]})).raise_for_status()
    path = f"/crm/clients/{maria['id']}"
    gone = await client.get(path)
    assert gone.json()["merged_into"] == jose["id"]
    for refused in (
        await client.patch(path, json={"name": "x"}, headers={"If-Match": gone.headers["etag"]}),
        await client.post(f"{path}/identities", json={"kind": "cpf", "value": CPF}),
        await client.delete(f"{path}/identities/{uuid4()}"),
        await client.post(f"{path}/identities/{uuid4()}/move", json={"to": jose["id"]}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "client_merged")


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("joao", ["João da Silva"]),
        ("JOÃO SILVA", ["João da Silva"]),
        ("sil joa", ["João da Silva"]),
        ("slva", ["João da Silva"]),
        ("slivas", []),
        ("sliva", ["João da Silva"]),
        ("mari", ["Mariana Conceição", "Maria D'Ávila"]),
        ("conceicao", ["Mariana Conceição"]),
        ("conseicao", ["Mariana Conceição"]),
        ("avila", ["Maria D'Ávila"]),
        ("ana", []),
        ("%", []),
        ("529.982.247-25", ["João da Silva"]),
        ("(11) 98765-4321", ["Maria D'Ávila"]),
        ("551187654321", ["Maria D'Ávila"]),
        ("MARIANA@Example.com", ["Mariana Conceição"]),
        ("111.444.777-35", []),
    ],
)
async def test_clients_are_found(client: httpx.AsyncClient, q: str, names: list[str]) -> None:
    await opened(client, "João da Silva", identifiers=given(cpf=CPF))
    await opened(client, "Maria D'Ávila", identifiers=given(phone=PHONE))
    await opened(client, "Mariana Conceição", identifiers=given(email="mariana@example.com"))
    answer = await client.get("/crm/clients", params={"q": q})
    assert [item["name"] for item in answer.json()["items"]] == names


async def test_pages_walk_through_all_clients_in_one_order(client: httpx.AsyncClient) -> None:
    made = [(await opened(client, f"Maria {number}"))["id"] for number in range(7)]
    seen, cursor = [], ""
    while True:
        page = (await client.get(f"/crm/clients?limit=3&q=maria{cursor}")).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == made[::-1]
