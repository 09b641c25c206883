import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from core.apikeys import Scope
from core.db import Database
from core.settings import Settings
from tests.api import make_key
from tests.worker_service.imports.bureau import Bureau, bureau_of
from worker_service.drain.worker import QueueWorker
from worker_service.handlers import HANDLERS


@pytest.fixture
async def bureau(
    settings: Settings, database: Database, eventually: Callable[..., Awaitable[None]]
) -> AsyncIterator[Bureau]:
    """The API, and a worker behind it."""
    key = await make_key(database, [Scope.ADMIN])
    worker = QueueWorker(settings.model_copy(update={"queue_poll_seconds": 0.05}), HANDLERS)
    task = asyncio.create_task(worker.run())
    async with bureau_of(settings, database, key.plaintext, eventually) as bureau:
        yield bureau
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await worker.stop(5)
