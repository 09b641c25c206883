"""The SQL of what goes out. A row is held by its `lease_token`; while SENDING, `next_at` ends the lease."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from core.db import Connection

# The oldest unsent message of a conversation goes first, and alone.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT o.id FROM crm.outbound_messages o
    WHERE o.state IN ('PENDING', 'SENDING') AND o.next_at <= clock_timestamp()
      AND o.account <> ALL($3::text[]) AND NOT EXISTS (SELECT FROM crm.outbound_messages p
                      WHERE p.conversation_id = o.conversation_id AND p.id < o.id
                        AND p.state IN ('PENDING', 'SENDING'))
    ORDER BY o.next_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
), claimed AS (
    UPDATE crm.outbound_messages o
    SET state = 'SENDING', attempts = attempts + 1, lease_token = lease_token + 1,
        next_at = clock_timestamp() + $2::float8 * interval '1 second'
    FROM due WHERE o.id = due.id
    RETURNING o.id, o.lease_token, o.attempts, o.public_id, o.needs_consent, o.account, o.message_id,
              o.reply_to_id, o.conversation_id, o.created_at
)
SELECT o.id, o.lease_token, o.attempts, o.public_id, o.needs_consent, o.account, o.created_at,
       m.public_id AS message, m.body_sealed, m.author = 'person' AS by_person,
       e.public_id AS event, e.body_sealed AS event_sealed, e.external_id, e.client_id,
       e.thread_id,
       c.public_id AS conversation, c.last_inbound_at
FROM claimed o
JOIN crm.conversation_messages m ON m.id = o.message_id
JOIN crm.ingest_events e ON e.id = o.reply_to_id
JOIN crm.conversations c ON c.id = o.conversation_id
ORDER BY o.id
"""
MARK_SENT = """
UPDATE crm.outbound_messages SET state = 'SENT', sent_at = clock_timestamp(), provider_message_id = $3,
                                 error_code = NULL
WHERE id = $1 AND lease_token = $2 AND state = 'SENDING'
"""
MARK_RETRY = """
UPDATE crm.outbound_messages SET state = 'PENDING', error_code = $3,
                                 next_at = clock_timestamp() + $4::float8 * interval '1 second'
WHERE id = $1 AND lease_token = $2 AND state = 'SENDING'
"""
MARK_FAILED = """
UPDATE crm.outbound_messages SET state = 'FAILED', error_code = $3
WHERE id = $1 AND lease_token = $2 AND state = 'SENDING'
"""


class Parcel(NamedTuple):
    """A message in our hands, with what its letter is made of."""

    id: int
    token: int
    attempt: int
    public_id: UUID
    needs_consent: bool
    account: str
    created_at: datetime
    message: UUID
    body_sealed: bytes
    by_person: bool
    event: UUID
    event_sealed: bytes
    external_id: str | None
    client: int
    thread: int | None
    conversation: UUID
    last_inbound_at: datetime


async def claim(
    connection: Connection, *, limit: int, ttl: float, without: Sequence[str] = ()
) -> list[Parcel]:
    """Due messages, at most one of each conversation, held for `ttl` seconds; none of accounts `without`."""
    return [Parcel(*row) for row in await connection.fetch(CLAIM, limit, ttl, without)]


async def mark_sent(connection: Connection, parcel: Parcel, provider_id: str | None) -> None:
    """The channel took it."""
    await connection.execute(MARK_SENT, parcel.id, parcel.token, provider_id)


async def mark_retry(connection: Connection, parcel: Parcel, code: str, *, wait: float) -> None:
    """The next attempt is in `wait` seconds."""
    await connection.execute(MARK_RETRY, parcel.id, parcel.token, code, wait)


async def mark_failed(connection: Connection, parcel: Parcel, code: str) -> None:
    """It will not be sent; what comes after it in the conversation may."""
    await connection.execute(MARK_FAILED, parcel.id, parcel.token, code)
