import asyncio
import os
import signal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import JobError
from core.queue import Job
from worker_service.celery_app import app
from worker_service.drain.context import JobContext
from worker_service.handlers import HANDLERS

NOTE = text("INSERT INTO public.effects (job_id, what, pid) VALUES (:job_id, :what, :pid)")


async def _note(session: AsyncSession, job: Job, what: str) -> None:
    await session.execute(NOTE, {"job_id": job.id, "what": what, "pid": os.getpid()})


async def _say(job: Job, context: JobContext, what: str) -> None:
    async with context.database.transaction() as session:
        await _note(session, job, what)


async def nothing(_job: Job, _context: JobContext) -> None:
    """Return at once."""


async def slow(job: Job, context: JobContext) -> None:
    await _say(job, context, "start")
    await asyncio.sleep(60 if job.attempt == 1 else 0)
    await _finish(job, context)


async def doze(job: Job, context: JobContext) -> None:
    await _say(job, context, "start")
    await asyncio.sleep(1.5)
    await _finish(job, context)


async def poison(job: Job, context: JobContext) -> None:
    await _say(job, context, "start")
    os.kill(os.getpid(), signal.SIGKILL)


async def fussy(_job: Job, _context: JobContext) -> None:
    raise JobError("not_today", "Hoje não")


async def _finish(job: Job, context: JobContext) -> None:
    async with context.database.transaction() as session:
        await _note(session, job, "done")
        await context.complete(session)


HANDLERS.update(
    {
        "probe.nothing": nothing,
        "probe.slow": slow,
        "probe.doze": doze,
        "probe.poison": poison,
        "probe.fussy": fussy,
    }
)

__all__ = ["app"]
