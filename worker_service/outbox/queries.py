"""The SQL of telling. An attempt is counted when an event is taken, and taken off when it succeeded."""

from collections.abc import Mapping, Sequence

from core.db import Connection
from core.ids import uuid7
from core.outbox import OutboxEvent

LIST_ACTIVE = "SELECT id, types FROM ops.webhook_subscriptions WHERE status = 'ACTIVE'"
# Whoever delivers hears of it with the commit. An event that is told again finds its deliveries made.
INSERT_DELIVERIES = """
WITH made AS (
    INSERT INTO ops.webhook_deliveries (public_id, subscription_id, event_id)
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])
    ON CONFLICT (subscription_id, event_id) DO NOTHING RETURNING id
)
SELECT pg_notify('cogep_webhooks', '') FROM made LIMIT 1
"""
MARK_DISPATCHED = """
UPDATE ops.outbox_events SET dispatched_at = clock_timestamp(), due_at = NULL, error_code = NULL,
                             attempts = attempts - 1
WHERE id = ANY($1::bigint[])
"""
MARK_FAILED = """
UPDATE ops.outbox_events
SET error_code = $2, due_at = CASE WHEN attempts < $4 THEN now() + $3::float8 * interval '1 second' END
WHERE id = $1
"""


async def list_active(connection: Connection) -> Mapping[int, Sequence[str]]:
    """The types each active subscription wants; none means all."""
    return {row["id"]: row["types"] for row in await connection.fetch(LIST_ACTIVE)}


async def insert_deliveries(connection: Connection, pairs: Sequence[tuple[int, int]]) -> None:
    """One delivery per (subscription, event), however often it is asked for."""
    subscriptions, events = zip(*pairs, strict=True)
    await connection.execute(INSERT_DELIVERIES, [uuid7() for _ in pairs], subscriptions, events)


async def mark_dispatched(connection: Connection, events: Sequence[int]) -> None:
    """These are told."""
    await connection.execute(MARK_DISPATCHED, events)


async def mark_failed(
    connection: Connection, event: OutboxEvent, code: str, *, wait: float, most: int
) -> None:
    """The event waits `wait` seconds for its next attempt; after `most` of them it is given up."""
    await connection.execute(MARK_FAILED, event.id, code, wait, most)
