import base64
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from agent_service.main import create
from core.apikeys import Scope
from core.db import Database
from core.settings import Settings
from tests.api import make_key, serving
from tests.patience import until
from tests.worker_service.webhooks.receiver import Office, Receiver, receiving, status


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def settings(settings: Settings, receiver: Receiver) -> Settings:
    return settings.model_copy(update={"webhook_allowed_hosts": frozenset({f"127.0.0.1:{receiver.port}"})})


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create(settings), await make_key(database)) as client:
        yield client


@pytest.fixture
def office(database: Database, settings: Settings) -> Office:
    return Office(database, settings)


async def make(client: httpx.AsyncClient, url: str, **more: Any) -> dict[str, Any]:
    answer = await client.post("/webhooks", json={"url": url, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def key_of(secret: str) -> bytes:
    """As the receiver reads it, by the specification."""
    assert secret.startswith("whsec_")
    return base64.b64decode(secret.removeprefix("whsec_"))


async def ended(client: httpx.AsyncClient, delivery: str) -> dict[str, Any]:
    async def over() -> bool:
        return (await client.get(f"/webhooks/deliveries/{delivery}")).json()["attempts"] != []

    await until(over)
    found: dict[str, Any] = (await client.get(f"/webhooks/deliveries/{delivery}")).json()
    return found


async def test_a_subscription_is_made_and_its_secret_shown_once(
    client: httpx.AsyncClient, receiver: Receiver, database: Database
) -> None:
    made = await make(client, receiver.url(), types=["ticket.opened", "case.opened", "ticket.opened"])
    assert made["types"] == ["case.opened", "ticket.opened"]
    assert len(key_of(made["secret"])) == 32
    shown = (await client.get(f"/webhooks/{made['id']}")).json()
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert (shown["status"], shown["waiting"]) == ("ACTIVE", 0)
    assert (await client.get("/webhooks")).json()["items"] == [shown]
    async with database.connection() as connection:
        sealed = await connection.fetchval("SELECT sealed FROM ops.webhook_secrets")
        actions = await connection.fetch("SELECT action FROM ops.audit_log ORDER BY id")
    assert key_of(made["secret"]) not in sealed
    assert "webhook.made" in [row["action"] for row in actions]


async def test_a_test_event_arrives_signed_with_the_shown_secret(
    client: httpx.AsyncClient, receiver: Receiver, office: Office
) -> None:
    made = await make(client, receiver.url())
    await make(client, receiver.url("/other"))
    answer = await client.post(f"/webhooks/{made['id']}/test")
    assert answer.status_code == 202
    async with office.open():
        delivery = await ended(client, answer.json()["id"])
    assert (delivery["status"], delivery["type"]) == ("DELIVERED", "webhook.test")
    assert delivery["attempts"][0]["status_code"] == 200
    [call] = receiver.calls
    assert call.is_signed_with(key_of(made["secret"]))
    assert call.json()["data"] == {"webhook_id": made["id"]}


async def test_after_a_rotation_both_secrets_sign_for_a_while(
    client: httpx.AsyncClient, receiver: Receiver, office: Office
) -> None:
    made = await make(client, receiver.url())
    path = f"/webhooks/{made['id']}"
    rotated = (await client.post(f"{path}/rotate-secret", json={"overlap_hours": 2})).json()
    until = datetime.fromisoformat(rotated["old_valid_until"])
    assert timedelta(hours=1.9) < until - datetime.now(UTC) < timedelta(hours=2.1)
    async with office.open():
        await ended(client, (await client.post(f"{path}/test")).json()["id"])
        last = (await client.post(f"{path}/rotate-secret", json={"overlap_hours": 0})).json()
        await ended(client, (await client.post(f"{path}/test")).json()["id"])
    first, second = receiver.calls
    old, new, newest = (key_of(item["secret"]) for item in (made, rotated, last))
    assert [first.is_signed_with(key) for key in (old, new, newest)] == [True, True, False]
    assert [second.is_signed_with(key) for key in (old, new, newest)] == [False, False, True]


async def test_secrets_do_not_pile_up(
    client: httpx.AsyncClient, receiver: Receiver, database: Database
) -> None:
    made = await make(client, receiver.url())
    for _ in range(8):
        await client.post(f"/webhooks/{made['id']}/rotate-secret", json={"overlap_hours": 168})
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM ops.webhook_secrets") == 5


@pytest.mark.parametrize(
    "url",
    [
        "http://public.example/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00::1]/",
        "https://private.example/",
        "https://nowhere.example/",
        "https://user:password@public.example/",
        "https://public.example:8443/",
        "ftp://public.example/",
        "https://public.example\\@127.0.0.1/",
        "not a URL",
    ],
)
async def test_addresses_that_may_not_be_told_are_refused(
    client: httpx.AsyncClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    addresses = {"public.example": "93.184.215.14", "private.example": "10.0.0.5"}

    def resolve(host: Any, port: Any, *_: Any, **__: Any) -> Any:
        if host not in addresses:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (addresses[host], port))]

    made = await make(client, receiver.url())
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert (await client.post("/webhooks", json={"url": "https://public.example/"})).status_code == 201
    for answer in (
        await client.post("/webhooks", json={"url": url}),
        await client.patch(f"/webhooks/{made['id']}", json={"url": url}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "webhook_address_refused")
    assert (await client.get(f"/webhooks/{made['id']}")).json()["url"] == receiver.url()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": ""},
        {"url": "https://public.example/", "types": ["ticket.eaten"]},
        {"url": "https://public.example/", "types": ["webhook.test"]},
        {"url": "https://public.example/", "secret": "mine"},
    ],
)
async def test_bad_subscriptions_are_refused(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await client.post("/webhooks", json=body)).status_code == 422
    assert (await client.get("/webhooks")).json()["items"] == []


async def test_what_is_not_given_stays(client: httpx.AsyncClient, receiver: Receiver) -> None:
    made = await make(client, receiver.url(), types=["case.opened"], description="ERP")
    path = f"/webhooks/{made['id']}"
    changed = (await client.patch(path, json={"description": None})).json()
    assert (changed["description"], changed["types"], changed["url"]) == (
        None,
        ["case.opened"],
        made["url"],
    )
    assert (await client.patch(path, json={"types": []})).json()["types"] == []
    assert (await client.patch(path, json={})).status_code == 422


async def test_a_paused_one_is_not_told_and_what_waited_comes_later(
    client: httpx.AsyncClient, receiver: Receiver, office: Office
) -> None:
    made = await make(client, receiver.url())
    path = f"/webhooks/{made['id']}"
    waiting = (await client.post(f"{path}/test")).json()
    assert (await client.patch(path, json={"status": "PAUSED"})).json()["status"] == "PAUSED"
    refused = await client.post(f"{path}/test")
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_inactive")
    async with office.open():
        await office.happen()
        await until(office.all_told)
        assert (await client.get(path)).json()["waiting"] == 1
        await client.patch(path, json={"status": "ACTIVE"})
        await ended(client, waiting["id"])
    assert [call.json()["type"] for call in receiver.calls] == ["webhook.test"]


async def test_one_disabled_by_410_says_so_and_can_be_brought_back(
    client: httpx.AsyncClient, receiver: Receiver, office: Office
) -> None:
    receiver.answers["/"] = [status(410), status(200)]
    made = await make(client, receiver.url())
    path = f"/webhooks/{made['id']}"
    async with office.open():
        delivery = (await client.post(f"{path}/test")).json()
        await ended(client, delivery["id"])
        shown = (await client.get(path)).json()
        assert (shown["status"], shown["disabled_reason"]) == ("DISABLED", "gone")
        back = (await client.patch(path, json={"status": "ACTIVE"})).json()
        assert (back["disabled_reason"], back["failing_since"]) == (None, None)
        await client.post(f"/webhooks/deliveries/{delivery['id']}/replay")

        async def delivered() -> bool:
            found = (await client.get(f"/webhooks/deliveries/{delivery['id']}")).json()
            return bool(found["status"] == "DELIVERED")

        await until(delivered)
    assert len({call.id for call in receiver.calls}) == 1, "a replay is the same message"


async def test_replay_of_all_that_failed_since(
    client: httpx.AsyncClient, receiver: Receiver, office: Office
) -> None:
    made = await make(client, receiver.url())
    path = f"/webhooks/{made['id']}"
    for _ in range(3):
        await client.post(f"{path}/test")
    await office.fetch(
        "UPDATE ops.webhook_deliveries SET status = 'FAILED', due_at = NULL, error_code = 'timeout',"
        " finished_at = now(), attempt = 10 WHERE id > (SELECT min(id) FROM ops.webhook_deliveries)"
    )
    assert (await client.get(f"{path}/deliveries", params={"status": "PENDING"})).json()["items"][0][
        "attempt"
    ] == 0
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert (await client.post(f"{path}/replay", json={"since": later})).json() == {"replayed": 0}
    answer = await client.post(f"{path}/replay", json={"since": "2026-01-01T00:00:00Z"})
    assert answer.json() == {"replayed": 2}
    async with office.open():

        async def all_delivered() -> bool:
            return await office.statuses() == ["DELIVERED"] * 3

        await until(all_delivered)


async def test_deliveries_are_listed_by_page(client: httpx.AsyncClient, receiver: Receiver) -> None:
    made = await make(client, receiver.url())
    path = f"/webhooks/{made['id']}"
    sent = [(await client.post(f"{path}/test")).json()["id"] for _ in range(5)]
    listed, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(f"{path}/deliveries", params=query)).json()
        listed += [item["id"] for item in page["items"]]
        if not (cursor := page["next_cursor"]):
            break
    assert listed == sent[::-1]


async def test_one_that_is_being_delivered_is_not_replayed(
    client: httpx.AsyncClient, receiver: Receiver, office: Office
) -> None:
    made = await make(client, receiver.url())
    delivery = (await client.post(f"/webhooks/{made['id']}/test")).json()["id"]
    await office.fetch("UPDATE ops.webhook_deliveries SET status = 'DELIVERING'")
    answer = await client.post(f"/webhooks/deliveries/{delivery}/replay")
    assert (answer.status_code, answer.json()["code"]) == (409, "delivery_under_way")


async def test_a_deleted_one_is_gone_and_its_record_stays(
    client: httpx.AsyncClient, receiver: Receiver, office: Office
) -> None:
    made = await make(client, receiver.url())
    path = f"/webhooks/{made['id']}"
    delivery = (await client.post(f"{path}/test")).json()["id"]
    assert (await client.delete(path)).status_code == 204
    for method, address in (
        ("GET", path),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/test"),
        ("POST", f"{path}/replay"),
        ("POST", f"{path}/rotate-secret"),
        ("GET", f"{path}/deliveries"),
        ("GET", f"/webhooks/deliveries/{delivery}"),
        ("POST", f"/webhooks/deliveries/{delivery}/replay"),
        ("GET", f"/webhooks/{uuid4()}"),
    ):
        body = {"PATCH": {"description": "x"}}.get(method, {})
        body = {"since": "2026-01-01T00:00:00Z"} if address == f"{path}/replay" else body
        answer = await client.request(method, address, json=body if method != "GET" else None)
        assert answer.status_code == 404, (method, address, answer.text)
    assert await office.statuses() == ["FAILED"]
    assert await office.fetch("SELECT 1 FROM ops.webhook_secrets") == []
    async with office.open():
        await office.happen()
        await until(office.all_told)
    assert receiver.calls == []


@pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.ADMIN])
async def test_other_keys_may_not(settings: Settings, database: Database, scope: Scope) -> None:
    async with serving(create(settings), await make_key(database, [scope])) as client:
        assert (await client.get("/webhooks")).status_code == 403
        assert (await client.post("/webhooks", json={"url": "https://x.example/"})).status_code == 403
