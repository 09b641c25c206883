"""The SQL of sessions. What ends or continues a person's sessions holds that person's row first."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from core.db import Connection

Row = asyncpg.Record

FIND_LOGIN = "SELECT id AS key, public_id AS id, password_hash, active FROM ops.people WHERE email_key = $1"
FIND_PASSWORD = "SELECT password_hash FROM ops.people WHERE id = $1"  # noqa: S105 -- SQL, not a password
FIND_ME = "SELECT public_id AS id, email FROM ops.people WHERE id = $1"
# Nothing comes back when the person was let out, or got another password, while this one was being checked.
ENTER = """
UPDATE ops.people SET last_login_at = now(), password_hash = coalesce($3, password_hash)
WHERE id = $1 AND password_hash = $2 AND active RETURNING id
"""
INSERT_FIRST = """
INSERT INTO ops.refresh_tokens (sha256, family, person_id, expires_at)
VALUES ($1, $2, $3, now() + make_interval(secs => $4)) RETURNING expires_at
"""
FORGET_ENDED = "DELETE FROM ops.refresh_tokens WHERE person_id = $1 AND expires_at < now()"
LOCK_OWNER = """
SELECT p.id FROM ops.people p WHERE p.id = (SELECT person_id FROM ops.refresh_tokens WHERE sha256 = $1)
FOR NO KEY UPDATE
"""
LINK = """
SELECT t.family, t.person_id, p.public_id AS person, t.expires_at, t.used_at IS NOT NULL AS used,
       t.revoked_at IS NULL AND t.expires_at > now() AND p.active AS living,
       t.used_at > now() - make_interval(secs => $3)
           AND s.sha256 IS NOT NULL AND s.used_at IS NULL AS repeatable
FROM ops.refresh_tokens t
JOIN ops.people p ON p.id = t.person_id
LEFT JOIN ops.refresh_tokens s ON s.sha256 = $2 AND s.family = t.family
WHERE t.sha256 = $1
"""
USE = "UPDATE ops.refresh_tokens SET used_at = now() WHERE sha256 = $1"
INSERT_NEXT = """
INSERT INTO ops.refresh_tokens (sha256, family, person_id, expires_at) VALUES ($1, $2, $3, $4)
"""
END_FAMILY = "UPDATE ops.refresh_tokens SET revoked_at = now() WHERE family = $1 AND revoked_at IS NULL"
# One statement: of many tries at once, only as many are counted as may be made. No row: closed for now.
COUNT_FAILURE = """
INSERT INTO ops.login_failures AS f (key, failures, last_at) VALUES ($1, 1, now())
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN f.last_at < now() - interval '1 day' THEN 1 ELSE f.failures + 1 END,
    closed_to = CASE WHEN f.last_at >= now() - interval '1 day' AND f.failures + 1 >= $2
                     THEN now() + make_interval(secs => least($3, 2.0 ^ least(f.failures + 1 - $2, 30))) END,
    last_at = now()
WHERE f.closed_to IS NULL OR f.closed_to <= now()
RETURNING failures
"""
CLOSED_FOR = "SELECT extract(epoch FROM closed_to - now())::float8 FROM ops.login_failures WHERE key = $1"
FORGET_FAILURES = "DELETE FROM ops.login_failures WHERE key = $1"
FORGET_OLD_FAILURES = """
DELETE FROM ops.login_failures WHERE key IN (
    SELECT key FROM ops.login_failures WHERE last_at < now() - interval '1 day'
    LIMIT 10 FOR UPDATE SKIP LOCKED)
"""


async def count_failure(connection: Connection, key: bytes, free: int, longest: float) -> float | None:
    """Count one failure, from the `free`th on with a wait after it; or say how many seconds to wait."""
    if await connection.fetchval(COUNT_FAILURE, key, free, longest) is not None:
        return None
    wait: float | None = await connection.fetchval(CLOSED_FOR, key)
    return max(wait or 0.0, 0.0)


async def forget_failures(connection: Connection, keys: Sequence[bytes]) -> None:
    """Forget the failures of these keys, locked in this order, and some that are a day old."""
    for key in keys:
        await connection.execute(FORGET_FAILURES, key)
    await connection.execute(FORGET_OLD_FAILURES)


async def find_login(connection: Connection, email_key: str) -> Row | None:
    """What a login is checked against."""
    return await connection.fetchrow(FIND_LOGIN, email_key)


async def find_password(connection: Connection, person: int) -> str | None:
    """The password hash of a person."""
    found: str | None = await connection.fetchval(FIND_PASSWORD, person)
    return found


async def lock_password(connection: Connection, person: int) -> str | None:
    """The password hash of a person, whose row is locked until the transaction ends."""
    found: str | None = await connection.fetchval(FIND_PASSWORD + " FOR NO KEY UPDATE", person)
    return found


async def find_me(connection: Connection, person: int) -> Row | None:
    """What a person sees of themselves beyond their principal."""
    return await connection.fetchrow(FIND_ME, person)


async def enter(connection: Connection, person: int, checked: str, fresh: str | None) -> bool:
    """Note the login, if the hash that was checked still is theirs; `fresh` replaces it."""
    return await connection.fetchval(ENTER, person, checked, fresh) is not None


async def insert_first(
    connection: Connection, sha256: bytes, family: UUID, person: int, seconds: float
) -> datetime:
    """Begin a family that ends after so many seconds; when that is. Ended ones are forgotten."""
    await connection.execute(FORGET_ENDED, person)
    ends: datetime = await connection.fetchval(INSERT_FIRST, sha256, family, person, seconds)
    return ends


async def lock_token(
    connection: Connection, sha256: bytes, successor: bytes, repeat_seconds: float
) -> Row | None:
    """A refresh token, its owner's row locked until the transaction ends."""
    await connection.execute(LOCK_OWNER, sha256)
    return await connection.fetchrow(LINK, sha256, successor, repeat_seconds)


async def rotate(connection: Connection, sha256: bytes, successor: bytes, token: Row) -> None:
    """Use a token up; its successor takes its place in the family."""
    await connection.execute(USE, sha256)
    await connection.execute(INSERT_NEXT, successor, token["family"], token["person_id"], token["expires_at"])


async def end_family(connection: Connection, family: UUID) -> None:
    """End a session."""
    await connection.execute(END_FAMILY, family)
