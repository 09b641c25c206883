"""What writes to the outbox on the way of messages and documents."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from core.contacts import Message, try_link
from core.contacts.linking import body_context
from core.db import Database
from core.ids import uuid7
from core.settings import Settings
from core.vault import Vault
from tests.worker_service.documents.desk import Desk, working

EVENTS = "SELECT type, subject, data::text FROM ops.outbox_events ORDER BY id"
INSERT = """
INSERT INTO crm.ingest_events (public_id, principal_id, account, source, body_digest, body_sealed)
VALUES ($1, 1, 'default', 'whatsapp', '', $2) RETURNING id"""


async def events(database: Database) -> list[tuple[str, UUID, Any]]:
    async with database.connection() as connection:
        rows = await connection.fetch(EVENTS)
    return [(row["type"], row["subject"], json.loads(row["data"])) for row in rows]


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return Vault.of(settings)


async def receive(database: Database, vault: Vault, message: Message) -> tuple[int, UUID]:
    public_id = uuid7()
    sealed = vault.seal(message.packed(), context=body_context(public_id))
    async with database.connection() as connection:
        return await connection.fetchval(INSERT, public_id, sealed), public_id


@pytest.fixture
def message() -> Message:
    return Message.model_validate({"source": "whatsapp", "sender_id": "5511987654321", "content": "oi"})


async def test_a_linked_message_is_told_once(database: Database, vault: Vault, message: Message) -> None:
    event, public_id = await receive(database, vault, message)
    contact = await try_link(database, vault, event)
    assert await try_link(database, vault, event) == contact
    data = {"event_id": str(public_id), "contact_id": str(contact)}
    assert await events(database) == [
        ("client.created", contact, {"client_id": str(contact)}),
        ("message.linked", public_id, data),
    ]


async def test_so_is_one_of_a_known_sender(database: Database, vault: Vault, message: Message) -> None:
    first, _ = await receive(database, vault, message)
    contact = await try_link(database, vault, first)
    second, public_id = await receive(database, vault, message)
    assert await try_link(database, vault, second) == await try_link(database, vault, second) == contact
    data = {"event_id": str(public_id), "contact_id": str(contact)}
    assert (await events(database))[2:] == [("message.linked", public_id, data)]


async def test_a_message_that_failed_to_link_is_not_told(
    database: Database, vault: Vault, message: Message
) -> None:
    event, _ = await receive(database, vault, message)
    async with database.connection() as other, other.transaction():
        await other.execute("LOCK TABLE crm.identities IN ACCESS EXCLUSIVE MODE")
        assert await try_link(database, vault, event) is None
    assert await events(database) == []


async def test_each_new_version_of_a_document_is_told(
    database: Database, settings: Settings, eventually: Callable[..., Awaitable[None]]
) -> None:
    async with working(settings):
        desk = Desk(database, eventually)
        for body in (b"# Um\n\nPrimeiro.", b"# Um\n\nPrimeiro.", b"# Dois\n\nSegundo."):
            await desk.ingest(body, "page.md")
    [document] = await desk.one("SELECT public_id FROM ai.documents")
    assert await events(database) == [
        ("document.indexed", document, {"document_id": str(document), "version": version})
        for version in (1, 2)
    ]
