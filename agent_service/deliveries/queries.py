"""The SQL of looking at deliveries and starting them over."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core.db import Connection
from core.ids import uuid7

Found = dict[str, Any]
"""A row by its column names."""

MOST_REPLAYED = 10_000
MOST_ATTEMPTS = 100

DELIVERY = """
SELECT d.id AS key, d.public_id AS id, s.public_id AS webhook_id, e.public_id AS event_id, e.type,
       d.status::text, d.attempt, d.error_code, d.created_at, d.finished_at,
       CASE WHEN d.status = 'PENDING' THEN d.due_at END AS next_attempt_at,
       s.status::text AS webhook_status, e.data::text AS data
FROM ops.webhook_deliveries d
JOIN ops.webhook_subscriptions s ON s.id = d.subscription_id AND s.deleted_at IS NULL
JOIN ops.outbox_events e ON e.id = d.event_id
"""
FIND = f"{DELIVERY} WHERE d.public_id = $1"
LOCK = f"{FIND} FOR NO KEY UPDATE OF d"
LIST = f"""{DELIVERY}
WHERE d.subscription_id = $1 AND ($2::text IS NULL OR d.status = $2::text::ops.delivery_status)
  AND ($3::bigint IS NULL OR d.id < $3)
ORDER BY d.id DESC LIMIT $4
"""
ATTEMPTS = """
SELECT attempt, status_code, error_code, duration_ms, created_at FROM ops.webhook_attempts
WHERE delivery_id = $1 ORDER BY id DESC LIMIT $2
"""
WEBHOOK = """
SELECT id, status::text FROM ops.webhook_subscriptions WHERE public_id = $1 AND deleted_at IS NULL
"""
# Told to nobody else: an event that counts as dispatched never meets the relay.
INSERT_TEST = """
WITH event AS (
    INSERT INTO ops.outbox_events (public_id, type, subject, data, due_at, dispatched_at)
    VALUES ($1, 'webhook.test', $2, jsonb_build_object('webhook_id', $2::uuid), NULL, now()) RETURNING id
)
INSERT INTO ops.webhook_deliveries (public_id, subscription_id, event_id) SELECT $3, $4, id FROM event
"""
START_OVER = """
UPDATE ops.webhook_deliveries
SET status = 'PENDING', due_at = now(), attempt = 0, error_code = NULL, finished_at = NULL
WHERE id = ANY($1::bigint[])
"""
LOCK_FAILED = """
SELECT d.id FROM ops.webhook_deliveries d JOIN ops.outbox_events e ON e.id = d.event_id
WHERE d.subscription_id = $1 AND d.status = 'FAILED' AND e.created_at >= $2
ORDER BY d.id LIMIT $3 FOR NO KEY UPDATE OF d
"""
RING = "SELECT pg_notify('cogep_webhooks', '')"


async def find_delivery(connection: Connection, public_id: UUID) -> Found | None:
    """The delivery."""
    return _found(await connection.fetchrow(FIND, public_id))


async def lock_delivery(connection: Connection, public_id: UUID) -> Found | None:
    """The delivery; nobody else takes it until the transaction ends."""
    return _found(await connection.fetchrow(LOCK, public_id))


async def list_deliveries(
    connection: Connection, webhook: int, status: str | None, *, before: int | None, limit: int
) -> list[Found]:
    """Deliveries, newest first, before the key `before`."""
    rows = await connection.fetch(LIST, webhook, status, before, limit)
    return [dict(row) for row in rows]


async def list_attempts(connection: Connection, delivery: int) -> list[Found]:
    """The latest calls."""
    return [dict(row) for row in await connection.fetch(ATTEMPTS, delivery, MOST_ATTEMPTS)]


async def find_webhook(connection: Connection, public_id: UUID) -> Found | None:
    """The subscription's key and status."""
    row = await connection.fetchrow(WEBHOOK, public_id)
    return None if row is None else dict(row)


async def insert_test(connection: Connection, webhook: int, webhook_id: UUID) -> UUID:
    """A delivery that only tells the subscription about itself."""
    delivery = uuid7()
    await connection.execute(INSERT_TEST, uuid7(), webhook_id, delivery, webhook)
    await connection.execute(RING)
    return delivery


async def start_over(connection: Connection, deliveries: Sequence[int]) -> None:
    """The whole schedule anew, from now."""
    await connection.execute(START_OVER, deliveries)
    await connection.execute(RING)


async def lock_failed(connection: Connection, webhook: int, since: datetime) -> list[int]:
    """Failed deliveries of events since then, the oldest first."""
    return [row["id"] for row in await connection.fetch(LOCK_FAILED, webhook, since, MOST_REPLAYED)]


def _found(row: Any) -> Found | None:
    return None if row is None else {**row, "data": json.loads(row["data"])}
