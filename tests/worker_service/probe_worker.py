"""A worker for tests: the product's own Celery application with handlers that do what tests need."""

import asyncio
import os
import signal
import time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.queue import Job
from worker_service.celery_app import app
from worker_service.drain.context import JobContext
from worker_service.handlers import HANDLERS

NOTE = text("INSERT INTO public.effects (job_id, what, pid) VALUES (:job_id, :what, :pid)")


async def note(session: AsyncSession, job: Job, what: str) -> None:
    await session.execute(NOTE, {"job_id": job.id, "what": what, "pid": os.getpid()})


async def start(job: Job, context: JobContext) -> None:
    async with context.database.transaction() as session:
        await note(session, job, "start")


async def finish(job: Job, context: JobContext) -> None:
    async with context.database.transaction() as session:
        await note(session, job, "done")
        await context.complete(session)


async def quick(_job: Job, _context: JobContext) -> None:
    """Done at once."""


async def stuck(job: Job, context: JobContext) -> None:
    """The first attempt takes a minute, others no time."""
    await start(job, context)
    await asyncio.sleep(60 if job.attempt == 1 else 0)
    await finish(job, context)


async def zombie(job: Job, context: JobContext) -> None:
    """The first attempt cannot be interrupted: it blocks, then writes."""
    await start(job, context)
    if job.attempt == 1:
        time.sleep(1.5)  # noqa: ASYNC251 - the very fault under test
    await finish(job, context)


async def zombie_plain(job: Job, context: JobContext) -> None:
    """The same, leaving completion to the worker."""
    await start(job, context)
    if job.attempt == 1:
        time.sleep(1.5)  # noqa: ASYNC251 - the very fault under test


async def doze(job: Job, context: JobContext) -> None:
    await start(job, context)
    await asyncio.sleep(0.5)
    await finish(job, context)


async def poison(job: Job, context: JobContext) -> None:
    await start(job, context)
    os.kill(os.getpid(), signal.SIGKILL)


HANDLERS.update(
    {
        "probe.quick": quick,
        "probe.stuck": stuck,
        "probe.zombie": zombie,
        "probe.zombie_plain": zombie_plain,
        "probe.doze": doze,
        "probe.poison": poison,
    }
)

__all__ = ["app"]
