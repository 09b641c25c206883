"""The chores: what is done, under which lock."""

from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from core.cases.maintenance import maintain
from core.db import Database, driver_connection
from core.queue import INGESTION, rescue, stage, sweep_orphans
from core.tickets.clockwork import close_resolved, mark_overdue
from worker_service.upkeep import queries

log = structlog.get_logger(__name__)

ATTEMPTS_KEPT_DAYS = 30
BLOBS_KEPT_DAYS = 7
EVENTS_KEPT_DAYS = 90

Chore = Callable[[AsyncSession], Awaitable[int]]


async def rescue_jobs(session: AsyncSession) -> int:
    """Take back the jobs of dead workers."""
    rescued = await rescue(await driver_connection(session), INGESTION)
    return len(rescued.ready) + len(rescued.failed)


async def stage_jobs(session: AsyncSession) -> int:
    """Make due jobs ready."""
    return await stage(await driver_connection(session), INGESTION)


async def sweep(session: AsyncSession) -> int:
    """Free held jobs whose lease does not exist."""
    return len(await sweep_orphans(await driver_connection(session), INGESTION))


async def expire_attempts(session: AsyncSession) -> int:
    """Forget old failures."""
    return await queries.delete_old_attempts(session, days=ATTEMPTS_KEPT_DAYS)


async def expire_blobs(session: AsyncSession) -> int:
    """Forget old uploads."""
    return await queries.delete_old_blobs(session, days=BLOBS_KEPT_DAYS)


async def expire_keys(session: AsyncSession) -> int:
    """Forget answers that were kept for a day."""
    return await queries.delete_old_keys(session)


async def expire_events(session: AsyncSession) -> int:
    """Forget events that were told long ago."""
    return await queries.delete_old_events(session, days=EVENTS_KEPT_DAYS)


async def close_tickets(session: AsyncSession) -> int:
    """Close tickets that were resolved long enough ago."""
    return await close_resolved(await driver_connection(session))


async def mark_tickets(session: AsyncSession) -> int:
    """Mark tickets whose promises were missed."""
    return await mark_overdue(await driver_connection(session))


async def maintain_cases(session: AsyncSession) -> int:
    """Note which leases of cases are over, and tell which are near their end."""
    return sum(await maintain(await driver_connection(session)))


CHORES: dict[str, Chore] = {
    "rescue": rescue_jobs,
    "stage": stage_jobs,
    "sweep_orphans": sweep,
    "expire_attempts": expire_attempts,
    "expire_blobs": expire_blobs,
    "close_tickets": close_tickets,
    "mark_tickets": mark_tickets,
    "maintain_cases": maintain_cases,
    "expire_keys": expire_keys,
    "expire_events": expire_events,
}


async def do_chore(database: Database, name: str) -> int | None:
    """Do one chore in one transaction; how many rows it concerned, None when another is at it."""
    async with database.transaction() as session:
        if not await queries.try_lock(session, name):
            return None
        rows = await CHORES[name](session)
    if rows:
        log.info("chore_done", chore=name, rows=rows)
    return rows
