import base64
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from core.apikeys import Scope
from core.contacts.keys import Key
from core.contacts.queries import lock_keys
from core.db import Database, driver_connection
from core.matching import IdentityKind
from core.settings import Settings
from ingestion_service.main import create
from tests.api import make_key, serving

CPF = "529.982.247-25"
OTHER_CPF = "111.444.777-35"


def message(sender: str = "5511987654321", **more: Any) -> dict[str, Any]:
    return {"source": "whatsapp", "sender_id": sender, "content": "bom dia", **more}


def cpf(value: str) -> dict[str, str]:
    return {"kind": "cpf", "value": value}


async def send(client: httpx.AsyncClient, sender: str = "5511987654321", **more: Any) -> dict[str, Any]:
    answer = await client.post("/ingest/message", json={**message(sender), **more})
    assert answer.status_code == 202, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def send_while_held(client: httpx.AsyncClient, database: Database, **more: Any) -> dict[str, Any]:
    """The answer to a message whose sender's key somebody else holds for longer than a request waits."""
    async with database.transaction() as session:
        await lock_keys(await driver_connection(session), [Key(IdentityKind.PHONE, "br:1187654321")])
        return await send(client, **more)


async def scalar(database: Database, statement: str) -> Any:
    async with database.transaction() as session:
        return await session.scalar(text(statement))


async def test_a_message_is_stored_and_tied_to_a_new_contact(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await send(client, external_id="wamid.1", sender_name="Maria")
    assert set(answer) == {"event_id", "contact_id", "status", "duplicate"}
    assert (answer["status"], answer["duplicate"]) == ("persisted", False)
    assert UUID(answer["contact_id"])
    event = (await client.get(f"/ingest/events/{answer['event_id']}")).json()
    assert (event["status"], event["contact_id"]) == ("LINKED", answer["contact_id"])
    assert await scalar(database, "SELECT name FROM crm.clients") == "Maria"


@pytest.mark.parametrize(
    "again",
    [
        message("551187654321"),
        message("+5511987654321"),
        message("5511987654321@s.whatsapp.net"),
        {"source": "phone", "sender_id": "(11) 98765-4321", "content": "alô"},
        {"source": "web", "sender_id": "u1", "content": "x", "identifiers": [cpf("52998224725")]},
        {"source": "email", "sender_id": "MARIA@Example.com", "content": "x"},
    ],
)
async def test_all_spellings_are_one_contact(client: httpx.AsyncClient, again: dict[str, Any]) -> None:
    first = await send(client, identifiers=[cpf(CPF), {"kind": "email", "value": "maria@example.com"}])
    answer = await client.post("/ingest/message", json=again)
    assert answer.json()["contact_id"] == first["contact_id"]


async def test_ids_of_other_systems_are_told_apart_by_account_and_kept_secret(
    client: httpx.AsyncClient, database: Database
) -> None:
    web = {"source": "web", "content": "oi"}
    ids = [
        await send(client, "42", **web),
        await send(client, "42", **web, account="loja"),
        await send(client, "42", **{**web, "source": "other"}),
        await send(client, "42", **web),
    ]
    contacts = [answer["contact_id"] for answer in ids]
    assert len(set(contacts)) == 3
    assert contacts[0] == contacts[3]
    assert await scalar(database, "SELECT count(*) FROM crm.identities WHERE raw IS NOT NULL") == 0


@pytest.mark.parametrize("sender", ["Suporte", "BR.", "120363@g.us", "190", "x" * 320])
async def test_a_sender_of_any_shape_is_somebody(client: httpx.AsyncClient, sender: str) -> None:
    assert (await send(client, sender))["contact_id"] == (await send(client, sender))["contact_id"]


async def test_a_known_external_id_is_the_same_message(client: httpx.AsyncClient, database: Database) -> None:
    first = await send(client, external_id="wamid.1")
    again = await send(client, external_id="wamid.1")
    assert again == {**first, "duplicate": True}
    other = await send(client, external_id="wamid.1", account="outra")
    assert other["event_id"] != first["event_id"]
    assert await scalar(database, "SELECT count(*) FROM crm.ingest_events") == 2


async def test_another_body_under_a_known_id_is_marked_and_the_first_kept(client: httpx.AsyncClient) -> None:
    first = await send(client, external_id="wamid.1")
    again = await send(client, "5521999999999", external_id="wamid.1", content="outra coisa")
    assert again == {**first, "duplicate": True}
    event = (await client.get(f"/ingest/events/{first['event_id']}")).json()
    assert event["warnings"] == ["PAYLOAD_MISMATCH"]


async def test_two_known_clients_are_a_conflict_and_never_merged(
    client: httpx.AsyncClient, database: Database
) -> None:
    by_phone = await send(client)
    by_cpf = await send(client, "u1", source="web", identifiers=[cpf(CPF)])
    for _ in range(2):
        both = await send(client, identifiers=[cpf(CPF)])
        assert both["contact_id"] == by_cpf["contact_id"] != by_phone["contact_id"]
    assert (await send(client))["contact_id"] == by_phone["contact_id"]
    assert (
        await scalar(database, "SELECT string_agg(occurrences::text, ',') FROM crm.identity_conflicts") == "2"
    )


async def test_a_recycled_number_is_another_person(client: httpx.AsyncClient, database: Database) -> None:
    before = await send(client, identifiers=[cpf(CPF)])
    after = await send(client, identifiers=[cpf(OTHER_CPF)])
    assert after["contact_id"] != before["contact_id"]
    assert await scalar(database, "SELECT count(*) FROM crm.identity_conflicts WHERE status = 'OPEN'") == 1
    by_cpf = await send(client, "u9", source="web", identifiers=[cpf(OTHER_CPF)])
    assert by_cpf["contact_id"] == after["contact_id"]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"identifiers": [cpf("111.111.111-11")]}, "/identifiers/0"),
        ({"identifiers": [cpf(CPF), cpf(OTHER_CPF)]}, ""),
        ({"identifiers": [{"kind": "rg", "value": "1"}]}, "/identifiers/0/kind"),
        ({"identifiers": [cpf(CPF)] * 21}, "/identifiers"),
        ({"source": "fax"}, "/source"),
        ({"content": " "}, "/content"),
        ({"external_id": ""}, "/external_id"),
        ({"sent_at": "2024-02-30T00:00:00Z"}, "/sent_at"),
    ],
)
async def test_what_cannot_be_taken_is_refused_and_leaves_nothing(
    client: httpx.AsyncClient, database: Database, wrong: dict[str, Any], pointer: str
) -> None:
    answer = await client.post("/ingest/message", json={**message(), **wrong})
    assert answer.status_code == 422
    assert [item["pointer"] for item in answer.json()["errors"]] == [pointer]
    assert "111.111" not in answer.text
    assert await scalar(database, "SELECT count(*) FROM crm.ingest_events") == 0


async def test_nothing_personal_lies_readable_but_what_is_declared(
    client: httpx.AsyncClient, database: Database
) -> None:
    await send(client, identifiers=[cpf(CPF)], content="meu cpf e 529.982.247-25")
    for table in ("ingest_events", "identities", "clients", "identity_conflicts"):
        rows = await scalar(database, f"SELECT coalesce(string_agg(t::text, ' '), '') FROM crm.{table} t")
        for secret in (
            CPF,
            "52998224725",
            CPF.encode().hex(),
            b"52998224725".hex(),
            "meu cpf",
            b"meu cpf".hex(),
        ):
            assert secret not in rows


async def test_events_are_listed_by_page_and_filter_and_only_to_their_owner(
    client: httpx.AsyncClient, database: Database
) -> None:
    sent = [await send(client, f"551198765432{number}") for number in range(5)]
    await send(client, "x@example.com", source="email")
    first = (await client.get("/ingest/events?limit=3&source=whatsapp")).json()
    rest = (await client.get(f"/ingest/events?limit=3&source=whatsapp&cursor={first['next_cursor']}")).json()
    assert rest["next_cursor"] is None
    found = [item["id"] for item in first["items"] + rest["items"]]
    assert found == [answer["event_id"] for answer in reversed(sent)]
    mine = (await client.get(f"/ingest/events?contact_id={sent[0]['contact_id']}&status=LINKED")).json()
    assert [item["id"] for item in mine["items"]] == [sent[0]["event_id"]]
    key = await make_key(database, [Scope.INGEST])
    headers = {"Authorization": f"Bearer {key.plaintext}"}
    assert (await client.get("/ingest/events", headers=headers)).json()["items"] == []
    assert (await client.get(f"/ingest/events/{found[0]}", headers=headers)).status_code == 404


async def test_what_a_missing_key_hides_waits_for_it(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    path = f"/ingest/events/{(await send_while_held(client, database))['event_id']}"
    new = f"k9:{base64.b64encode(bytes(range(50, 82))).decode()}"
    key = await make_key(database)
    without = settings.model_copy(update={"field_keys": SecretStr(new)})
    async with serving(create(without), key) as other:
        event = (await other.post(f"{path}/replay")).json()
        assert (event["status"], event["error_code"], event["attempts"]) == ("ERROR", "unreadable", 2)
        assert event["next_attempt_at"] is None
    assert settings.field_keys
    both = SecretStr(f"{new}, {settings.field_keys.get_secret_value()}")
    async with serving(create(settings.model_copy(update={"field_keys": both})), key) as other:
        event = (await other.post(f"{path}/replay")).json()
        assert (event["status"], event["error_code"]) == ("LINKED", None)
        again = await other.post(f"{path}/replay")
        assert (again.status_code, again.json()["code"]) == (409, "event_already_linked")


async def test_without_field_keys_nothing_is_taken(settings: Settings, database: Database) -> None:
    bare = settings.model_copy(update={"field_keys": None})
    async with serving(create(bare), await make_key(database)) as other:
        answer = await other.post("/ingest/message", json=message())
    assert (answer.status_code, answer.json()["code"]) == (503, "vault_closed")


async def test_a_locked_identity_makes_a_message_wait_and_then_be_retried(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await send_while_held(client, database)
    assert answer["contact_id"] is None
    event = (await client.get(f"/ingest/events/{answer['event_id']}")).json()
    assert (event["status"], event["error_code"]) == ("ERROR", "database")
    assert event["next_attempt_at"] is not None
    assert (await send(client))["contact_id"]
    assert (await client.post(f"/ingest/events/{answer['event_id']}/replay")).json()["status"] == "LINKED"
    assert await scalar(database, "SELECT count(*) FROM crm.clients") == 1


async def test_logs_name_nobody(
    caplog: pytest.LogCaptureFixture, client: httpx.AsyncClient, database: Database
) -> None:
    person: dict[str, Any] = {
        "sender_name": "Joaquina",
        "identifiers": [cpf(CPF), {"kind": "email", "value": "jo@example.com"}],
    }
    await send(client, **person, content="segredo", external_id="wamid.1")
    person["identifiers"] += [{"kind": "email", "value": "joaquina@example.com"}]  # the known need no lock
    await send_while_held(client, database, **person, content="segredo")
    await client.post("/ingest/message", json=message(identifiers=[cpf("529.982.247-26")]))
    written = caplog.text
    assert "message_not_linked" in written
    for secret in ("Joaquina", "529.982", "52998224", "jo@", "87654321", "segredo", "wamid"):
        assert secret not in written


async def test_every_linked_message_is_told_once_of_known_senders_too(
    client: httpx.AsyncClient, database: Database
) -> None:
    for number in (1, 2, 2):
        await send(client, external_id=f"wamid.{number}")
    told = (
        "SELECT array_agg(subject::text ORDER BY id)::text FROM ops.outbox_events"
        " WHERE type = 'message.linked'"
    )
    events = "SELECT array_agg(public_id::text ORDER BY id)::text FROM crm.ingest_events"
    assert await scalar(database, told) == await scalar(database, events)


async def test_tries_of_one_request_are_one_message(client: httpx.AsyncClient, database: Database) -> None:
    key = {"Idempotency-Key": "try-1"}
    first = await client.post("/ingest/message", json=message(), headers=key)
    again = await client.post("/ingest/message", json=message(), headers=key)
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    other = await client.post("/ingest/message", json=message(content="outra"), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await scalar(database, "SELECT count(*) FROM crm.ingest_events") == 1


async def test_a_try_that_died_before_its_answer_left_its_message(
    client: httpx.AsyncClient, database: Database
) -> None:
    key = {"Idempotency-Key": "try-1"}
    first = await client.post("/ingest/message", json=message(), headers=key)
    async with database.connection() as connection:  # as a killed process leaves it, half a minute later
        await connection.execute(
            "UPDATE ops.idempotency_keys"
            " SET answer = NULL, holder = gen_random_uuid(), leased_until = now() - interval '1 second'"
        )
    again = await client.post("/ingest/message", json=message(), headers=key)
    assert "idempotency-replayed" not in again.headers
    assert (again.json()["event_id"], again.json()["duplicate"]) == (first.json()["event_id"], True)
    assert await scalar(database, "SELECT count(*) FROM crm.ingest_events") == 1
