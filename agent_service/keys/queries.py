"""The SQL of API keys."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from core.apikeys import MintedKey, Scope
from core.db import Connection

Row: TypeAlias = dict[str, Any]
"""A key by column names."""

KEYS = (
    "SELECT id AS key, public_id, name, scopes, created_at, expires_at, last_used_at, revoked_at"
    " FROM ops.api_keys"
)
LIST = KEYS + " WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2"
FIND = KEYS + " WHERE public_id = $1"
INSERT = """
INSERT INTO ops.api_keys (public_id, name, secret_sha256, scopes, expires_at)
VALUES ($1, $2, $3, $4, now() + make_interval(days => $5::integer))
"""
REVOKE = "UPDATE ops.api_keys SET revoked_at = now() WHERE public_id = $1 AND revoked_at IS NULL"


async def list_keys(connection: Connection, *, before: int | None, limit: int) -> Sequence[Row]:
    """Keys, the newest first, before the key `before`."""
    return [dict(row) for row in await connection.fetch(LIST, before, limit)]


async def insert_key(
    connection: Connection, minted: MintedKey, name: str, scopes: Sequence[Scope], days: int | None
) -> Row:
    """Store what may be stored of a minted key."""
    await connection.execute(
        INSERT, minted.public_id, name, minted.secret_sha256, [scope.value for scope in scopes], days
    )
    row = await connection.fetchrow(FIND, minted.public_id)
    assert row is not None, "it was inserted just now"
    return dict(row)


async def revoke_key(connection: Connection, public_id: str) -> Row | None:
    """End a key, if there is one of that id."""
    await connection.execute(REVOKE, public_id)
    row = await connection.fetchrow(FIND, public_id)
    return None if row is None else dict(row)
