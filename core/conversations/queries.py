"""The SQL that worker and agents share: what is said joins the thread and the line in one statement."""

from typing import NamedTuple
from uuid import UUID

from core.db import Connection

OUTBOUND_CHANNEL = "cogep_outbound"
"""What is notified when a message waits to be delivered."""

INSERT_REPLY = """
WITH fresh AS (
    SELECT id FROM crm.conversations
    WHERE id = $1 AND NOT EXISTS (SELECT FROM crm.outbound_messages WHERE idempotency_key = $7)
), spoken AS (
    UPDATE crm.conversations c SET last_seq = last_seq + 1, last_event_at = clock_timestamp()
    FROM fresh WHERE c.id = fresh.id RETURNING c.id, c.last_seq
), message AS (
    INSERT INTO crm.conversation_messages (public_id, conversation_id, seq, author, author_id, body_sealed)
    SELECT $2, id, last_seq, $3::text::crm.message_author, $4, $5 FROM spoken RETURNING id
), sent AS (
    INSERT INTO crm.outbound_messages
        (public_id, conversation_id, message_id, idempotency_key, account, reply_to_id, needs_consent)
    SELECT $6, $1, id, $7, $8, $9, $10 FROM message RETURNING id
)
SELECT id, pg_notify('cogep_outbound', '') FROM sent
"""


class NewReply(NamedTuple):
    """The rows of a message of ours, in the order of INSERT_REPLY."""

    conversation: int
    message: UUID
    author: str
    author_id: int | None
    body_sealed: bytes
    outbound: UUID
    key: str
    account: str
    reply_to: int
    needs_consent: bool


async def insert_reply(connection: Connection, reply: NewReply) -> bool:
    """Store the message and its way out; False when this key was said before."""
    return await connection.fetchval(INSERT_REPLY, *reply) is not None
