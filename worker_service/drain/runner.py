"""One job from its handler to its outcome: deadline, interruption, every way of failing."""

import asyncio
from collections.abc import Mapping

import structlog

from core.db import is_outage
from core.errors import JobError
from core.queue import Job, LeaseLost
from worker_service.drain.context import Handler, JobContext, Services, cancelled
from worker_service.drain.lanes import Interrupted, Lanes, Stop
from worker_service.drain.settler import Settler

log = structlog.get_logger(__name__)


class Runner:
    """Runs jobs by their kind and tells the settler what became of them."""

    def __init__(
        self, services: Services, handlers: Mapping[str, Handler], lanes: Lanes, settler: Settler
    ) -> None:
        self._services = services
        self._handlers = handlers
        self._lanes = lanes
        self._settler = settler
        self._deadline = services.settings.job_timeout_seconds

    async def run(self, job: Job) -> None:
        """Do `job` and settle it. Raises nothing but the cancellation of the whole lane."""
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(job_id=job.id, attempt=job.attempt)
        context = JobContext(job, self._services)
        try:
            await self._lanes.guard(self._work(job, context))
        except Interrupted as interrupted:
            self._interrupted(job, interrupted.reason)
        except LeaseLost:
            self._lost(job)
        except JobError as error:
            self._settler.failed(job, error)
        except Exception as error:
            if not is_outage(error):
                log.exception("handler_failed", kind=job.kind)
            self._settler.failed(job, _reason(error))
        else:
            self._done(job, in_transaction=context.completed)

    async def _work(self, job: Job, context: JobContext) -> None:
        if job.cancel_requested:
            raise cancelled()
        handler = self._handlers.get(job.kind)
        if handler is None:  # perhaps a newer worker knows it
            raise JobError("unknown_kind", "No worker knows this kind of job.", retryable=True)
        try:
            async with asyncio.timeout(self._deadline) as scope:
                await handler(job, context)
        except TimeoutError:
            if not scope.expired():
                raise
            raise _too_long(self._deadline) from None

    def _done(self, job: Job, *, in_transaction: bool) -> None:
        if not in_transaction:
            self._settler.completed(job)
            return
        self._services.counts["completed"] += 1
        self._settler.gone(job)

    def _interrupted(self, job: Job, reason: Stop) -> None:
        match reason:
            case Stop.LOST:
                self._lost(job)
            case Stop.CANCELLED:
                self._settler.failed(job, cancelled())
            case Stop.SHUTDOWN:
                self._settler.released(job)

    def _lost(self, job: Job) -> None:
        self._services.counts["lost"] += 1
        log.warning("lease_lost")
        self._settler.gone(job)


def _too_long(seconds: float) -> JobError:
    return JobError("timeout", f"The job took more than {seconds:g} seconds.", retryable=True)


def _reason(error: Exception) -> JobError:
    if is_outage(error):
        return JobError(
            "database_unavailable", f"The database went away ({type(error).__name__}).", retryable=True
        )
    detail = f"An unexpected error ({type(error).__name__}); the worker's log has the details."
    return JobError("internal_error", detail, retryable=True)
