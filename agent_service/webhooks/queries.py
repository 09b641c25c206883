"""The SQL of subscriptions. A deleted one stays, silent, as the record of who was told what."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core.db import Connection

Found = dict[str, Any]
"""A row by its column names."""

MOST_SECRETS = 5

SHOWN = """
SELECT s.id AS key, s.public_id AS id, s.url, s.types, s.description, s.status::text, s.disabled_reason,
       s.disabled_at, s.failing_since, s.created_at,
       (SELECT count(*) FROM ops.webhook_deliveries d
        WHERE d.subscription_id = s.id AND d.due_at IS NOT NULL) AS waiting
FROM ops.webhook_subscriptions s WHERE s.deleted_at IS NULL
"""
FIND = f"{SHOWN} AND s.public_id = $1"
LIST = f"""{SHOWN}
  AND ($1::text IS NULL OR s.status = $1::text::ops.webhook_status) AND ($2::bigint IS NULL OR s.id < $2)
ORDER BY s.id DESC LIMIT $3
"""
INSERT = """
INSERT INTO ops.webhook_subscriptions (public_id, url, types, description, principal_id)
VALUES ($1, $2, $3, $4, $5) RETURNING id
"""
LOCK = """
SELECT id FROM ops.webhook_subscriptions WHERE public_id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE
"""
UPDATE = """
UPDATE ops.webhook_subscriptions SET url = $2, types = $3, description = $4 WHERE id = $1
"""
SET_STATUS = """
UPDATE ops.webhook_subscriptions
SET status = $2::text::ops.webhook_status, disabled_reason = NULL, disabled_at = NULL, failing_since = NULL
WHERE id = $1
"""
DELETE = """
WITH gone AS (
    UPDATE ops.webhook_subscriptions
    SET deleted_at = now(), status = 'PAUSED', disabled_reason = NULL, disabled_at = NULL WHERE id = $1
), secrets AS (
    DELETE FROM ops.webhook_secrets WHERE subscription_id = $1
)
UPDATE ops.webhook_deliveries
SET status = 'FAILED', error_code = 'webhook_deleted', due_at = NULL, finished_at = now()
WHERE subscription_id = $1 AND due_at IS NOT NULL
"""
INSERT_SECRET = "INSERT INTO ops.webhook_secrets (subscription_id, sealed) VALUES ($1, $2)"  # noqa: S105 - a statement
END_SECRETS = """
UPDATE ops.webhook_secrets
SET expires_at = least(expires_at, now() + $2::float8 * interval '1 hour') WHERE subscription_id = $1
"""
# Signatures travel in one header: it must not grow without end.
FORGET_SECRETS = """
DELETE FROM ops.webhook_secrets WHERE subscription_id = $1 AND (expires_at <= now() OR id <= (
    SELECT id FROM ops.webhook_secrets WHERE subscription_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1))
"""


async def find_webhook(connection: Connection, public_id: UUID) -> Found | None:
    """The subscription."""
    row = await connection.fetchrow(FIND, public_id)
    return None if row is None else dict(row)


async def list_webhooks(
    connection: Connection, status: str | None, *, before: int | None, limit: int
) -> list[Found]:
    """Subscriptions, newest first, before the key `before`."""
    return [dict(row) for row in await connection.fetch(LIST, status, before, limit)]


async def insert_webhook(
    connection: Connection,
    public_id: UUID,
    *,
    url: str,
    types: Sequence[str],
    description: str | None,
    principal: int,
) -> int:
    """A new subscription."""
    key: int = await connection.fetchval(INSERT, public_id, url, types, description, principal)
    return key


async def lock_webhook(connection: Connection, public_id: UUID) -> int | None:
    """The subscription's key, if it is there; nobody else changes it until the transaction ends."""
    key: int | None = await connection.fetchval(LOCK, public_id)
    return key


async def update_webhook(
    connection: Connection, key: int, *, url: str, types: Sequence[str], description: str | None
) -> None:
    """What is told where."""
    await connection.execute(UPDATE, key, url, types, description)


async def set_status(connection: Connection, key: int, status: str) -> None:
    """ACTIVE or PAUSED; past failures are forgotten."""
    await connection.execute(SET_STATUS, key, status)


async def delete_webhook(connection: Connection, key: int) -> None:
    """Nothing is told there any more, and nothing could be signed."""
    await connection.execute(DELETE, key)


async def insert_secret(connection: Connection, key: int, sealed: bytes) -> None:
    """A key to sign with from now on."""
    await connection.execute(INSERT_SECRET, key, sealed)


async def end_secrets(connection: Connection, key: int, *, hours: float) -> datetime:
    """The keys there are sign for `hours` more at most; until when."""
    await connection.execute(END_SECRETS, key, hours)
    await connection.execute(FORGET_SECRETS, key, MOST_SECRETS - 1)
    until: datetime = await connection.fetchval("SELECT now() + $1::float8 * interval '1 hour'", hours)
    return until
