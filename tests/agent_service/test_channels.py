from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from agent_service.main import create
from core.apikeys import Scope
from core.channels import Channel, Secret, find_channel
from core.db import Database
from core.settings import Settings
from core.vault import Vault
from tests.api import make_key, serving

EMAIL = {
    "account": "contato",
    "kind": "email",
    "name": "Contato",
    "config": {"mailbox": "Contato@Example.com", "smtp_host": "127.0.0.1", "smtp_port": 2525},
    "secrets": {"smtp_password": "a password of thirty characters"},
}


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create(settings), await make_key(database)) as client:
        yield client


async def opened(database: Database, settings: Settings, account: str) -> Channel:
    async with database.connection() as connection:
        channel = await find_channel(connection, Vault.of(settings), account)
    assert channel is not None
    return channel


async def make(client: httpx.AsyncClient, **more: Any) -> httpx.Response:
    return await client.post("/channels", json={**EMAIL, **more})


async def change(client: httpx.AsyncClient, etag: str, **what: Any) -> httpx.Response:
    return await client.patch("/channels/contato", json=what, headers={"If-Match": etag})


async def test_secrets_go_in_and_only_those_made_up_come_out_once(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    answer = await make(client)
    assert (answer.status_code, answer.headers["location"]) == (201, "/channels/contato")
    assert set(answer.json()["generated"]) == {"webhook_secret"}
    read = await client.get("/channels/contato")
    secret = answer.json()["generated"]["webhook_secret"]
    assert read.json()["secrets"]["webhook_secret"] == {"is_set": True, "last4": secret[-4:]}
    assert read.json()["secrets"]["smtp_password"] == {"is_set": True, "last4": "ters"}
    assert secret not in read.text
    channel = await opened(database, settings, "contato")
    assert channel.secrets[Secret.WEBHOOK_SECRET] == secret
    assert channel.config.mailbox == "contato@example.com"
    assert secret not in repr(channel)
    async with database.transaction() as session:
        row = await session.scalar(text("SELECT c::text FROM crm.channels c"))
    assert b"thirty characters".hex() not in row


async def test_a_change_holds_at_once_and_keeps_the_rest(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    etag = (await make(client)).headers["etag"]
    answer = await change(
        client,
        etag,
        assistant_on=True,
        config={"smtp_port": 25, "smtp_host": None},
        secrets={"smtp_password": None, "webhook_secret": "another secret"},
    )
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    channel = await opened(database, settings, "contato")
    assert (channel.assistant_on, channel.is_active, channel.name) == (True, True, "Contato")
    assert channel.config.model_dump(exclude_none=True) == {"mailbox": "contato@example.com", "smtp_port": 25}
    assert channel.secrets[Secret.WEBHOOK_SECRET] == "another secret"
    assert set(channel.secrets) == {Secret.WEBHOOK_SECRET, Secret.REPLY_SECRET}


async def test_nobody_overwrites_what_they_have_not_seen(client: httpx.AsyncClient) -> None:
    etag = (await make(client)).headers["etag"]
    assert (await client.patch("/channels/contato", json={"name": "x"})).status_code == 428
    assert (await change(client, etag, name="um")).status_code == 200
    assert (await change(client, etag, name="dois")).status_code == 412
    assert (await client.get("/channels/contato")).json()["name"] == "um"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"config": {"instance": "x"}}, "not_of_this_kind"),
        ({"secrets": {"app_secret": "long enough"}}, "not_of_this_kind"),
        ({"config": {"mailbox": "no address"}}, "validation_failed"),
        ({"secrets": {"webhook_secret": "short"}}, "validation_failed"),
        ({"kind": "fax"}, "validation_failed"),
        ({"account": "Com Espaço"}, "validation_failed"),
    ],
)
async def test_what_cannot_be_an_account_is_refused(
    client: httpx.AsyncClient, wrong: dict[str, Any], code: str
) -> None:
    answer = await make(client, **wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await client.get("/channels")).json()["items"] == []


@pytest.mark.parametrize("address", ["ftp://x", "http://", "http://a:b@c", "http://[::1", "http://a:x", "h"])
async def test_an_address_is_a_web_address(client: httpx.AsyncClient, address: str) -> None:
    config = {"base_url": address}
    body = {"account": "zap", "kind": "evolution", "name": "Zap", "config": config}
    assert (await client.post("/channels", json=body)).status_code == 422


async def test_an_account_is_there_once_and_goes(client: httpx.AsyncClient) -> None:
    await make(client)
    assert (await make(client)).json()["code"] == "account_taken"
    assert (await client.delete("/channels/contato")).status_code == 204
    assert (await client.delete("/channels/contato")).status_code == 404
    assert (await client.get("/channels/contato")).status_code == 404
    assert (await change(client, '"1"', name="x")).status_code == 404


async def test_accounts_are_listed_by_page(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await make(client, account=f"conta-{number}")
    first = (await client.get("/channels?limit=2")).json()
    rest = (await client.get(f"/channels?limit=2&cursor={first['next_cursor']}")).json()
    assert [item["account"] for item in first["items"] + rest["items"]] == ["conta-0", "conta-1", "conta-2"]
    assert rest["next_cursor"] is None


async def test_only_who_manages_channels_may(settings: Settings, database: Database) -> None:
    async with serving(create(settings), await make_key(database, [Scope.READ])) as reader:
        assert (await reader.get("/channels")).status_code == 403
        assert (await make(reader)).status_code == 403


async def test_what_is_done_about_an_account_is_audited_without_its_secrets(
    client: httpx.AsyncClient, database: Database
) -> None:
    await make(client)
    etag = (await client.get("/channels/contato")).headers["etag"]
    await change(client, etag, assistant_on=True, secrets={"smtp_password": "another of many characters"})
    await client.delete("/channels/contato")
    async with database.transaction() as session:
        entries = await session.execute(
            text("SELECT action, data FROM ops.audit_log WHERE subject = 'channel/contato' ORDER BY id")
        )
        assert [tuple(entry) for entry in entries] == [
            ("channel.created", {}),
            ("channel.changed", {"members": "assistant_on,secrets"}),
            ("channel.deleted", {}),
        ]


@pytest.mark.parametrize("where", [{"smtp_host": "127.0.0.2"}, {"smtp_port": 25}, {"smtp_security": "none"}])
async def test_a_secret_is_not_sent_to_a_server_it_was_not_given_for(
    client: httpx.AsyncClient, where: dict[str, Any]
) -> None:
    etag = (await make(client)).headers["etag"]
    refused = await change(client, etag, config=where)
    assert (refused.status_code, refused.json()["code"]) == (422, "secret_needed_anew")
    assert (await change(client, etag, config={"mailbox": "sac@example.com"})).status_code == 200
    given = {"smtp_password": "the password of that server"}
    assert (await change(client, '"2"', config=where, secrets=given)).status_code == 200
