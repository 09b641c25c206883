"""The SQL of conversations for people. Who may see a row is part of each statement."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

Found = dict[str, Any]
"""A row by its column names."""

# The client of a conversation may have been merged since: whoever has what was theirs is shown.
CONVERSATION = """
SELECT c.id AS key, c.public_id AS id, w.public_id AS client_id, w.name AS client_name, c.account,
       c.source::text, c.mode::text, p.public_id AS assignee_id, p.name AS assignee_name,
       c.assigned_id, c.last_inbound_at, c.last_event_at, c.created_at, c.version,
       (extract(epoch FROM c.last_event_at) * 1000000)::bigint AS at,
       (SELECT count(*) FROM crm.conversation_messages m
        WHERE m.conversation_id = c.id AND m.author = 'client' AND m.seq > (
            SELECT coalesce(max(a.seq), 0) FROM crm.conversation_messages a
            WHERE a.conversation_id = c.id AND a.author <> 'client')) AS unanswered,
       (SELECT count(*) FROM crm.turns t
        WHERE t.conversation_id = c.id AND t.state = 'FAILED') AS failed_turns
FROM crm.conversations c
CROSS JOIN LATERAL (
    WITH RECURSIVE up AS (
        SELECT id, merged_into_id, public_id, name FROM crm.clients WHERE id = c.client_id
        UNION ALL
        SELECT k.id, k.merged_into_id, k.public_id, k.name
        FROM up JOIN crm.clients k ON k.id = up.merged_into_id
    )
    SELECT * FROM up WHERE merged_into_id IS NULL
) w
LEFT JOIN ops.people p ON p.id = c.assigned_id
WHERE (CAST(:owner AS bigint) IS NULL OR c.assigned_id IS NULL OR c.assigned_id = :owner)
"""
# The client and whoever was merged into them: without it, every conversation's client would be looked up.
FAMILY = """
WITH RECURSIVE down AS (
    SELECT id FROM crm.clients WHERE public_id = :client_id
    UNION ALL
    SELECT k.id FROM down JOIN crm.clients k ON k.merged_into_id = down.id
)
SELECT id FROM down
"""
CONDITIONS = {
    "mode": "c.mode = CAST(CAST(:mode AS text) AS crm.conversation_mode)",
    "account": "c.account = :account",
    "client_id": f"w.public_id = :client_id AND c.client_id IN ({FAMILY})",
    "me": "c.assigned_id = :me",
    "nobody": "c.assigned_id IS NULL",
    "somebody": "c.assigned_id = (SELECT id FROM ops.people WHERE public_id = :somebody)",
    "before": "(c.last_event_at, c.id) < (to_timestamp(:at / 1000000.0), :before)",
}
MESSAGES = text(
    """
    SELECT m.public_id AS id, m.seq, m.author::text, m.body_sealed, m.created_at,
           p.public_id AS person_id, p.name AS person_name,
           e.public_id AS event_id, e.body_sealed AS event_sealed,
           t.state::text AS turn_state, t.outcome, t.intent, t.error_code AS turn_error,
           o.state::text AS sent_state, o.attempts, o.error_code, o.sent_at, s.status::text AS reported,
           s.error_code AS reported_error
    FROM crm.conversation_messages m
    LEFT JOIN ops.people p ON p.id = m.author_id
    LEFT JOIN crm.ingest_events e ON e.id = m.event_id
    LEFT JOIN crm.turns t ON t.event_id = m.event_id
    LEFT JOIN crm.outbound_messages o ON o.message_id = m.id
    LEFT JOIN crm.message_statuses s ON s.account = o.account AND s.message_id = o.provider_message_id
    WHERE m.conversation_id = :key AND (CAST(:before AS bigint) IS NULL OR m.seq < :before)
      AND (CAST(:after AS bigint) IS NULL OR m.seq > :after)
    ORDER BY m.seq DESC LIMIT :limit
    """
)
LOCK = text(
    """
    SELECT c.id AS key, c.public_id AS id, c.account, c.mode::text, c.assigned_id, c.version,
           (SELECT m.event_id FROM crm.conversation_messages m
            WHERE m.conversation_id = c.id AND m.event_id IS NOT NULL
            ORDER BY m.seq DESC LIMIT 1) AS last_event
    FROM crm.conversations c
    WHERE c.public_id = :id
      AND (CAST(:owner AS bigint) IS NULL OR c.assigned_id IS NULL OR c.assigned_id = :owner)
    FOR NO KEY UPDATE OF c
    """
)
CHANGE = text(
    """
    UPDATE crm.conversations SET mode = CAST(CAST(:mode AS text) AS crm.conversation_mode),
                                 assigned_id = :assignee, version = version + 1
    WHERE id = :key
    """
)


async def find_conversation(session: AsyncSession, conversation: UUID, owner: int | None) -> Found | None:
    """The conversation, if it is the owner's or nobody's; any when `owner` is None."""
    statement = text(f"{CONVERSATION} AND c.public_id = :id")
    return await _one(session, statement, id=conversation, owner=owner)


async def list_conversations(
    session: AsyncSession, owner: int | None, filters: Found, *, limit: int
) -> Sequence[Found]:
    """Conversations, the last one in which something was said first; `filters` names CONDITIONS."""
    conditions = [CONVERSATION, *(CONDITIONS[name] for name in filters if name in CONDITIONS)]
    statement = text(" AND ".join(conditions) + " ORDER BY c.last_event_at DESC, c.id DESC LIMIT :limit")
    rows = await session.execute(statement, {**filters, "owner": owner, "limit": limit})
    return [dict(row) for row in rows.mappings()]


async def list_messages(
    session: AsyncSession, key: int, *, before: int | None, after: int | None, limit: int
) -> Sequence[Found]:
    """What was said, newest first."""
    values = {"key": key, "before": before, "after": after, "limit": limit}
    return [dict(row) for row in (await session.execute(MESSAGES, values)).mappings()]


async def lock_conversation(session: AsyncSession, conversation: UUID, owner: int | None) -> Found | None:
    """The conversation, held: the assistant ends no turn in it until the transaction ends."""
    return await _one(session, LOCK, id=conversation, owner=owner)


async def change(session: AsyncSession, key: int, *, mode: str, assignee: int | None) -> None:
    """Who answers, and whose it is."""
    await session.execute(CHANGE, {"key": key, "mode": mode, "assignee": assignee})


async def _one(session: AsyncSession, statement: Any, **values: Any) -> Found | None:
    row = (await session.execute(statement, values)).mappings().one_or_none()
    return None if row is None else dict(row)
