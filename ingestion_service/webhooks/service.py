"""Store a delivery, whole and in one transaction; then tie each of its messages to its sender."""

from collections.abc import Sequence

from core.channels import Channel
from core.contacts import insert_events, new_event, try_link
from core.contacts.storing import Stored
from core.db import Database
from core.vault import Vault
from ingestion_service.webhooks import queries
from ingestion_service.webhooks.reading import Incoming, Reading
from ingestion_service.webhooks.schemas import DeliveryOut, TakenOut


async def store(
    database: Database, vault: Vault, channel: Channel, body: bytes, reading: Reading
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
    return stored


async def link(
    database: Database, vault: Vault, messages: Sequence[Incoming], stored: Sequence[Stored]
) -> list[TakenOut]:
    """Tie messages to their senders, in their order. What fails here the worker does."""
    return [
        TakenOut(
            event_id=event.public_id,
            contact_id=event.contact
            or await try_link(database, vault, event.key, incoming.message if event.is_first else None),
            duplicate=not event.is_first,
        )
        for incoming, event in zip(messages, stored, strict=True)
    ]


async def accept(
    database: Database, vault: Vault, channel: Channel, body: bytes, reading: Reading
) -> DeliveryOut:
    """Store a delivery and tie its messages to their senders before it is answered: for small ones."""
    stored = await store(database, vault, channel, body, reading)
    messages = await link(database, vault, reading.messages, stored)
    return DeliveryOut(messages=messages, statuses=len(reading.statuses), ignored=reading.ignored)


def payload_context(account: str, digest: bytes) -> str:
    """Where the sealed bytes of a delivery belong."""
    return f"payload/{account}/{digest.hex()}"
