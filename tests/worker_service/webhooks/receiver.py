"""A receiver of webhooks, and the deliveries to it as a test sees them."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple
from uuid import UUID

from core.db import Database
from core.ids import uuid7
from core.outbox import emit
from core.queue import INGESTION
from core.settings import Settings
from core.vault import Vault
from core.webhooks import secret_context
from worker_service.drain.context import Services
from worker_service.outbox.relay import relaying
from worker_service.webhooks.deliver import deliver_webhooks

SUBSCRIBE = """
INSERT INTO ops.webhook_subscriptions (public_id, url, types, principal_id)
VALUES ($1, $2, $3, 1) RETURNING id"""
SECRET = "INSERT INTO ops.webhook_secrets (subscription_id, sealed) VALUES ($1, $2)"
DELIVERIES = """
SELECT d.status::text, d.error_code, d.attempt, d.due_at - now() AS wait, e.public_id AS event,
       ARRAY(SELECT coalesce(a.status_code::text, '-') || coalesce(' ' || a.error_code, '')
             FROM ops.webhook_attempts a WHERE a.delivery_id = d.id ORDER BY a.id) AS attempts
FROM ops.webhook_deliveries d JOIN ops.outbox_events e ON e.id = d.event_id ORDER BY d.id"""

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Call(NamedTuple):
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> UUID:
        return UUID(self.headers["webhook-id"])

    def json(self) -> Any:
        return json.loads(self.body)

    def is_signed_with(self, key: bytes) -> bool:
        """As a receiver verifies, by the words of the specification."""
        content = b".".join(
            (self.headers["webhook-id"].encode(), self.headers["webhook-timestamp"].encode(), self.body)
        )
        expected = b"v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest())
        return expected.decode() in self.headers["webhook-signature"].split(" ")


def status(code: int, **headers: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {code} X", "Content-Length: 0", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        await writer.drain()

    return answer


def garbage(pieces: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(pieces)
        await writer.drain()

    return answer


async def silence(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        await writer.drain()


class Receiver:
    """A real HTTP server on loopback; `answers` says what it does at a path, one after the other."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: dict[str, list[Answer]] = {}
        self.port = 0

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            raw = dict(line.split(": ", 1) for line in head[1:] if line)
            headers |= {name.lower(): value for name, value in raw.items()}
            path = head[0].split(" ")[1]
            body = await reader.readexactly(int(headers["content-length"]))
            self.calls.append(Call(path, headers, body))
            answers = self.answers.get(path, [status(200)])
            await (answers.pop(0) if len(answers) > 1 else answers[0])(writer)
        writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


class Office:
    """Subscriptions, events and deliveries."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self._vault = Vault.of(settings)

    async def subscribe(self, url: str, *types: str, keys: tuple[bytes, ...] = (bytes(32),)) -> int:
        public_id = uuid7()
        async with self.database.connection() as connection, connection.transaction():
            subscription: int = await connection.fetchval(SUBSCRIBE, public_id, url, list(types))
            for key in keys:
                sealed = self._vault.seal(key, context=secret_context(public_id))
                await connection.execute(SECRET, subscription, sealed)
        return subscription

    async def happen(self, type_: str = "ticket.opened", **data: Any) -> UUID:
        async with self.database.connection() as connection, connection.transaction():
            return await emit(connection, type_, subject=uuid7(), data=data)

    async def fetch(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(statement, *values)]

    async def deliveries(self) -> list[dict[str, Any]]:
        return await self.fetch(DELIVERIES)

    async def statuses(self) -> list[str]:
        return [delivery["status"] for delivery in await self.deliveries()]

    async def all_told(self) -> bool:
        return not await self.fetch("SELECT FROM ops.outbox_events WHERE due_at IS NOT NULL")

    async def make_due(self) -> None:
        await self.fetch("UPDATE ops.webhook_deliveries SET due_at = now() WHERE status = 'PENDING'")

    @asynccontextmanager
    async def open(self, **changes: Any) -> AsyncIterator[None]:
        """Relay and deliveries run."""
        quick = {"queue_poll_seconds": 0.1, "webhook_timeout_seconds": 1.0, **changes}
        services = Services(self.settings.model_copy(update=quick), self.database, INGESTION, "w")
        tasks = [asyncio.create_task(walk(services)) for walk in (relaying({}), deliver_webhooks)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
