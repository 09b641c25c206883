"""A batch is taken back, newest change first; what was changed since stays, and its row says so."""

from collections.abc import Sequence

from asyncpg import ForeignKeyViolationError, Record

from core.db import Connection, driver_connection
from core.models import ImportStatus, ImportTarget
from core.queue import LeaseLost
from worker_service.drain.context import JobContext
from worker_service.imports.queries import Batch, finish, holds, take_turn
from worker_service.imports.undo import queries

CHUNK = 500
CHANGED_SINCE = "changed_since"
IN_USE = "in_use"


async def revert(batch: Batch, context: JobContext) -> None:
    """Take a batch back, chunk by chunk."""
    while await _chunk(batch, context):
        await context.milestone("reverting", 50)
    async with context.database.transaction() as session:
        connection = await driver_connection(session)
        await finish(connection, batch.id, ImportStatus.REVERTED)
        await context.complete(session)


async def _chunk(batch: Batch, context: JobContext) -> bool:
    async with context.database.connection() as connection, connection.transaction():
        await take_turn(connection)
        if not await holds(connection, batch.id, context.job.id, batch.status, batch.done):
            raise LeaseLost(context.job)
        changes = await queries.take_changes(connection, batch.id, CHUNK)
        for run in _runs(changes):
            kept = await _undo(connection, run)
            if rows := [
                (each["position"], kept[each["target_id"]]) for each in run if each["target_id"] in kept
            ]:
                await queries.keep(connection, batch.id, rows)
    return bool(changes)


def _runs(changes: Sequence[Record]) -> list[list[Record]]:
    """Runs of changes of one kind, in their order; the same thing twice is in two runs."""
    runs: list[list[Record]] = []
    seen: set[int] = set()
    for change in changes:
        if not runs or _kind(runs[-1][0]) != _kind(change) or change["target_id"] in seen:
            runs.append([])
            seen.clear()
        runs[-1].append(change)
        seen.add(change["target_id"])
    return runs


def _kind(change: Record) -> tuple[ImportTarget, bool]:
    return ImportTarget(change["target"]), change["before"] is None


async def _undo(connection: Connection, run: list[Record]) -> dict[int, str]:
    """What stays, and why."""
    target, is_new = _kind(run[0])
    if target is ImportTarget.CLIENT:
        return await _unmake_clients(connection, run)
    return _left(run, await queries.undo(connection, target, run, is_new=is_new))


async def _unmake_clients(connection: Connection, run: list[Record]) -> dict[int, str]:
    """All of them at once, or half by half where something has come to stand on one of them."""
    try:
        async with connection.transaction():
            return _left(run, await queries.unmake_clients(connection, run))
    except ForeignKeyViolationError:
        if len(run) == 1:
            return {run[0]["target_id"]: IN_USE}
    half = len(run) // 2
    first = await _unmake_clients(connection, run[:half])
    return first | await _unmake_clients(connection, run[half:])


def _left(run: list[Record], undone: set[int]) -> dict[int, str]:
    return {each["target_id"]: CHANGED_SINCE for each in run if each["target_id"] not in undone}
