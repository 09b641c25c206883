"""The net under the door: messages that were stored but not tied to their sender are tied here.

A loop of the worker process and no job or chore: it needs neither Redis nor a beat, and storing a message
costs no queue row for the one in a million that needs it.
"""

import asyncio
import random

import structlog

from core.contacts import try_link
from core.db import Database
from core.errors import Unavailable
from core.queue import DOWN
from core.vault import Vault
from worker_service.drain.context import Services
from worker_service.messages import queries

log = structlog.get_logger(__name__)

ROUND_SECONDS = 5.0
ABANDONED_SECONDS = 15.0  # longer than a living request takes, so that nobody is waiting for this message
BATCH = 100


async def keep_linking(services: Services) -> None:
    """Walk the rounds for ever; without field keys there is nothing this process could read."""
    try:
        vault = Vault.of(services.settings)
    except Unavailable:
        log.warning("vault_closed", detail="messages cannot be linked: no field keys are configured")
        return
    while True:
        try:
            while await relink(services.database, vault) == BATCH:
                log.info("relinking_goes_on")
        except (*DOWN, *queries.FAILURES) as error:
            log.warning("relinking_waits", error=type(error).__name__)
        await asyncio.sleep(ROUND_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - keeps workers out of step


async def relink(database: Database, vault: Vault, *, abandoned: float = ABANDONED_SECONDS) -> int:
    """Try all that were RECEIVED `abandoned` seconds ago or whose retry is due; how many there were."""
    events = await queries.list_due(database, abandoned=abandoned, limit=BATCH)
    for event in events:
        await try_link(database, vault, event)
    if events:
        log.info("events_relinked", events=len(events))
    return len(events)
