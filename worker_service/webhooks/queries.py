"""The SQL of deliveries. A delivery is in the hands of whoever knows its newest lease, until `due_at`."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, Self
from uuid import UUID

from asyncpg import Record

from core.db import Connection

# From each receiver no more than its free places, so that a slow one cannot take those of the others.
# MATERIALIZED and ARRAY keep the LIMIT from being run again inside a join.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT d.id FROM ops.webhook_subscriptions s
    LEFT JOIN unnest($1::bigint[], $2::bigint[]) AS busy (subscription_id, places)
           ON busy.subscription_id = s.id
    CROSS JOIN LATERAL (
        SELECT id FROM ops.webhook_deliveries
        WHERE subscription_id = s.id AND due_at <= now()
        ORDER BY due_at, id LIMIT greatest(0, $3 - coalesce(busy.places, 0))
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS d
    WHERE s.status = 'ACTIVE'
), held AS (
    UPDATE ops.webhook_deliveries
    SET status = 'DELIVERING', attempt = attempt + 1, lease = lease + 1,
        due_at = now() + $4::float8 * interval '1 second'
    WHERE id = ANY(ARRAY(SELECT id FROM due)) RETURNING *
)
SELECT h.id, h.lease, h.attempt, s.id AS subscription_id, s.public_id AS subscription, s.url,
       e.public_id AS event, e.type, e.created_at, e.data::text,
       ARRAY(SELECT sealed FROM ops.webhook_secrets k
             WHERE k.subscription_id = s.id AND (k.expires_at IS NULL OR k.expires_at > now())
             ORDER BY k.id DESC) AS secrets
FROM held h
JOIN ops.webhook_subscriptions s ON s.id = h.subscription_id
JOIN ops.outbox_events e ON e.id = h.event_id
ORDER BY h.due_at, h.id
"""
# $3 says after how many seconds to try again; without it the delivery is over.
SETTLE = """
WITH held AS (
    UPDATE ops.webhook_deliveries
    SET status = CASE WHEN $4::text IS NULL THEN 'DELIVERED' WHEN $3::float8 IS NULL THEN 'FAILED'
                      ELSE 'PENDING' END::ops.delivery_status,
        due_at = now() + $3::float8 * interval '1 second', error_code = $4,
        finished_at = CASE WHEN $3::float8 IS NULL THEN now() END
    WHERE id = $1 AND lease = $2 AND status = 'DELIVERING' RETURNING id, attempt
)
INSERT INTO ops.webhook_attempts (delivery_id, attempt, status_code, error_code, duration_ms)
SELECT id, attempt, $5, $4, $6 FROM held RETURNING id
"""
RELEASE = """
UPDATE ops.webhook_deliveries SET status = 'PENDING', attempt = attempt - 1, due_at = now()
WHERE id = $1 AND lease = $2 AND status = 'DELIVERING'
"""
# Each writes only what changes: the row of a busy receiver is read by everybody.
MARK_SOUND = """
UPDATE ops.webhook_subscriptions SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL
"""
MARK_FAILING = """
UPDATE ops.webhook_subscriptions SET failing_since = now() WHERE id = $1 AND failing_since IS NULL
"""
DISABLE = """
UPDATE ops.webhook_subscriptions SET status = 'DISABLED', disabled_reason = $2, disabled_at = now()
WHERE id = $1 AND status = 'ACTIVE'
  AND ($3::float8 IS NULL OR failing_since < now() - $3::float8 * interval '1 day') RETURNING id
"""


class Parcel(NamedTuple):
    """A delivery in our hands: (`id`, `lease`) is the right to write about it."""

    id: int
    lease: int
    attempt: int
    subscription_id: int
    subscription: UUID
    url: str
    event: UUID
    type: str
    created_at: datetime
    data: dict[str, Any]
    secrets: list[bytes]

    @classmethod
    def of(cls, row: Record) -> Self:
        """A row of CLAIM."""
        return cls(**{**row, "data": json.loads(row["data"])})


async def claim(connection: Connection, *, busy: Mapping[int, int], places: int, ttl: float) -> list[Parcel]:
    """What is due, ours for `ttl` seconds: for each receiver `places` at most, those `busy` counted."""
    rows = await connection.fetch(CLAIM, list(busy), list(busy.values()), places, ttl)
    return [Parcel.of(row) for row in rows]


async def settle(
    connection: Connection,
    parcel: Parcel,
    *,
    wait: float | None,
    status_code: int | None,
    error_code: str | None,
    duration_ms: int,
) -> bool:
    """Note what came of the attempt; False when the delivery is in other hands by now."""
    noted = await connection.fetchval(
        SETTLE, parcel.id, parcel.lease, wait, error_code, status_code, duration_ms
    )
    return noted is not None


async def release(connection: Connection, parcel: Parcel) -> None:
    """Give it back as it was."""
    await connection.execute(RELEASE, parcel.id, parcel.lease)


async def mark_sound(connection: Connection, subscription: int) -> None:
    """The receiver took something."""
    await connection.execute(MARK_SOUND, subscription)


async def mark_failing(connection: Connection, subscription: int) -> None:
    """The receiver did not take something."""
    await connection.execute(MARK_FAILING, subscription)


async def disable(
    connection: Connection, subscription: int, reason: str, *, failing_days: float | None = None
) -> bool:
    """Call the receiver no more, if it has failed for `failing_days`; whether that was done now."""
    return await connection.fetchval(DISABLE, subscription, reason, failing_days) is not None
