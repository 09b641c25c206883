import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core.contacts.message import ChannelMessage
from core.db import Database
from core.settings import Settings
from tests.accounts import make_channel
from tests.hostile.corpus import BODIES

Said = Callable[[], Awaitable[list[ChannelMessage]]]

SECRET = "the secret of this webhook"
PHONE, LID = "5511987654321@s.whatsapp.net", "987654321012345@lid"


@pytest.fixture(autouse=True)
async def _account(database: Database, settings: Settings) -> None:
    await make_channel(database, settings, "zap", "evolution", secrets={"webhook_secret": SECRET})


def upsert(
    message: Any, *, jid: str = PHONE, key: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    data = {
        "key": {"remoteJid": jid, "fromMe": False, "id": "3EB0A1", **(key or {})},
        "pushName": "Maria",
        "message": message,
        "messageType": "conversation",
        "messageTimestamp": 1749416383,
        **more,
    }
    return {"event": "messages.upsert", "instance": "atendimento", "data": data, "apikey": "x"}


async def deliver(
    client: httpx.AsyncClient, body: Any, secret: str = SECRET, account: str = "zap"
) -> httpx.Response:
    headers = {"X-Webhook-Secret": secret, "Content-Type": "application/json"}
    return await client.post(f"/webhooks/evoapi/{account}", content=json.dumps(body), headers=headers)


async def test_the_shortest_message_is_stored_and_tied_to_its_sender(
    client: httpx.AsyncClient, database: Database, said: Said
) -> None:
    answer = await deliver(client, {"sender_id": "5511987654321", "message": "bom dia"})
    assert answer.status_code == 200, answer.text
    [taken] = answer.json()["messages"]
    assert taken["contact_id"]
    assert taken["duplicate"] is False
    [message] = await said()
    assert (message.account, message.source, message.content) == ("zap", "whatsapp", "bom dia")
    async with database.transaction() as session:
        row = (await session.execute(text("SELECT principal_id, status::text FROM crm.ingest_events"))).one()
    assert tuple(row) == (None, "LINKED")


@pytest.mark.parametrize(
    ("message", "content", "kind"),
    [
        ({"conversation": "oi"}, "oi", "text"),
        ({"extendedTextMessage": {"text": "veja", "contextInfo": {"stanzaId": "3EB0"}}}, "veja", "text"),
        ({"imageMessage": {"caption": "o boleto", "mimetype": "image/jpeg"}}, "o boleto", "image"),
        ({"imageMessage": {"mimetype": "image/jpeg"}}, "[imagem]", "image"),
        ({"documentMessage": {"fileName": "a.pdf"}}, "[documento: a.pdf]", "document"),
        ({"audioMessage": {"seconds": 3}}, "[áudio]", "audio"),
        ({"ephemeralMessage": {"message": {"conversation": "some"}}}, "some", "text"),
        (
            {"documentWithCaptionMessage": {"message": {"documentMessage": {"caption": "segue"}}}},
            "segue",
            "document",
        ),
        ({"buttonsResponseMessage": {"selectedDisplayText": "Sim"}}, "Sim", "interactive"),
        ({"reactionMessage": {"text": "👍", "key": {"id": "3EB0"}}}, "[reação: 👍]", "reaction"),
        ({"locationMessage": {"name": "Praça"}}, "[localização: Praça]", "location"),
        ({"contactMessage": {"displayName": "João"}}, "[contato: João]", "contacts"),
        ({"somethingNew": {}}, "[mensagem que não pode ser mostrada]", "unsupported"),
        ({"conversation": "a\ud83d\x00b"}, "a\ufffd\ufffdb", "text"),
    ],
)
async def test_all_a_person_sends_is_legible(
    client: httpx.AsyncClient, said: Said, message: Any, content: str, kind: str
) -> None:
    answer = await deliver(client, upsert(message))
    assert answer.json()["messages"][0]["contact_id"]
    [stored] = await said()
    assert (stored.content, stored.metadata["type"]) == (content, kind)
    assert (stored.sender_name, stored.metadata["message_id"]) == ("Maria", "3EB0A1")
    assert stored.sent_at is not None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (upsert({"conversation": "x"}, key={"fromMe": True}), "from_me"),
        (upsert({"conversation": "x"}, jid="120363@g.us"), "group"),
        (upsert({"conversation": "x"}, jid="status@broadcast"), "broadcast"),
        (upsert({"conversation": "x"}, jid="1@newsletter"), "newsletter"),
        (upsert({"conversation": "x"}, jid=""), "no_sender"),
        (upsert({"protocolMessage": {"type": 0}}), "protocol"),
        (upsert(None), "protocol"),
        ({"event": "connection.update", "data": {"state": "open"}}, "event"),
        ({"event": "messages.upsert", "data": [upsert(None)["data"]]}, "protocol"),
    ],
)
async def test_what_is_no_message_to_us_is_ignored_with_a_reason(
    client: httpx.AsyncClient, said: Said, body: Any, reason: str
) -> None:
    answer = await deliver(client, body)
    assert (answer.status_code, answer.json()["messages"], answer.json()["ignored"]) == (200, [], [reason])
    assert await said() == []


async def test_a_hidden_address_is_no_phone_and_leads_to_the_same_person_once_both_were_seen(
    client: httpx.AsyncClient,
) -> None:
    both = await deliver(client, upsert({"conversation": "1"}, jid=LID, key={"id": "a", "senderPn": PHONE}))
    hidden = await deliver(client, upsert({"conversation": "2"}, jid=LID, key={"id": "b"}))
    phone = await deliver(client, upsert({"conversation": "3"}, key={"id": "c"}))
    digits = await deliver(client, {"sender_id": "987654321012345", "message": "4"})
    people = [answer.json()["messages"][0]["contact_id"] for answer in (both, hidden, phone, digits)]
    assert len(set(people[:3])) == 1
    assert people[3] != people[0]


async def test_a_message_delivered_again_is_the_same_one(
    client: httpx.AsyncClient, database: Database, said: Said
) -> None:
    first = (await deliver(client, upsert({"conversation": "oi"}))).json()["messages"][0]
    again = (await deliver(client, upsert({"conversation": "oi"}))).json()["messages"][0]
    assert again == {**first, "duplicate": True}
    assert len(await said()) == 1
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM crm.channel_payloads")) == 1


@pytest.mark.parametrize(
    "body", [{}, {"sender_id": "5511987654321"}, {"message": "x"}, {"sender_id": 1, "message": {}}, []]
)
async def test_a_body_that_is_neither_shape_is_refused(client: httpx.AsyncClient, body: Any) -> None:
    answer = await deliver(client, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "not_a_message")


async def test_who_does_not_hold_the_secret_learns_nothing(
    client: httpx.AsyncClient, database: Database, settings: Settings, said: Said
) -> None:
    await make_channel(
        database, settings, "off", "evolution", is_active=False, secrets={"webhook_secret": SECRET}
    )
    await make_channel(database, settings, "mail", "email", secrets={"webhook_secret": SECRET})
    body = {"sender_id": "5511987654321", "message": "x"}
    answers = [
        await deliver(client, body, "wrong", account)
        for account in ("zap", "off", "nobody", "mail", "-", "ZAP")
    ]
    answers.append(await client.post("/webhooks/evoapi/zap", json=body))
    answers.append(await deliver(client, body, account="mail"))
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert (await deliver(client, body, account="off")).status_code == 404
    assert await said() == []


@pytest.mark.parametrize(
    "headers",
    [{"apikey": SECRET}, {"Authorization": f"Basic {base64.b64encode(f'x:{SECRET}'.encode()).decode()}"}],
)
async def test_the_secret_may_come_in_other_headers(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    body = {"sender_id": "5511987654321", "message": "x"}
    assert (await client.post("/webhooks/evoapi/zap", json=body, headers=headers)).status_code == 200


async def test_no_body_breaks_the_door(client: httpx.AsyncClient) -> None:
    for body in BODIES:
        answer = await client.post(
            "/webhooks/evoapi/zap",
            content=body,
            headers={"apikey": SECRET, "content-type": "application/json"},
        )
        assert answer.status_code < 500, body[:80]
