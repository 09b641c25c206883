import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from core.db import Database
from core.settings import Settings
from tests.worker_service.webhooks.receiver import (
    Answer,
    Office,
    Receiver,
    endless,
    garbage,
    receiving,
    silence,
    status,
)
from worker_service.webhooks import deliver
from worker_service.webhooks.deliver import PLACES
from worker_service.webhooks.schedule import SCHEDULE, wait_after

Eventually = Callable[..., Awaitable[None]]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def office(database: Database, settings: Settings, receiver: Receiver) -> Office:
    hosts = frozenset({f"127.0.0.1:{receiver.port}"})
    return Office(database, settings.model_copy(update={"webhook_allowed_hosts": hosts}))


@pytest.fixture
def settled(office: Office, eventually: Eventually) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    """The deliveries, once each was tried."""

    async def wait() -> list[dict[str, Any]]:
        async def tried() -> bool:
            deliveries = await office.deliveries()
            return bool(deliveries) and all(
                row["attempts"] and row["status"] != "DELIVERING" for row in deliveries
            )

        await eventually(tried)
        return await office.deliveries()

    return wait


Settled = Callable[[], Awaitable[list[dict[str, Any]]]]


async def test_a_delivery_is_signed_as_the_standard_says(
    office: Office, receiver: Receiver, settled: Settled
) -> None:
    keys = (b"a" * 32, b"b" * 32)
    await office.subscribe(receiver.url("/hook?token=1"), "ticket.opened", keys=keys)
    event = await office.happen("ticket.opened", number=7)
    await office.happen("ticket.closed")
    async with office.open():
        [delivery] = await settled()
    [call] = receiver.calls
    assert (delivery["status"], delivery["attempts"], delivery["event"]) == ("DELIVERED", ["200"], event)
    assert call.path == "/hook?token=1"
    assert call.id == event
    assert all(call.is_signed_with(key) for key in keys)
    assert not call.is_signed_with(b"c" * 32)
    assert call.json()["type"] == "ticket.opened"
    assert call.json()["data"] == {"number": 7}
    assert set(call.json()) == {"type", "timestamp", "data"}


async def test_what_fails_is_tried_again_with_the_same_id_and_body(
    office: Office, receiver: Receiver, settled: Settled, eventually: Eventually
) -> None:
    receiver.answers["/"] = [status(500), status(200)]
    await office.subscribe(receiver.url())
    await office.happen()
    async with office.open():
        [delivery] = await settled()
        assert delivery["status"] == "PENDING"
        assert 0 < delivery["wait"].total_seconds() <= 6
        await office.make_due()

        async def delivered() -> bool:
            return await office.statuses() == ["DELIVERED"]

        await eventually(delivered)
    first, second = receiver.calls
    assert (first.id, first.body) == (second.id, second.body)
    [delivery] = await office.deliveries()
    assert delivery["attempts"] == ["500 refused", "200"]
    assert await office.fetch("SELECT failing_since FROM ops.webhook_subscriptions") == [
        {"failing_since": None}
    ]


@pytest.mark.parametrize(
    ("answer", "attempt"),
    [
        (status(500), "500 refused"),
        (status(404), "404 refused"),
        (status(302, Location="http://169.254.169.254/latest/"), "302 redirected"),
        (silence, "- timeout"),
        (garbage(b"\x00\xff not HTTP\r\n\r\n"), "- broken_answer"),
        (garbage(b""), "- broken_answer"),
        (garbage(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000), "- broken_answer"),
        (garbage(b"HTTP/1.1 999 ?\r\n\r\n"), "999 refused"),
    ],
)
async def test_what_is_no_success_is_a_failure(
    office: Office, receiver: Receiver, settled: Settled, answer: Answer, attempt: str
) -> None:
    receiver.answers["/"] = [answer]
    await office.subscribe(receiver.url())
    await office.happen()
    async with office.open():
        [delivery] = await settled()
    assert (delivery["status"], delivery["attempts"]) == ("PENDING", [attempt])
    assert len(receiver.calls) == 1


async def test_an_endless_answer_is_not_read(office: Office, receiver: Receiver, settled: Settled) -> None:
    receiver.answers["/"] = [endless]
    await office.subscribe(receiver.url())
    await office.happen()
    async with office.open(webhook_timeout_seconds=30.0):
        [delivery] = await settled()
    assert delivery["attempts"] == ["200"]


async def test_a_redirect_is_not_followed(office: Office, receiver: Receiver, settled: Settled) -> None:
    receiver.answers["/"] = [status(307, Location=receiver.url("/elsewhere"))]
    await office.subscribe(receiver.url())
    await office.happen()
    async with office.open():
        await settled()
    assert [call.path for call in receiver.calls] == ["/"]


async def test_gone_disables_and_nothing_new_is_noted(
    office: Office, receiver: Receiver, settled: Settled, eventually: Eventually
) -> None:
    receiver.answers["/"] = [status(410)]
    await office.subscribe(receiver.url())
    await office.happen()
    async with office.open():
        [delivery] = await settled()
        await office.happen()
        await eventually(office.all_told)
    assert (delivery["status"], delivery["error_code"]) == ("FAILED", "gone")
    assert await office.fetch("SELECT status::text, disabled_reason FROM ops.webhook_subscriptions") == [
        {"status": "DISABLED", "disabled_reason": "gone"}
    ]
    assert len(receiver.calls) == 1


@pytest.mark.parametrize(("asked", "seconds"), [("120", 120), ("999999999", 86_400), ("soon", 4), ("0", 4)])
async def test_retry_after_is_honoured_within_bounds(
    office: Office, receiver: Receiver, settled: Settled, asked: str, seconds: float
) -> None:
    receiver.answers["/"] = [status(503, Retry_After=asked)]
    await office.subscribe(receiver.url())
    await office.happen()
    async with office.open():
        [delivery] = await settled()
    assert seconds - 3 <= delivery["wait"].total_seconds() <= seconds + 3


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://169.254.169.254/latest/meta-data", "url_not_allowed"),
        ("https://10.0.0.5/", "url_not_allowed"),
        ("https://[::1]/", "url_not_allowed"),
        ("https://rebound.example/", "url_not_allowed"),
        ("http://public.example/", "url_not_allowed"),
        ("https://nowhere.example/", "host_not_found"),
    ],
)
async def test_private_addresses_are_not_called_even_by_a_public_name(
    office: Office, settled: Settled, monkeypatch: pytest.MonkeyPatch, url: str, code: str
) -> None:
    """A name may have been public when the subscription was made."""
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "nowhere.example":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        if str(host).endswith(".example"):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    await office.subscribe(url)
    await office.happen()
    async with office.open():
        [delivery] = await settled()
    assert delivery["attempts"] == [f"- {code}"]


async def test_a_silent_receiver_holds_up_only_itself(
    office: Office, receiver: Receiver, eventually: Eventually
) -> None:
    receiver.answers["/slow"] = [silence]
    await office.subscribe(receiver.url("/slow"))
    await office.subscribe(receiver.url("/quick"))
    for _ in range(3 * PLACES):
        await office.happen()
    async with office.open(webhook_timeout_seconds=30.0):

        async def quick_ones_done() -> bool:
            return (await office.statuses()).count("DELIVERED") == 3 * PLACES

        await eventually(quick_ones_done)
        assert len([call for call in receiver.calls if call.path == "/slow"]) == PLACES
    assert (await office.statuses()).count("PENDING") == 3 * PLACES, "stopping gives back what it held"
    attempts = await office.fetch("SELECT max(attempt) FROM ops.webhook_deliveries WHERE status = 'PENDING'")
    assert attempts == [{"max": 0}]


async def test_the_whole_schedule_then_failed_and_disabled_after_days(
    office: Office, receiver: Receiver, eventually: Eventually
) -> None:
    receiver.answers["/"] = [status(500)]
    await office.subscribe(receiver.url())
    await office.happen()

    async def times(count: int) -> None:
        async def tried() -> bool:
            [delivery] = await office.deliveries()
            return len(delivery["attempts"]) == count and delivery["status"] != "DELIVERING"

        await eventually(tried)

    async def subscription() -> str:
        [row] = await office.fetch("SELECT status::text FROM ops.webhook_subscriptions")
        return str(row["status"])

    async with office.open():
        for count in range(1, len(SCHEDULE)):
            await eventually(office.statuses)
            await times(count)
            await office.make_due()
        await times(len(SCHEDULE))
        assert await office.statuses() == ["FAILED"]
        assert await subscription() == "ACTIVE"
        await office.fetch("UPDATE ops.webhook_subscriptions SET failing_since = now() - interval '6 days'")
        await office.fetch(
            "UPDATE ops.webhook_deliveries SET status = 'PENDING', due_at = now(), attempt = 9"
        )
        await times(len(SCHEDULE) + 1)
    assert await subscription() == "DISABLED"


def test_the_schedule_is_three_days_and_never_sooner_than_asked() -> None:
    waits = [wait_after(attempt) for attempt in range(1, len(SCHEDULE))]
    assert wait_after(len(SCHEDULE)) is None
    assert all(
        wait is not None and 0.8 * due <= wait <= 1.2 * due
        for wait, due in zip(waits, SCHEDULE[1:], strict=True)
    )
    assert wait_after(1, at_least=100.0) == 100.0
    assert len({wait_after(3) for _ in range(10)}) > 1


async def test_a_late_writer_changes_nothing(
    office: Office, receiver: Receiver, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease is over and somebody else has the delivery."""
    monkeypatch.setattr(deliver, "log", structlog.get_logger())  # one that no other test has bound already
    release = asyncio.Event()

    async def slowly(writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await status(410)(writer)

    receiver.answers["/"] = [slowly]
    await office.subscribe(receiver.url())
    await office.happen()
    with capture_logs() as lines:
        async with office.open(webhook_timeout_seconds=30.0):

            async def called() -> bool:
                return bool(receiver.calls)

            await eventually(called)
            await office.fetch("UPDATE ops.webhook_deliveries SET lease = lease + 1")
            release.set()

            async def noticed() -> bool:
                return any(line["event"] == "delivery_lost" for line in lines)

            await eventually(noticed)
    [delivery] = await office.deliveries()
    assert (delivery["status"], delivery["attempts"]) == ("DELIVERING", [])
    assert await office.fetch("SELECT status::text FROM ops.webhook_subscriptions") == [{"status": "ACTIVE"}]
