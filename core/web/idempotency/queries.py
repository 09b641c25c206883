"""The SQL of keys. A record holds for 24 hours; what is older counts as absent, and upkeep deletes it."""

from typing import NamedTuple
from uuid import UUID

from asyncpg import Record

from core.db import Connection
from core.web.idempotency.keys import Claim

TRY = """
SELECT pg_try_advisory_xact_lock($2) AS mine, k.request, k.answer, 1 AS wait
FROM (SELECT 1) AS one LEFT JOIN ops.idempotency_keys k
    ON k.scope = $1 AND k.created_at > now() - interval '24 hours'
"""
KEEP = """
INSERT INTO ops.idempotency_keys AS k (scope, request, answer) VALUES ($1, $2, $3)
ON CONFLICT (scope) DO UPDATE
SET request = excluded.request, answer = excluded.answer, holder = NULL, leased_until = NULL,
    created_at = now()
WHERE k.created_at <= now() - interval '24 hours'
RETURNING true
"""
LEASE = """
INSERT INTO ops.idempotency_keys AS k (scope, request, holder, leased_until)
VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
ON CONFLICT (scope) DO UPDATE
SET request = excluded.request, answer = NULL, holder = excluded.holder, leased_until = excluded.leased_until,
    created_at = now()
WHERE k.created_at <= now() - interval '24 hours'
   OR k.answer IS NULL AND k.leased_until < clock_timestamp() AND k.request = excluded.request
RETURNING true
"""
FIND = """
SELECT false AS mine, request, answer,
       greatest(1, ceil(extract(epoch FROM leased_until - clock_timestamp())))::int AS wait
FROM ops.idempotency_keys WHERE scope = $1
"""
RENEW = """
UPDATE ops.idempotency_keys SET leased_until = clock_timestamp() + make_interval(secs => $3)
WHERE scope = $1 AND holder = $2
"""
FINISH = """
UPDATE ops.idempotency_keys SET answer = $3, holder = NULL, leased_until = NULL
WHERE scope = $1 AND holder = $2
"""
RELEASE = "DELETE FROM ops.idempotency_keys WHERE scope = $1 AND holder = $2"


class Kept(NamedTuple):
    """What is known of a key. Without a `request`: nothing. Without an `answer`: somebody is at work."""

    mine: bool
    request: bytes | None
    answer: bytes | None
    wait: int


async def try_claim(connection: Connection, claim: Claim) -> Kept:
    """Take the claim's lock until the transaction ends, and look its record up.

    The look-up may miss a record that was committed while the lock was being taken: `keep` does not.
    """
    return _kept(await connection.fetchrow(TRY, claim.scope, claim.lock))


async def keep(connection: Connection, claim: Claim, answer: bytes) -> bool:
    """Record the answer in the transaction of the work; False when another one is recorded."""
    return bool(await connection.fetchval(KEEP, claim.scope, claim.request, answer))


async def lease(connection: Connection, claim: Claim, holder: UUID, seconds: float) -> Kept | None:
    """Be the one at work, for `seconds`; else what is known of the key."""
    while not await connection.fetchval(LEASE, claim.scope, claim.request, holder, seconds):
        if (row := await connection.fetchrow(FIND, claim.scope)) is not None:
            return _kept(row)  # without one, it was released meanwhile
    return None


async def renew(connection: Connection, scope: bytes, holder: UUID, seconds: float) -> None:
    """Stay the one at work."""
    await connection.execute(RENEW, scope, holder, seconds)


async def finish(connection: Connection, scope: bytes, holder: UUID, answer: bytes) -> None:
    """Record the answer, unless the lease went to somebody else."""
    await connection.execute(FINISH, scope, holder, answer)


async def release(connection: Connection, scope: bytes, holder: UUID) -> None:
    """Let the next one try."""
    await connection.execute(RELEASE, scope, holder)


def _kept(row: Record | None) -> Kept:
    assert row is not None, "these queries have a row"
    return Kept(row["mine"], row["request"], row["answer"], row["wait"])
