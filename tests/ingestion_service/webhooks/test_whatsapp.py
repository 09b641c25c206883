import asyncio
import hashlib
import hmac
import itertools
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
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
SECRET, TOKEN, NUMBER = "the app secret of Meta", "the verify token", "106540352242922"
FOLDER = Path(__file__).parent / "whatsapp"
ADDRESS = "/webhooks/whatsapp/oficial"


@pytest.fixture(autouse=True)
async def _account(database: Database, settings: Settings) -> None:
    await make_channel(
        database,
        settings,
        "oficial",
        "whatsapp_cloud",
        config={"phone_number_id": NUMBER},
        secrets={"app_secret": SECRET, "verify_token": TOKEN},
    )


def fixture(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def post(
    client: httpx.AsyncClient, body: bytes, signature: str | None = None, address: str = ADDRESS
) -> httpx.Response:
    headers = {"X-Hub-Signature-256": signature or sign(body), "Content-Type": "application/json"}
    return await client.post(address, content=body, headers=headers)


async def deliver(client: httpx.AsyncClient, *names: str) -> list[dict[str, Any]]:
    answers = [await post(client, fixture(name)) for name in names]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json() for answer in answers]


async def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    async with database.transaction() as session:
        return [tuple(row) for row in await session.execute(text(statement))]


async def clients(database: Database) -> list[int]:
    found = await rows(database, "SELECT status::text, client_id FROM crm.ingest_events ORDER BY id")
    assert {status for status, _ in found} <= {"LINKED"}
    return [client for _, client in found]


@pytest.mark.parametrize(
    ("name", "content", "about"),
    [
        ("text", "Bom dia! Como tiro a segunda via do boleto? 😀", {"type": "text"}),
        ("reply", "Esse aqui", {"reply_to": "wamid.ANTES"}),
        ("image", "Este é o boleto", {"type": "image"}),
        ("audio", "[áudio]", {"type": "audio"}),
        ("document", "[documento: contrato.pdf]", {"type": "document"}),
        ("sticker", "[figurinha]", {"type": "sticker"}),
        ("location", "[localização: Praça da Sé, Sé, São Paulo]", {"type": "location"}),
        ("contacts", "[contato: João Exemplo]", {"type": "contacts"}),
        ("button", "Quero", {"choice": "QUERO", "reply_to": "wamid.MODELO"}),
        ("button_reply", "Sim", {"choice": "sim"}),
        ("list_reply", "Boletos", {"choice": "l2"}),
        ("reaction", "[reação: 👍]", {"reply_to": "wamid.ANTES", "auto": True}),
        ("order", "[pedido: 1 item(ns)]", {"type": "order"}),
        ("unsupported", "[mensagem que não pode ser mostrada]", {"errors": ["131051"]}),
        ("unknown_fields", "com novidades", {"type": "text"}),
        ("username_without_phone", "oi, sem número", {"type": "text"}),
        ("phone_and_user_id", "oi, com os dois", {"type": "text"}),
        ("without_profile", "oi", {"type": "text"}),
        ("without_contacts", "oi", {"type": "text"}),
    ],
)
async def test_what_people_send_is_stored_legibly_and_linked(
    client: httpx.AsyncClient, database: Database, said: Said, name: str, content: str, about: dict[str, Any]
) -> None:
    [answer] = await deliver(client, name)
    assert (len(answer["messages"]), answer["ignored"]) == (1, [])
    [message] = await said()
    assert (message.account, message.content) == ("oficial", content)
    assert about.items() <= message.metadata.items()
    assert message.metadata["phone_number_id"] == NUMBER
    assert len(await clients(database)) == 1


async def test_media_can_be_fetched_later(client: httpx.AsyncClient, said: Said) -> None:
    await deliver(client, "image")
    [message] = await said()
    media = message.metadata["media"]
    assert isinstance(media, dict)
    assert (media["id"], media["mime"]) == ("2754859441498128", "image/jpeg")


async def test_a_hidden_number_and_its_user_id_are_one_person(
    client: httpx.AsyncClient, database: Database
) -> None:
    await deliver(client, "username_without_phone", "phone_and_user_id", "text")
    assert len(set(await clients(database))) == 1


@pytest.mark.parametrize("count", [27])
async def test_all_messages_of_a_batch_are_stored_in_order(
    client: httpx.AsyncClient, database: Database, said: Said, count: int
) -> None:
    [answer] = await deliver(client, "batch_3x3x3")
    assert len(answer["messages"]) == count
    assert [message.content for message in await said()] == [f"mensagem {n}" for n in range(1, count + 1)]
    assert len(set(await clients(database))) == 9


async def test_a_bad_message_does_not_take_its_neighbours_along(
    client: httpx.AsyncClient, said: Said
) -> None:
    body = json.loads(fixture("batch_3x3x3"))
    messages = body["entry"][1]["changes"][1]["value"]["messages"]
    messages[0] = {"id": ["no", "id"], "type": {"of": "nothing"}}
    messages[1]["text"] = "no object"
    messages[2] = None
    body["entry"][0]["changes"][0] = 7
    body["entry"][2]["changes"][0]["value"] = []
    answer = await post(client, json.dumps(body).encode())
    assert answer.status_code == 200
    assert set(answer.json()["ignored"]) == {"no_sender", "field"}
    assert len(await said()) == 27 - 3 - 2 - 3
    assert "[mensagem que não pode ser mostrada]" in [message.content for message in await said()]


async def test_copies_at_once_and_in_other_batches_are_one_message(
    client: httpx.AsyncClient, database: Database
) -> None:
    bodies = [fixture("batch_3x3x3")] * 8
    single = json.loads(fixture("batch_3x3x3"))
    single["entry"] = single["entry"][1:]
    bodies.append(json.dumps(single).encode())
    answers = await asyncio.gather(*(post(client, body) for body in bodies))
    assert {answer.status_code for answer in answers} <= {200, 503}
    await deliver(client, "batch_3x3x3")
    assert len(await clients(database)) == 27
    assert await rows(database, "SELECT count(*) FROM crm.clients") == [(9,)]
    fresh = [
        item for answer in answers for item in answer.json().get("messages", []) if not item["duplicate"]
    ]
    assert len(fresh) == 27


async def test_the_same_id_at_another_number_is_another_message(
    client: httpx.AsyncClient, database: Database
) -> None:
    body = fixture("text")
    await post(client, body)
    await post(client, body.replace(NUMBER.encode(), b"1111"))
    assert len(await clients(database)) == 2


async def test_one_address_serves_all_numbers_of_its_app(
    client: httpx.AsyncClient, database: Database, settings: Settings, said: Said
) -> None:
    for account, number, secret in (("outro", "1111", SECRET), ("alheio", "2222", "another app's secret")):
        config, secrets = {"phone_number_id": number}, {"app_secret": secret}
        await make_channel(database, settings, account, "whatsapp_cloud", config=config, secrets=secrets)
    body = fixture("text")
    for number in (b"1111", b"2222", b"3333"):
        await post(client, body.replace(NUMBER.encode(), number))
    assert [message.account for message in await said()] == ["outro", "oficial", "oficial"]


async def test_statuses_rise_in_any_order_and_never_fall(
    client: httpx.AsyncClient, database: Database
) -> None:
    names = ("status_sent", "status_delivered", "status_failed", "status_read")
    for order in itertools.permutations(names):
        await rows(database, "DELETE FROM crm.message_statuses RETURNING id")
        await deliver(client, *order)
        statement = "SELECT message_id, status::text, error_code FROM crm.message_statuses"
        assert await rows(database, statement) == [("wamid.NOSSA", "read", None)]


async def test_a_message_that_was_delivered_may_still_have_failed(
    client: httpx.AsyncClient, database: Database
) -> None:
    await deliver(client, "status_failed", "status_delivered", "status_sent")
    statement = "SELECT status::text, error_code FROM crm.message_statuses"
    assert await rows(database, statement) == [("failed", "131047")]


async def test_of_several_statuses_in_one_batch_the_highest_counts(
    client: httpx.AsyncClient, database: Database
) -> None:
    body = json.loads(fixture("status_read"))
    others = [json.loads(fixture(f"status_{name}")) for name in ("sent", "delivered")]
    body["entry"] += [entry for other in others for entry in other["entry"]]
    answer = await post(client, json.dumps(body).encode())
    assert answer.json()["statuses"] == 3
    assert await rows(database, "SELECT status::text FROM crm.message_statuses") == [("read",)]


async def test_of_an_echo_the_customer_is_who_it_went_to(
    client: httpx.AsyncClient, database: Database, said: Said
) -> None:
    await deliver(client, "phone_and_user_id", "echoes")
    assert len(set(await clients(database))) == 1
    [_, *echoes] = await said()
    assert {message.metadata["direction"] for message in echoes} == {"out"}
    assert all(message.metadata["auto"] for message in echoes)
    assert await rows(database, "SELECT count(*) FROM crm.identities WHERE match_key LIKE '%30001234'") == [
        (0,)
    ]


LIVE = "SELECT match_key FROM crm.identities WHERE valid_to IS NULL ORDER BY match_key"
ENDED = "SELECT match_key FROM crm.identities WHERE valid_to IS NOT NULL"


async def test_a_new_number_is_the_same_person_and_the_old_one_is_nobodys(
    client: httpx.AsyncClient, database: Database, said: Said
) -> None:
    await deliver(client, "text", "number_changed", "number_changed")
    assert await rows(database, LIVE) == [("br:2187650000",)]
    assert await rows(database, ENDED) == [("br:1187654321",)]
    body = fixture("reply").replace(b'"from": "5511987654321"', b'"from": "5521987650000"')
    await post(client, body)
    await deliver(client, "image")
    first, change, with_new, with_old = await clients(database)
    assert first == change == with_new != with_old
    assert (await said())[1].metadata["auto"] is True


async def test_a_new_number_that_is_somebody_elses_is_for_a_human(
    client: httpx.AsyncClient, database: Database
) -> None:
    await post(client, fixture("text").replace(b"5511987654321", b"5521987650000"))
    await deliver(client, "reply", "number_changed")
    other, old, change = await clients(database)
    assert other != old == change
    assert await rows(database, "SELECT client_ids FROM crm.identity_conflicts") == [(sorted((other, old)),)]
    assert await rows(database, LIVE) == [("br:2187650000",)]


async def test_who_was_never_known_by_the_old_number_is_known_by_the_new_one(
    client: httpx.AsyncClient, database: Database
) -> None:
    await deliver(client, "number_changed")
    assert await rows(database, LIVE) == [("br:2187650000",)]
    assert await rows(database, ENDED) == []


async def test_a_new_user_id_takes_the_place_of_the_old_one(
    client: httpx.AsyncClient, database: Database
) -> None:
    await deliver(client, "username_without_phone", "user_id_changed")
    live = [key for (key,) in await rows(database, LIVE)]
    assert "BR.99991208655302741918" in live
    assert await rows(database, ENDED) == [("BR.13491208655302741918",)]
    assert len(set(await clients(database))) == 1


@pytest.mark.parametrize(("name", "reason"), [("account_update", "field"), ("errors", "errors")])
async def test_what_tells_of_no_message_is_kept_and_named(
    client: httpx.AsyncClient, database: Database, name: str, reason: str
) -> None:
    [answer] = await deliver(client, name)
    assert answer["ignored"] == [reason]
    assert await rows(database, "SELECT count(*) FROM crm.channel_payloads") == [(1,)]


async def test_forged_deliveries_leave_nothing(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    await make_channel(
        database, settings, "off", "whatsapp_cloud", is_active=False, secrets={"app_secret": SECRET}
    )
    await make_channel(database, settings, "bare", "whatsapp_cloud")
    body = fixture("text")
    forged = ["sha256=", "sha1=" + sign(body)[7:], sign(body)[7:], sign(body, "x"), sign(body + b" "), "ção"]
    answers = [await post(client, body, item) for item in forged if item.isascii()]
    answers.append(await client.post(ADDRESS, content=body))
    answers.append(
        await client.post(ADDRESS, content=body, headers=[("X-Hub-Signature-256", sign(body))] * 2)
    )
    answers += [await post(client, body, address=f"/webhooks/whatsapp/{name}") for name in ("nobody", "bare")]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert (await post(client, body, address="/webhooks/whatsapp/off")).status_code == 404
    for table in ("ingest_events", "channel_payloads"):
        assert await rows(database, f"SELECT count(*) FROM crm.{table}") == [(0,)]


async def test_the_bytes_are_signed_and_no_others(client: httpx.AsyncClient) -> None:
    body = json.dumps(json.loads(fixture("text")), ensure_ascii=True).encode()
    assert (await post(client, body, sign(fixture("text")))).status_code == 401
    assert (await post(client, body)).status_code == 200


async def shake(client: httpx.AsyncClient, address: str = ADDRESS, **more: str) -> httpx.Response:
    query = {"hub.mode": "subscribe", "hub.verify_token": TOKEN, "hub.challenge": "1158201444", **more}
    return await client.get(address, params=query)


async def test_the_handshake_answers_the_challenge(client: httpx.AsyncClient) -> None:
    answer = await shake(client)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")


async def test_a_wrong_handshake_is_refused(client: httpx.AsyncClient) -> None:
    refused = [
        await shake(client, **{"hub.verify_token": "x"}),
        await shake(client, address="/webhooks/whatsapp/nobody"),
    ]
    assert {answer.status_code for answer in refused} == {403}
    odd = [
        await shake(client, **{"hub.mode": "unsubscribe"}),
        await shake(client, **{"hub.challenge": "<script>"}),
        await client.get(ADDRESS),
    ]
    assert {answer.status_code for answer in odd} == {422}


async def test_no_signed_body_breaks_the_door(client: httpx.AsyncClient) -> None:
    shapes = [fixture("text").replace(b'"text"', value) for value in (b"[]", b"null", b"1e3")]
    for body in [*BODIES, *shapes]:
        assert (await post(client, body)).status_code < 500, body[:80]


async def test_what_came_is_kept_byte_by_byte_and_sealed(
    client: httpx.AsyncClient, database: Database
) -> None:
    await deliver(client, "unknown_fields", "unknown_fields")
    [(stored,)] = await rows(database, "SELECT body_sealed FROM crm.channel_payloads")
    assert b"something_new" not in stored
    assert len(stored) > len(fixture("unknown_fields"))
