"""The SQL of the audit log. An entry is inserted unsealed; sealing gives it its place and its hash, once."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from asyncpg import Record

from core.audit.chain import Entry
from core.db import Connection

COLUMNS = "id, recorded_at, actor, action, subject, data::text, request_id"

INSERT_ENTRY = """
INSERT INTO ops.audit_log (actor, action, subject, data, request_id) VALUES ($1, $2, $3, $4::jsonb, $5)
"""
INSERT_READ = """
INSERT INTO ops.personal_data_reads (principal_id, subject, what, request_id) VALUES ($1, $2, $3, $4)
"""
LOCK_HEAD = "SELECT position, hash FROM ops.audit_head FOR UPDATE"
HEAD = "SELECT position, hash FROM ops.audit_head"
MOVE_HEAD = "UPDATE ops.audit_head SET position = $1, hash = $2"
UNSEALED = f"SELECT {COLUMNS} FROM ops.audit_log WHERE position IS NULL ORDER BY id LIMIT $1"  # noqa: S608
COUNT_UNSEALED = """
SELECT count(*) AS entries, extract(epoch FROM now() - min(recorded_at))::float8 AS oldest_seconds
FROM ops.audit_log WHERE position IS NULL
"""
SEAL = """
UPDATE ops.audit_log l SET position = s.position, hash = s.hash
FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS s (id, position, hash) WHERE l.id = s.id
"""
SEALED = f"""
SELECT {COLUMNS}, position, hash FROM ops.audit_log
WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3
"""  # noqa: S608 - all parts are constants
BEYOND = """
SELECT id, position FROM ops.audit_log
WHERE position > (SELECT position FROM ops.audit_head) ORDER BY position LIMIT 1
"""


class Head(NamedTuple):
    """The last sealed place and its hash."""

    position: int
    hash: bytes


class Sealed(NamedTuple):
    """An entry at its place, with the hash it was sealed with."""

    entry: Entry
    position: int
    hash: bytes | None


class Tail(NamedTuple):
    """Entries that wait for their seal."""

    entries: int
    oldest_seconds: float | None


async def insert_entry(
    connection: Connection, actor: int | None, action: str, subject: str, data: str, request_id: str | None
) -> None:
    """Append; `data` is JSON."""
    await connection.execute(INSERT_ENTRY, actor, action, subject, data, request_id)


async def insert_read(
    connection: Connection, principal: int, subject: str, what: str, request_id: str | None
) -> None:
    """Note a read."""
    await connection.execute(INSERT_READ, principal, subject, what, request_id)


async def lock_head(connection: Connection) -> Head:
    """The head, locked until the transaction ends: there is one sealer at a time."""
    return _head(await connection.fetchrow(LOCK_HEAD))


async def get_head(connection: Connection) -> Head:
    """The head."""
    return _head(await connection.fetchrow(HEAD))


async def list_unsealed(connection: Connection, limit: int) -> Sequence[Entry]:
    """The oldest entries without a place."""
    return [_entry(row) for row in await connection.fetch(UNSEALED, limit)]


async def count_unsealed(connection: Connection) -> Tail:
    """How many entries wait, and for how long."""
    row = await connection.fetchrow(COUNT_UNSEALED)
    assert row is not None, "an aggregate has a row"
    return Tail(row["entries"], row["oldest_seconds"])


async def seal_entries(connection: Connection, seals: Sequence[Sealed]) -> None:
    """Give entries their places, and move the head to the last of them."""
    ids, positions, hashes = zip(*((s.entry.id, s.position, s.hash) for s in seals), strict=True)
    await connection.execute(SEAL, ids, positions, hashes)
    await connection.execute(MOVE_HEAD, positions[-1], hashes[-1])


async def list_sealed(connection: Connection, after: int, upto: int, limit: int) -> Sequence[Sealed]:
    """Sealed entries by place, after one and up to another."""
    rows = await connection.fetch(SEALED, after, upto, limit)
    return [Sealed(_entry(row), row["position"], row["hash"]) for row in rows]


async def find_beyond_head(connection: Connection) -> Record | None:
    """An entry with a place that was never given."""
    return await connection.fetchrow(BEYOND)


def _head(row: Record | None) -> Head:
    if row is None:  # whoever removed it left a chain that ends nowhere
        return Head(-1, b"")
    return Head(row["position"], row["hash"])


def _entry(row: Record) -> Entry:
    members = {name: row[name] for name in ("id", "recorded_at", "actor", "action", "subject", "request_id")}
    return Entry(**members, data=json.loads(row["data"]))
