import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from core.settings import Settings
from tests.worker_service.drain.probes import Handlers
from worker_service.drain.worker import QueueWorker

Running = Callable[..., AbstractAsyncContextManager[QueueWorker]]


@pytest.fixture
def handlers() -> Handlers:
    return Handlers()


@pytest.fixture
def running(settings: Settings, handlers: Handlers) -> Running:
    @asynccontextmanager
    async def run(
        *, grace: float = 5, slots: int | None = None, **changes: Any
    ) -> AsyncIterator[QueueWorker]:
        quick = {"queue_poll_seconds": 0.1, "queue_lease_seconds": 2.0, **changes}
        worker = QueueWorker(settings.model_copy(update=quick), handlers.table(), slots=slots)
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await worker.stop(grace)

    return run
