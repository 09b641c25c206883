import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from agent_service.main import create
from core.apikeys import Scope
from core.consents import NoticeVersion, current_notice, grant, note_shown
from core.contacts import Message
from core.contacts.linking import body_context
from core.db import Database
from core.ids import uuid7
from core.settings import Settings
from core.vault import Vault
from tests.api import make_key, serving
from tests.core.consents.people import People, tamper

NOTE = "Assinou o termo em papel, pasta 12"


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create(settings), await make_key(database)) as client:
        yield client


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


@pytest.fixture
async def contact(people: People) -> UUID:
    return await people.contact(await people.new())


@pytest.fixture
async def notice(database: Database) -> NoticeVersion:
    async with database.connection() as connection:
        found = await current_notice(connection, "LGPD_V1")
    assert found is not None
    return found


async def wrote(database: Database, settings: Settings, client: int, content: str) -> tuple[int, UUID]:
    """A message of the client's, as the ingestion service stores it."""
    public_id = uuid7()
    message = Message.model_validate({"source": "whatsapp", "sender_id": "5511987654321", "content": content})
    sealed = Vault.of(settings).seal(message.packed(), context=body_context(public_id))
    async with database.connection() as connection:
        event: int = await connection.fetchval(
            "INSERT INTO crm.ingest_events (public_id, principal_id, account, source, body_digest,"
            " body_sealed, status, client_id)"
            " VALUES ($1, 1, 'default', 'whatsapp', '', $2, 'LINKED', $3) RETURNING id",
            public_id,
            sealed,
            client,
        )
    return event, public_id


async def decide(client: httpx.AsyncClient, contact: UUID, action: str, **more: Any) -> httpx.Response:
    body = {"client_id": str(contact), "action": action, **more}
    return await client.post("/crm/consents", json=body)


async def test_a_consent_is_noted_down_with_what_proves_it(
    client: httpx.AsyncClient, contact: UUID, database: Database
) -> None:
    unproven = await decide(client, contact, "GRANT")
    assert (unproven.status_code, unproven.json()["code"]) == (422, "evidence_required")
    made = await decide(client, contact, "GRANT", evidence=NOTE)
    assert made.status_code == 200, made.text
    assert made.json()["changed"]
    consent = made.json()["consent"]
    assert (consent["action"], consent["seq"], consent["channel"]) == ("GRANT", 1, "desk")
    again = (await decide(client, contact, "GRANT", evidence=NOTE)).json()
    assert (again["changed"], again["consent"]) == (False, consent)
    async with database.connection() as connection:
        stored = await connection.fetchval("SELECT body_sealed FROM crm.consent_evidence")
    assert NOTE.encode() not in stored


async def test_the_short_address_revokes_without_a_reason(client: httpx.AsyncClient, contact: UUID) -> None:
    await decide(client, contact, "GRANT", evidence=NOTE)
    revoked = await client.post("/consents", json={"client_id": str(contact), "action": "REVOKE"})
    assert (revoked.status_code, revoked.json()["changed"]) == (200, True)
    listed = (await client.get("/crm/consents", params={"client_id": str(contact)})).json()["items"]
    assert [item["action"] for item in listed] == ["REVOKE", "GRANT"]
    assert listed[0] == revoked.json()["consent"]


async def test_what_holds_now_is_told_of_each_purpose(client: httpx.AsyncClient, contact: UUID) -> None:
    async def now() -> dict[str, bool]:
        answer = await client.get("/crm/consents/current", params={"client_id": str(contact)})
        return {item["purpose"]: item["holds"] for item in answer.json()}

    await client.post("/privacy/notices", json={"purpose": "NEWS", "body": "Novidades?"})
    assert await now() == {}
    for purpose in ("LGPD_V1", "NEWS"):
        await decide(client, contact, "GRANT", evidence=NOTE, purpose=purpose)
    assert await now() == {"LGPD_V1": True, "NEWS": True}
    await decide(client, contact, "REVOKE", purpose="NEWS")
    assert await now() == {"LGPD_V1": True, "NEWS": False}
    await client.post("/privacy/notices", json={"purpose": "LGPD_V1", "body": "Mais", "asks_again": True})
    assert await now() == {"LGPD_V1": False, "NEWS": False}
    nobody = await client.get("/crm/consents/current", params={"client_id": str(uuid4())})
    assert nobody.status_code == 404


async def test_the_ledger_is_read_in_pages(
    client: httpx.AsyncClient, people: People, notice: NoticeVersion
) -> None:
    one, other = await people.new(), await people.new()
    for who in (one, other, one):
        await (people.agrees if (await people.stands(who)) is None else people.refuses)(who, notice)
    everything = (await client.get("/crm/consents")).json()["items"]
    assert len(everything) == 3
    query: dict[str, Any] = {"client_id": str(await people.contact(one)), "purpose": "LGPD_V1", "limit": 1}
    first = (await client.get("/crm/consents", params=query)).json()
    second = (await client.get("/crm/consents", params={**query, "cursor": first["next_cursor"]})).json()
    assert [item["seq"] for item in first["items"] + second["items"]] == [2, 1]
    assert second["next_cursor"] is None
    for nobody in ({"client_id": str(uuid4())}, {"purpose": "ADS"}):
        assert (await client.get("/crm/consents", params=nobody)).json()["items"] == []


async def test_what_a_decision_names_has_to_be_there(
    client: httpx.AsyncClient, contact: UUID, people: People, database: Database, settings: Settings
) -> None:
    _, theirs = await wrote(database, settings, await people.new(), "sim")
    for more, pointer in (
        ({"client_id": str(uuid4())}, "/client_id"),
        ({"notice_id": str(uuid4())}, "/notice_id"),
        ({"purpose": "ADS"}, "/purpose"),
        ({"event_id": str(uuid4())}, "/event_id"),
        ({"event_id": str(theirs)}, "/event_id"),
    ):
        answer = await decide(client, contact, "REVOKE", **more)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (404, pointer)
    assert (await client.get("/crm/consents")).json()["items"] == []


async def test_a_stranger_can_check_the_proof(
    client: httpx.AsyncClient, people: People, notice: NoticeVersion, database: Database, settings: Settings
) -> None:
    who = await people.new()
    event, event_id = await wrote(database, settings, who, "Sim, concordo")
    async with database.connection() as connection, connection.transaction():
        await note_shown(connection, client=who, notice=notice.id, channel="whatsapp")
        await grant(
            connection,
            client=who,
            purpose="LGPD_V1",
            notice=notice.id,
            channel="whatsapp",
            event=event,
            actor=None,
        )
    await decide(client, await people.contact(who), "REVOKE", evidence=NOTE)
    revoked, granted = (await client.get("/crm/consents")).json()["items"]

    proof = (await client.get(f"/crm/consents/{granted['id']}/proof")).json()
    assert proof["consent"] == granted
    assert proof["notice"]["body"] == notice.body
    assert hashlib.sha256(proof["notice"]["body"].encode()).hexdigest() == granted["notice_sha256"]
    assert proof["shown"]["channel"] == "whatsapp"
    assert (proof["message"]["event_id"], proof["message"]["content"]) == (str(event_id), "Sim, concordo")
    previous = "00" * 32
    for link in proof["chain"]:
        assert hashlib.sha256(link["payload"].encode()).hexdigest() == link["hash"]
        assert json.loads(link["payload"])["prev"] == previous
        previous = link["hash"]
    first = json.loads(proof["chain"][0]["payload"])
    assert (first["id"], first["action"], first["event"]) == (granted["id"], "GRANT", str(event_id))
    assert first["notice_sha256"] == granted["notice_sha256"]

    second = (await client.get(f"/crm/consents/{revoked['id']}/proof")).json()
    evidence = second["evidence"]
    digest = hashlib.sha256(bytes.fromhex(evidence["salt"]) + evidence["text"].encode()).hexdigest()
    assert (evidence["text"], json.loads(second["chain"][1]["payload"])["evidence"]) == (NOTE, digest)
    assert (second["message"], second["consent"]["hash"]) == (None, previous)
    async with database.connection() as connection:
        reads = await connection.fetch("SELECT subject, what FROM ops.personal_data_reads")
    assert [tuple(read) for read in reads] == [(f"client/{granted['client_id']}", "consent_proof")] * 2
    assert (await client.get(f"/crm/consents/{uuid4()}/proof")).status_code == 404


async def test_a_proof_outlives_what_was_erased(
    client: httpx.AsyncClient, people: People, database: Database, settings: Settings
) -> None:
    who = await people.new()
    _, event_id = await wrote(database, settings, who, "sim")
    contact = await people.contact(who)
    made = (await decide(client, contact, "GRANT", evidence=NOTE, event_id=str(event_id))).json()["consent"]
    async with database.connection() as connection:
        await connection.execute("DELETE FROM crm.consent_evidence")
        await connection.execute("UPDATE crm.ingest_events SET body_sealed = ''")
    proof = (await client.get(f"/crm/consents/{made['id']}/proof")).json()
    assert (proof["evidence"], proof["message"]["content"]) == (None, None)
    assert (await client.get("/crm/consents/verify")).json()["intact"]


async def test_tampering_is_named(
    client: httpx.AsyncClient, people: People, notice: NoticeVersion, database: Database
) -> None:
    one, other = await people.new(), await people.new()
    for who in (one, other):
        await people.refuses(who, notice)
    clean = (await client.get("/crm/consents/verify")).json()
    assert (clean["intact"], clean["rows"], clean["clients"], clean["faults"]) == (True, 2, 2, [])
    await tamper(database, f"UPDATE crm.consents SET action = 'GRANT' WHERE client_id = {one}")
    found = (await client.get("/crm/consents/verify")).json()
    victim = str(await people.contact(one))
    assert not found["intact"]
    assert [(fault["code"], fault["client_id"]) for fault in found["faults"]] == [("altered", victim)]
    theirs = await client.get("/crm/consents/verify", params={"client_id": str(await people.contact(other))})
    assert (theirs.json()["intact"], theirs.json()["rows"]) == (True, 1)


async def test_notices_are_published_in_versions(client: httpx.AsyncClient) -> None:
    (first,) = (await client.get("/privacy/notices")).json()["items"]
    assert (first["purpose"], first["version"], first["is_current"]) == ("LGPD_V1", 1, True)
    assert hashlib.sha256(first["body"].encode()).hexdigest() == first["sha256"]
    assert all(word in first["body"] for word in ("revogar", "encarregado", "art. 18", "SIM ou NÃO"))
    body = {"purpose": "LGPD_V1", "body": "  Outro\r\ntexto  ", "asks_again": True}
    made = await client.post("/privacy/notices", json=body)
    assert made.status_code == 201
    second = made.json()
    assert (second["version"], second["body"], second["asks_again"]) == (2, "Outro\ntexto", True)
    assert (await client.get(f"/privacy/notices/{second['id']}")).json() == second
    assert not (await client.get(f"/privacy/notices/{first['id']}")).json()["is_current"]
    current = (await client.get("/privacy/notices", params={"current": "true"})).json()["items"]
    assert current == [second]
    page = (await client.get("/privacy/notices", params={"limit": 1})).json()
    rest = (await client.get("/privacy/notices", params={"cursor": page["next_cursor"]})).json()
    assert [item["version"] for item in page["items"] + rest["items"]] == [2, 1]
    assert (await client.get(f"/privacy/notices/{uuid4()}")).status_code == 404
    (entry,) = (await client.get("/audit", params={"action": "notice.published"})).json()["items"]
    assert entry["data"]["sha256"] == second["sha256"]


@pytest.mark.parametrize(
    "wrong",
    [{"purpose": "lgpd"}, {"body": " "}, {"language": "português"}, {"version": 7}, {"asks_again": 1}],
)
async def test_a_notice_that_is_none_is_refused(client: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    answer = await client.post("/privacy/notices", json={"purpose": "NEWS", "body": "x", **wrong})
    assert answer.status_code == 422


async def test_the_crm_reads_and_writes_decisions_but_does_not_word_notices(
    settings: Settings, database: Database, contact: UUID
) -> None:
    async with serving(create(settings), await make_key(database, [Scope.CRM])) as crm:
        assert (await decide(crm, contact, "REVOKE")).status_code == 200
        assert (await crm.get("/crm/consents")).status_code == 200
        assert (await crm.get("/crm/consents/verify")).status_code == 403
        assert (await crm.post("/privacy/notices", json={"purpose": "X", "body": "x"})).status_code == 403
    async with serving(create(settings), await make_key(database, [Scope.READ])) as reader:
        assert (await decide(reader, contact, "REVOKE")).status_code == 403
        assert (await reader.get("/crm/consents")).status_code == 403


async def test_published_text_cannot_be_changed_by_the_service_itself(database: Database) -> None:
    async with database.connection() as connection:
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute("UPDATE crm.notices SET body = 'x', sha256 = sha256('x'::bytea)")
