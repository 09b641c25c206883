"""A batch on its way through: each chunk is one transaction, and a worker that dies loses none of them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from core.db import driver_connection
from core.models import ImportStatus
from core.queue import Job, LeaseLost
from core.vault import Vault
from worker_service.drain.context import JobContext
from worker_service.imports import queries
from worker_service.imports.layouts.rows import FileRefused, Reading
from worker_service.imports.opening import open_batch
from worker_service.imports.queries import Batch
from worker_service.imports.taking import take
from worker_service.imports.undo.reverting import revert
from worker_service.imports.walk import Placed, Walk

CHUNK = 1_000


async def run_import(job: Job, context: JobContext) -> None:
    """What the state of the job's batch asks for: check it, commit it, take it back."""
    async with context.database.connection() as connection:
        batch = await queries.find_batch(connection, job.id)
    if batch is None:
        return
    if batch.status is ImportStatus.REVERTING:
        await revert(batch, context)
    elif batch.status in {ImportStatus.CHECKING, ImportStatus.COMMITTING}:
        await _take_in(batch, context)


async def _take_in(batch: Batch, context: JobContext) -> None:
    vault = Vault.of(context.settings)
    try:
        reading = await asyncio.to_thread(open_batch, batch, vault)
    except FileRefused as refusal:
        async with context.database.transaction() as session:
            await queries.refuse(await driver_connection(session), batch.id, refusal.code, refusal.detail)
            await context.complete(session)
        return
    rows = reading.totals["rows"]
    async with context.database.connection() as connection:
        await queries.begin(connection, batch.id, rows, reading.totals, reading.entity)
    await _walk(batch._replace(body_sealed=None), reading, rows, vault, context)


async def _walk(batch: Batch, reading: Reading, rows: int, vault: Vault, context: JobContext) -> None:
    done = batch.done
    async with aclosing(_chunks(Walk(reading, batch.public_id, vault, done=done))) as chunks:
        async for placed in chunks:
            await _take(batch, placed, done, context)
            done += len(placed)
            await context.milestone("importing", min(99, 100 * done // rows))
    checked = batch.status is ImportStatus.CHECKING
    async with context.database.transaction() as session:
        connection = await driver_connection(session)
        await queries.finish(
            connection, batch.id, ImportStatus.CHECKED if checked else ImportStatus.COMMITTED
        )
        await context.complete(session)


async def _chunks(walk: Walk) -> AsyncGenerator[list[Placed], None]:
    """Each chunk is read while the database takes the one before."""
    upcoming = asyncio.create_task(walk.chunk(CHUNK))
    try:
        while placed := await upcoming:
            upcoming = asyncio.create_task(walk.chunk(CHUNK))
            yield placed
    finally:
        upcoming.cancel()


async def _take(batch: Batch, placed: list[Placed], done: int, context: JobContext) -> None:
    """Raises LeaseLost where another worker has gone on with the batch."""
    write = batch.status is ImportStatus.COMMITTING
    async with context.database.connection() as connection, connection.transaction():
        await queries.take_turn(connection)
        if not await queries.holds(connection, batch.id, context.job.id, batch.status, done):
            raise LeaseLost(context.job)
        rows, changes = await take(connection, placed, write=write)
        await queries.put_rows(connection, batch.id, rows)
        await queries.put_changes(connection, batch.id, changes)
