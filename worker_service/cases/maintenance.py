"""`python -m worker_service.cases.maintenance`: what beat does, for whoever has cron and no beat."""

import asyncio

import structlog

from core.cases.maintenance import run_maintenance
from core.db import Database
from core.log import configure
from core.migrations import require_fit
from core.settings import Settings, get_settings

log = structlog.get_logger(__name__)


async def run(settings: Settings) -> None:
    """Write down everything that is due. Raises DatabaseUnfit."""
    database = Database(settings.database_url.get_secret_value(), pool_size=1)
    try:
        await require_fit(database, settings.env)
        done = await run_maintenance(database)
    finally:
        await database.dispose()
    log.info("cases_maintained", expired=done.expired, alerted=done.alerted)


if __name__ == "__main__":
    found = get_settings()
    configure(level=found.log_level, as_json=found.log_json)
    asyncio.run(run(found))
