"""The SQL of arranging accounts."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from asyncpg import Record

from core.db import Connection

INSERT = """
INSERT INTO crm.channels
    (account, kind, name, is_active, assistant_on, namespace, config, secrets_sealed)
VALUES ($1, $2::text::crm.channel_kind, $3, $4, $5, $6, $7::text::jsonb, $8)
ON CONFLICT (account) DO NOTHING RETURNING *
"""
FIND = "SELECT * FROM crm.channels WHERE account = $1"
LOCK = "SELECT * FROM crm.channels WHERE account = $1 FOR UPDATE"
LIST = "SELECT * FROM crm.channels WHERE id > $1 ORDER BY id LIMIT $2"
UPDATE = """
UPDATE crm.channels
SET name = $2, is_active = $3, assistant_on = $4, namespace = $5, config = $6::text::jsonb,
    secrets_sealed = $7, version = version + 1, updated_at = now()
WHERE account = $1 RETURNING *
"""
DELETE = "DELETE FROM crm.channels WHERE account = $1 RETURNING id"


class NewChannel(NamedTuple):
    """A row, in the order of its columns."""

    account: str
    kind: str
    name: str
    is_active: bool
    assistant_on: bool
    namespace: str
    config: str
    secrets_sealed: bytes


async def insert_channel(connection: Connection, channel: NewChannel) -> Record | None:
    """The new row; None when there is such an account."""
    return await connection.fetchrow(INSERT, *channel)


async def list_channels(connection: Connection, *, after: int, limit: int) -> Sequence[Record]:
    """Accounts in the order they were made, after the key `after`."""
    return await connection.fetch(LIST, after, limit)


async def find_channel(connection: Connection, account: str) -> Record | None:
    """The account."""
    return await connection.fetchrow(FIND, account)


async def lock_channel(connection: Connection, account: str) -> Record | None:
    """The account, held until the transaction ends."""
    return await connection.fetchrow(LOCK, account)


async def update_channel(connection: Connection, account: str, *values: Any) -> Record:
    """The row as it is now: name, active, assistant, namespace, config, sealed secrets."""
    row = await connection.fetchrow(UPDATE, account, *values)
    assert row is not None, "the row is locked"
    return row


async def delete_channel(connection: Connection, account: str) -> bool:
    """Whether there was such an account."""
    return await connection.fetchval(DELETE, account) is not None
