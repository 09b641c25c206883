"""The first transaction of a message: the event, sealed. Whatever follows, it is not lost any more."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record

from core.contacts.linking import body_context
from core.contacts.message import Message
from core.db import Connection
from core.ids import uuid7
from core.vault import Vault

# The first one of a known external id, too, in the same round trip: of repeats there are many.
STORE = """
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bytea[],
                         $7::bytea[], $8::bigint[], $9::bigint[])
    WITH ORDINALITY AS given (public_id, principal_id, account, source, external_id, body_digest,
                              body_sealed, payload_id, thread_id, position)
), stored AS (
    INSERT INTO crm.ingest_events
        (public_id, principal_id, account, source, external_id, body_digest, body_sealed,
         payload_id, thread_id)
    SELECT public_id, principal_id, account, source::crm.message_source, external_id, body_digest,
           body_sealed, payload_id, thread_id
    FROM given ORDER BY position
    ON CONFLICT (account, source, external_id) WHERE external_id IS NOT NULL DO NOTHING
    RETURNING id, public_id, body_digest
)
SELECT public_id AS asked, id, public_id, body_digest, NULL::uuid AS contact, true AS is_first FROM stored
UNION ALL
SELECT given.public_id, e.id, e.public_id, e.body_digest, c.public_id, false
FROM given
JOIN crm.ingest_events e ON e.account = given.account
    AND e.source = given.source::crm.message_source AND e.external_id = given.external_id
LEFT JOIN crm.clients c ON c.id = e.client_id
WHERE NOT EXISTS (SELECT FROM stored WHERE stored.public_id = given.public_id)
"""
MARK_MISMATCHES = """
UPDATE crm.ingest_events SET payload_mismatches = payload_mismatches + 1 WHERE id = ANY($1::bigint[])
"""


class NewEvent(NamedTuple):
    """The row of a message, in the order of its columns."""

    public_id: UUID
    principal_id: int | None
    account: str
    source: str
    external_id: str | None
    body_digest: bytes
    body_sealed: bytes
    payload_id: int | None
    thread_id: int | None


class Stored(NamedTuple):
    """The event that stands for a message: its own, or the first one's of its external id."""

    key: int
    public_id: UUID
    contact: UUID | None
    is_first: bool


def new_event(
    vault: Vault,
    message: Message,
    *,
    external_id: str | None,
    principal: int | None = None,
    payload: int | None = None,
    thread: int | None = None,
) -> NewEvent:
    """The digest is an HMAC: of a short message with a CPF in it, a bare hash would tell everything."""
    public_id, body = uuid7(), message.packed()
    return NewEvent(
        public_id,
        principal,
        message.account,
        message.source.value,
        external_id,
        vault.digest("message", body),
        vault.seal(body, context=body_context(public_id)),
        payload,
        thread,
    )


async def insert_events(connection: Connection, events: Sequence[NewEvent]) -> list[Stored]:
    """Store messages, in their order; a known external id stands for its first message.

    Outside of a transaction the statement that stores is one by itself.
    """
    found: dict[UUID, Record] = {}
    while missing := [event for event in events if event.public_id not in found]:
        # Not in its snapshot: a first one that was committed meanwhile, or is in the same batch.
        rows = await connection.fetch(STORE, *(list(column) for column in zip(*missing, strict=True)))
        found.update({row["asked"]: row for row in rows})
    others = {row["id"] for row, event in _pairs(found, events) if row["body_digest"] != event.body_digest}
    if others:
        await connection.execute(MARK_MISMATCHES, sorted(others))
    return [
        Stored(row["id"], row["public_id"], row["contact"], row["is_first"])
        for row, _ in _pairs(found, events)
    ]


def _pairs(found: Mapping[UUID, Record], events: Sequence[NewEvent]) -> Iterator[tuple[Record, NewEvent]]:
    return ((found[event.public_id], event) for event in events)
