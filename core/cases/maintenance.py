"""What time does to cases: ended leases are written down, near ends are told. Nothing waits for it.

A lease is over at its time whether this ran or not (`core.cases.leasing`); any number may run at once.
"""

from typing import NamedTuple
from uuid import UUID

from core.cases import queries
from core.cases.holding import GONE, expire
from core.cases.rules import get_rules
from core.cases.standing import Held
from core.db import Connection, Database
from core.errors import NotFound
from core.models import EventType
from core.outbox import emit

BATCH = 200
MOST_ROUNDS = 500


class Maintained(NamedTuple):
    """How many leases were ended, and how many near ends were told."""

    expired: int
    alerted: int


async def run_maintenance(database: Database) -> Maintained:
    """All of it, a transaction for each batch."""
    expired = alerted = 0
    for _ in range(MOST_ROUNDS):
        async with database.connection() as connection, connection.transaction():
            done = await maintain(connection)
        expired, alerted = expired + done.expired, alerted + done.alerted
        if max(done) < BATCH:
            break
    return Maintained(expired, alerted)


async def maintain(connection: Connection) -> Maintained:
    """One batch of both, in the caller's transaction."""
    return Maintained(await expire_leases(connection), await tell_near_ends(connection))


async def expire_leases(connection: Connection) -> int:
    """End leases that are over; how many."""
    over = await queries.lock_expired(connection, limit=BATCH)
    for held in over:
        await expire(connection, held)
    return len(over)


async def tell_near_ends(connection: Connection) -> int:
    """Tell of leases that end soon, once for each (case, token, threshold); of how many cases.

    Of thresholds passed at once only the nearest is told. One as long as the lease itself tells nothing.
    """
    rules = await get_rules(connection)
    rows = await queries.insert_alerts(connection, rules.alert_hours, limit=BATCH)
    for row in rows:
        data = {
            "client_id": row["client"],
            "owner": row["owner_id"],
            "token": row["lease_token"],
            "hours": row["hours"],
        }
        await emit(connection, EventType.CASE_EXPIRING, subject=row["id"], data=data)
    return len(rows)


async def check_expiry(connection: Connection, case: UUID) -> Held:
    """The case, its lease ended if it is over. Raises NotFound."""
    held = await queries.lock_case(connection, case)
    if held is None:
        raise NotFound(GONE)
    return await expire(connection, held) if held.is_over else held
