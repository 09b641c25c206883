"""The SQL of turns. A conversation is held by its `lease_token`: every write under it says the token."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from core.db import Connection
from core.ids import uuid7
from core.models import ConversationMode

TURNS_CHANNEL = "cogep_turns"
"""What is notified when a message waits for its turn."""

INSERT_TURN = """
WITH owed AS (
    INSERT INTO crm.turns (event_id) SELECT id FROM crm.ingest_events WHERE public_id = $1
    ON CONFLICT (event_id) DO NOTHING RETURNING id
)
SELECT pg_notify('cogep_turns', '') FROM owed
"""
LIST_UNADOPTED = """
SELECT id FROM crm.turns WHERE conversation_id IS NULL ORDER BY event_id LIMIT $1
"""
# One conversation a statement and a statement a transaction: who holds one row never waits for another.
ADOPT = """
WITH turn AS MATERIALIZED (
    SELECT t.id, t.event_id, e.client_id, e.account, e.source, e.received_at
    FROM crm.turns t JOIN crm.ingest_events e ON e.id = t.event_id
    WHERE t.id = $1 AND t.conversation_id IS NULL FOR NO KEY UPDATE OF t SKIP LOCKED
), thread AS (
    INSERT INTO crm.conversations AS c
        (public_id, client_id, account, source, last_seq, last_inbound_at, last_event_at, due_at)
    SELECT $2, client_id, account, source, 1, received_at, received_at, clock_timestamp() FROM turn
    ON CONFLICT (client_id, account, source) DO UPDATE
    SET last_seq = c.last_seq + 1, due_at = coalesce(c.due_at, excluded.due_at),
        last_inbound_at = greatest(c.last_inbound_at, excluded.last_inbound_at),
        last_event_at = greatest(c.last_event_at, excluded.last_event_at)
    RETURNING c.id, c.last_seq
), message AS (
    INSERT INTO crm.conversation_messages (public_id, conversation_id, seq, author, event_id, created_at)
    SELECT $3, thread.id, thread.last_seq, 'client', turn.event_id, turn.received_at FROM thread, turn
)
UPDATE crm.turns t SET conversation_id = thread.id FROM thread, turn WHERE t.id = turn.id
"""
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM crm.conversations
    WHERE due_at <= clock_timestamp()
      AND (lease_expires_at IS NULL OR lease_expires_at <= clock_timestamp())
    ORDER BY due_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE crm.conversations c
SET lease_token = lease_token + 1,
    lease_expires_at = clock_timestamp() + $2::float8 * interval '1 second'
FROM due WHERE c.id = due.id RETURNING c.id, c.lease_token
"""
RENEW = """
UPDATE crm.conversations SET lease_expires_at = clock_timestamp() + $3::float8 * interval '1 second'
WHERE id = $1 AND lease_token = $2
"""
# An older message may still be on its way from the outbox: it goes first, if it comes within ten seconds.
BEGIN = """
WITH next AS MATERIALIZED (
    SELECT t.id, t.event_id, t.attempts + 1 AS attempt, e.public_id AS event, e.body_sealed, e.client_id,
           e.received_at, c.account, EXISTS (
               SELECT FROM crm.ingest_events o LEFT JOIN crm.turns u ON u.event_id = o.id
               WHERE o.client_id = e.client_id AND o.account = e.account AND o.source = e.source
                 AND o.id < e.id AND o.id > e.id - 10000
                 AND o.status = 'LINKED' AND o.linked_at > now() - interval '10 seconds'
                 AND u.conversation_id IS NULL) AS is_early
    FROM crm.turns t
    JOIN crm.ingest_events e ON e.id = t.event_id
    JOIN crm.conversations c ON c.id = t.conversation_id
    WHERE t.conversation_id = $1 AND c.lease_token = $2 AND t.state = 'PENDING'
    ORDER BY t.event_id LIMIT 1
), begun AS (
    UPDATE crm.turns SET attempts = attempts + 1 FROM next WHERE turns.id = next.id AND NOT next.is_early
)
SELECT * FROM next
"""
LOCK = "SELECT mode::text FROM crm.conversations WHERE id = $1 AND lease_token = $2 FOR NO KEY UPDATE"
GET_MODE = "SELECT mode::text FROM crm.conversations WHERE id = $1"
HAND_OVER = """
UPDATE crm.conversations SET mode = 'human', version = version + 1 WHERE id = $1 AND mode <> 'human'
"""
RECENT = """
SELECT t.outcome, t.event_id, e.public_id AS event, e.body_sealed, t.finished_at
FROM crm.turns t JOIN crm.ingest_events e ON e.id = t.event_id
WHERE t.conversation_id = $1 AND t.state = 'DONE' AND t.finished_at > now() - interval '1 day'
ORDER BY t.finished_at DESC, t.id DESC LIMIT 10
"""
COUNT_SAID = """
SELECT count(*) FROM crm.conversation_messages
WHERE conversation_id = $1 AND author IN ('assistant', 'system')
  AND created_at > now() - interval '10 minutes'
"""
FINISH = """
UPDATE crm.turns SET state = $2::text::crm.turn_state, outcome = $3, intent = $4, error_code = $5,
                     finished_at = clock_timestamp()
WHERE id = $1 AND state = 'PENDING' RETURNING id
"""
RELEASE = """
UPDATE crm.conversations c
SET lease_expires_at = NULL, due_at = CASE WHEN EXISTS (
    SELECT FROM crm.turns t WHERE t.conversation_id = c.id AND t.state = 'PENDING'
) THEN clock_timestamp() + $3::float8 * interval '1 second' END
WHERE id = $1 AND lease_token = $2 RETURNING due_at
"""
ASSISTANT_IS_ON = "SELECT assistant_on AND is_active FROM crm.channels WHERE account = $1"
OPEN_TICKET = """
SELECT k.public_id FROM crm.tickets k JOIN crm.turns t ON t.event_id = k.event_id
WHERE t.conversation_id = $1 AND k.status IN ('OPEN', 'IN_PROGRESS')
  AND k.opened_at > now() - interval '1 day'
ORDER BY k.id DESC LIMIT 1
"""


class Held(NamedTuple):
    """A conversation in our hands, as long as its token is the newest."""

    conversation: int
    token: int


class Due(NamedTuple):
    """The next turn of a conversation. `is_early`: an older message is still on its way."""

    turn: int
    event_key: int
    attempt: int
    event: UUID
    body_sealed: bytes
    client: int
    received_at: datetime
    account: str
    is_early: bool


class Past(NamedTuple):
    """A turn that was done, newest first."""

    outcome: str
    event_key: int
    event: UUID
    body_sealed: bytes
    finished_at: datetime


async def insert_turn(connection: Connection, event: UUID) -> None:
    """A message waits for its turn, and whoever takes turns hears of it with the commit."""
    await connection.execute(INSERT_TURN, event)


async def adopt(connection: Connection, *, limit: int) -> int:
    """Put waiting messages into their conversations, oldest first; how many were looked at."""
    turns = await connection.fetch(LIST_UNADOPTED, limit)
    for turn in turns:
        await connection.execute(ADOPT, turn["id"], uuid7(), uuid7())
    return len(turns)


async def claim(connection: Connection, *, limit: int, ttl: float) -> list[Held]:
    """Conversations with something to do that nobody holds, at most `limit`, for `ttl` seconds."""
    return [Held(row["id"], row["lease_token"]) for row in await connection.fetch(CLAIM, limit, ttl)]


async def renew(connection: Connection, held: Held, *, ttl: float) -> None:
    """Keep it for `ttl` seconds from now, if it is still ours."""
    await connection.execute(RENEW, held.conversation, held.token, ttl)


async def begin(connection: Connection, held: Held) -> Due | None:
    """The next turn, counted as an attempt unless it is early; None when none waits or it is not ours."""
    row = await connection.fetchrow(BEGIN, held.conversation, held.token)
    return None if row is None else Due(*row)


async def lock(connection: Connection, held: Held) -> bool:
    """Hold the row until the transaction ends; False when somebody else took the conversation."""
    return await connection.fetchval(LOCK, held.conversation, held.token) is not None


async def get_mode(connection: Connection, conversation: int) -> ConversationMode:
    """Who answers in the conversation."""
    return ConversationMode(await connection.fetchval(GET_MODE, conversation))


async def hand_over(connection: Connection, conversation: int) -> None:
    """A person answers from now on."""
    await connection.execute(HAND_OVER, conversation)


async def list_recent(connection: Connection, conversation: int) -> list[Past]:
    """The turns of the last day, newest first, at most ten."""
    return [Past(*row) for row in await connection.fetch(RECENT, conversation)]


async def count_said(connection: Connection, conversation: int) -> int:
    """How often the assistant spoke in the last ten minutes."""
    count: int = await connection.fetchval(COUNT_SAID, conversation)
    return count


async def finish(
    connection: Connection,
    turn: int,
    *,
    state: str = "DONE",
    outcome: str | None = None,
    intent: str | None = None,
    error_code: str | None = None,
) -> bool:
    """The turn is over; False when it was before."""
    return await connection.fetchval(FINISH, turn, state, outcome, intent, error_code) is not None


async def release(connection: Connection, held: Held, *, wait: float = 0) -> bool:
    """Give the conversation back; True when another turn waits in it, which it does for `wait` seconds."""
    return await connection.fetchval(RELEASE, held.conversation, held.token, wait) is not None


async def assistant_is_on(connection: Connection, account: str) -> bool:
    """Whether the assistant speaks on this account."""
    return bool(await connection.fetchval(ASSISTANT_IS_ON, account))


async def find_open_ticket(connection: Connection, conversation: int) -> UUID | None:
    """The ticket that this conversation opened within a day and that is being worked on."""
    ticket: UUID | None = await connection.fetchval(OPEN_TICKET, conversation)
    return ticket
