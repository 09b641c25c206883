"""Store a delivery, whole and in one transaction; then tie each of its messages to its sender."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias
from uuid import UUID

from core.channels import Channel, Secret
from core.channels.queries import find_number
from core.contacts import insert_events, new_event, try_link
from core.contacts.storing import Stored
from core.db import Connection, Database
from core.vault import Vault
from core.web.requests import LARGE_BOUNDS
from core.web.strict_json import loads_any_text
from ingestion_service.webhooks import queries, whatsapp
from ingestion_service.webhooks.reading import Incoming, Reading
from ingestion_service.webhooks.schemas import DeliveryOut, TakenOut

MOST_NUMBERS = 20

Then: TypeAlias = Callable[[Connection, list[Stored]], Awaitable[None]]
"""What else is done in the transaction that stores."""


async def store(
    database: Database,
    vault: Vault,
    channel: Channel,
    body: bytes,
    reading: Reading,
    *,
    then: Then | None = None,
) -> list[Stored]:
    """All of it, or nothing: whoever delivers tries again until this succeeded."""
    digest = vault.digest("payload", body)
    sealed = vault.seal(body, context=payload_context(channel.account, digest))
    async with database.connection() as connection, connection.transaction():
        payload = await queries.keep_payload(connection, channel.account, digest, sealed)
        events = [
            new_event(vault, message, external_id=external_id, payload=payload)
            for message, external_id in reading.messages
        ]
        stored = await insert_events(connection, events)
        if reading.statuses:
            await queries.raise_statuses(connection, reading.statuses)
        if then is not None:
            await then(connection, stored)
    return stored


async def store_batch(
    database: Database, vault: Vault, channel: Channel, body: bytes
) -> tuple[Reading, list[Stored]]:
    """Read and store what the WhatsApp Cloud API delivers. Raises MalformedJson or JsonTooComplex."""
    document = loads_any_text(body, LARGE_BOUNDS)
    others = await _siblings(database, vault, channel, whatsapp.numbers(document))
    reading = whatsapp.read(channel, document, others)
    return reading, await store(database, vault, channel, body, reading)


async def link(
    database: Database, vault: Vault, messages: Sequence[Incoming], stored: Sequence[Stored]
) -> list[UUID | None]:
    """Tie messages to their senders, in their order; who they are. What fails here the worker does."""
    return [
        event.contact
        or await try_link(database, vault, event.key, incoming.message if event.is_first else None)
        for incoming, event in zip(messages, stored, strict=True)
    ]


async def accept(
    database: Database,
    vault: Vault,
    channel: Channel,
    body: bytes,
    reading: Reading,
    *,
    then: Then | None = None,
) -> DeliveryOut:
    """Store a delivery and tie its messages to their senders before it is answered: for small ones."""
    stored = await store(database, vault, channel, body, reading, then=then)
    return told(reading, stored, await link(database, vault, reading.messages, stored))


def told(reading: Reading, stored: Sequence[Stored], contacts: Sequence[UUID | None] = ()) -> DeliveryOut:
    """What is answered; without `contacts`, those that were known before."""
    messages = [
        TakenOut(event_id=event.public_id, contact_id=contact, duplicate=not event.is_first)
        for event, contact in zip(stored, contacts or [event.contact for event in stored], strict=True)
    ]
    return DeliveryOut(messages=messages, statuses=len(reading.statuses), ignored=reading.ignored)


def payload_context(account: str, digest: bytes) -> str:
    """Where the sealed bytes of a delivery belong."""
    return f"payload/{account}/{digest.hex()}"


async def _siblings(
    database: Database, vault: Vault, channel: Channel, numbers: set[str]
) -> dict[str, Channel]:
    """Active accounts of the same app, by number: one app has one address for all of its numbers."""
    found: dict[str, Channel] = {}
    strangers = sorted(numbers - {channel.config.phone_number_id})[:MOST_NUMBERS]
    if not strangers:
        return found
    async with database.connection() as connection:
        for number in strangers:
            other = await find_number(connection, vault, number)
            is_same_app = other and other.secrets.get(Secret.APP_SECRET) == channel.secrets[Secret.APP_SECRET]
            if other and other.is_active and is_same_app:
                found[number] = other
    return found
