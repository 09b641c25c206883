import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from agent_service.main import create
from core.apikeys import Scope
from core.contacts import Message, try_link
from core.contacts.linking import body_context
from core.db import Database
from core.ids import uuid7
from core.settings import Settings
from core.vault import Vault
from tests.api import make_key, serving

CPF, OTHER_CPF, CNPJ = "529.982.247-25", "111.444.777-35", "12.ABC.345/01DE-35"


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create(settings), await make_key(database)) as client:
        yield client


class Door:
    """Messages as the ingestion service stores and links them."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def send(self, sender: str, *identifiers: tuple[str, str], **more: Any) -> UUID:
        given = [{"kind": kind, "value": value} for kind, value in identifiers]
        body = {"source": "whatsapp", "sender_id": sender, "content": "oi", "identifiers": given, **more}
        public_id, packed = uuid7(), Message.model_validate(body).packed()
        async with self._database.transaction() as session:
            event = await session.scalar(
                text(
                    "INSERT INTO crm.ingest_events"
                    " (public_id, principal_id, account, source, body_digest, body_sealed)"
                    " VALUES (:id, 1, 'default', 'whatsapp', '', :body) RETURNING id"
                ),
                {"id": public_id, "body": self._vault.seal(packed, context=body_context(public_id))},
            )
        contact = await try_link(self._database, self._vault, event)
        assert contact is not None
        return contact


@pytest.fixture
def door(database: Database, settings: Settings) -> Door:
    return Door(database, Vault.of(settings))


async def snapshot(database: Database) -> dict[str, Any]:
    """All that a merge may touch, but for the notes of merges themselves."""
    found = {}
    for table in ("clients", "identities", "ingest_events", "enrollments"):
        async with database.transaction() as session:
            rows = await session.execute(
                text(f"SELECT (to_jsonb(t) - 'version' - 'updated_at')::text FROM crm.{table} t ORDER BY id")
            )
            found[table] = list(rows.scalars())
    return found


async def identities(client: httpx.AsyncClient, contact: UUID) -> list[tuple[str, str]]:
    body = (await client.get(f"/crm/clients/{contact}")).json()
    return [(item["kind"], item["value"]) for item in body["identities"]]


async def merge(client: httpx.AsyncClient, winner: UUID, loser: UUID, **more: Any) -> httpx.Response:
    return await client.post(f"/crm/clients/{winner}/merge", json={"other": str(loser), **more})


async def enroll(database: Database, contact: UUID, number: str) -> None:
    async with database.transaction() as session:
        statement = "INSERT INTO crm.enrollments (client_id, entity, number) SELECT id, 'ipe', :number"
        values = {"number": number, "client": contact}
        await session.execute(text(f"{statement} FROM crm.clients WHERE public_id = :client"), values)


async def test_an_enrollment_goes_along_with_a_merge_unless_the_winner_has_it(
    client: httpx.AsyncClient, door: Door, database: Database
) -> None:
    winner, loser = await door.send("5511987654321"), await door.send("5521987654321")
    for contact, number in ((winner, "1"), (loser, "1"), (loser, "2")):
        await enroll(database, contact, number)
    before = await snapshot(database)
    done = (await merge(client, winner, loser)).json()
    assert done["moved"]["enrollments"] == 1
    assert (await client.post(f"/crm/merges/{done['id']}/undo")).is_success
    assert await snapshot(database) == before


async def test_a_client_shows_what_they_are_known_by_and_sensitive_things_masked(
    client: httpx.AsyncClient, door: Door
) -> None:
    contact = await door.send("5511987654321", ("cpf", CPF), ("cnpj", CNPJ), ("external", "matricula-77"))
    answer = await client.get(f"/crm/clients/{contact}")
    assert await identities(client, contact) == [
        ("cpf", "***.982.247-**"),
        ("cnpj", "**.***.345/01DE-**"),
        ("phone", "5511987654321"),
        ("external", "m***7"),
    ]
    assert not any(secret in answer.text for secret in (CPF, "52998224725", "matricula"))
    assert (await client.get(f"/crm/clients/{uuid4()}")).status_code == 404


async def test_merge_and_undo_leave_everything_as_it_was(
    client: httpx.AsyncClient, door: Door, database: Database
) -> None:
    winner = await door.send("5511987654321")
    loser = await door.send("5521987654321", ("cpf", CPF), sender_name="Maria")
    before = await snapshot(database)

    preview = (await merge(client, winner, loser, dry_run=True)).json()
    assert preview["moved"] == {"identities": 2, "events": 1, "tickets": 0, "cases": 0, "enrollments": 0}
    assert preview["id"] is None
    assert await snapshot(database) == before

    done = (await merge(client, winner, loser)).json()
    assert done["moved"] == preview["moved"]
    assert len(await identities(client, winner)) == 3
    gone = (await client.get(f"/crm/clients/{loser}")).json()
    assert (gone["status"], gone["merged_into"], gone["identities"]) == ("MERGED", str(winner), [])
    assert (await client.get(f"/crm/clients/{winner}")).json()["name"] == "Maria"
    assert await door.send("5521987654321") == winner

    undone = await client.post(f"/crm/merges/{done['id']}/undo")
    assert undone.json()["undone_at"] is not None
    after = await snapshot(database)
    assert {name: rows[: len(before[name])] for name, rows in after.items()} == before
    assert await door.send("5521987654321") == loser
    again = await client.post(f"/crm/merges/{done['id']}/undo")
    assert (again.status_code, again.json()["code"]) == (409, "merge_already_undone")


async def test_what_must_not_be_merged(client: httpx.AsyncClient, door: Door) -> None:
    one = await door.send("5511987654321", ("cpf", CPF))
    other = await door.send("5521987654321", ("cpf", OTHER_CPF))
    third = await door.send("5531987654321")
    assert (await merge(client, one, one)).json()["code"] == "same_client"
    assert (await merge(client, one, uuid4())).status_code == 404
    assert (await merge(client, one, other)).json()["code"] == "cpfs_differ"
    first = (await merge(client, other, third)).json()
    assert (await merge(client, one, third)).json()["code"] == "client_merged"
    fourth = await door.send("5541987654321")
    second = (await merge(client, fourth, other)).json()
    early = await client.post(f"/crm/merges/{first['id']}/undo")
    assert (early.status_code, early.json()["code"]) == (409, "client_merged")
    for done in (second, first):
        assert (await client.post(f"/crm/merges/{done['id']}/undo")).status_code == 200
    assert await door.send("5531987654321") == third


async def test_a_conflict_waits_for_a_human_and_ends_with_the_merge(
    client: httpx.AsyncClient, door: Door
) -> None:
    by_phone = await door.send("5511987654321")
    by_cpf = await door.send("BR.1", ("cpf", CPF))
    assert await door.send("5511987654321", ("cpf", CPF)) == by_cpf
    (conflict,) = (await client.get("/crm/conflicts")).json()["items"]
    assert set(conflict["clients"]) == {str(by_phone), str(by_cpf)}
    assert conflict["linked_to"] == str(by_cpf)
    done = (await merge(client, by_cpf, by_phone)).json()
    assert (await client.get("/crm/conflicts")).json()["items"] == []
    (resolved,) = (await client.get("/crm/conflicts?status=RESOLVED")).json()["items"]
    assert resolved["id"] == conflict["id"]
    await client.post(f"/crm/merges/{done['id']}/undo")
    assert [item["id"] for item in (await client.get("/crm/conflicts")).json()["items"]] == [conflict["id"]]


async def test_messages_during_merges_never_reach_a_merged_client(
    client: httpx.AsyncClient, door: Door, database: Database
) -> None:
    winner, loser = await door.send("5511987654321"), await door.send("5521987654321")

    async def merge_and_undo() -> None:
        for _ in range(8):
            done = (await merge(client, winner, loser)).json()
            assert (await client.post(f"/crm/merges/{done['id']}/undo")).is_success

    async def write() -> None:
        for number in range(25):
            await door.send("5521987654321", ("email", f"m{number}@example.com"))

    await asyncio.gather(merge_and_undo(), write(), write())
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM crm.clients")) == 2
        stray = (
            "SELECT count(*) FROM crm.{} t JOIN crm.clients c ON c.id = t.client_id WHERE c.status = 'MERGED'"
        )
        for table in ("identities", "ingest_events"):
            assert await session.scalar(text(stray.format(table))) == 0


async def test_only_admins_merge_and_only_readers_look(
    settings: Settings, database: Database, door: Door
) -> None:
    one, other = await door.send("5511987654321"), await door.send("5521987654321")
    for scope, may_read in ((Scope.READ, True), (Scope.INGEST, False)):
        async with serving(create(settings), await make_key(database, [scope])) as caller:
            assert (await caller.get(f"/crm/clients/{one}")).is_success is may_read
            assert (await caller.get("/crm/conflicts")).is_success is may_read
            assert (await merge(caller, one, other)).status_code == 403
