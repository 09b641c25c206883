"""The audit log is sealed as it grows. A loop of the worker process: it needs neither Redis nor a beat."""

import asyncio
import random

import structlog

from core.audit.sealing import seal
from core.db import is_outage
from worker_service.drain.context import Services

log = structlog.get_logger(__name__)

ROUND_SECONDS = 1.0


async def keep_sealing(services: Services) -> None:
    """Walk the rounds for ever. What cannot be sealed now waits, and `verify` says for how long."""
    while True:
        try:
            await seal(services.database)
        except Exception as error:
            log.warning("sealing_waits", error=type(error).__name__, exc_info=not is_outage(error))
        await asyncio.sleep(ROUND_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - keeps workers out of step
