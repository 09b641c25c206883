from collections.abc import AsyncIterator

import pytest

from core.db import Database
from core.settings import Settings
from tests.worker_service.conversations.counter import Counter, opened


@pytest.fixture
async def counter(settings: Settings, database: Database) -> AsyncIterator[Counter]:
    async with opened(settings, database) as counter:
        yield counter


@pytest.fixture
async def known(counter: Counter) -> Counter:
    """A counter whose client has consented."""
    await counter.tell("oi")
    await counter.tell("sim")
    return counter
