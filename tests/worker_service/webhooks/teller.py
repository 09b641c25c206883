"""A process that relays and delivers until it is killed; its leases are short."""

import asyncio

from core.db import Database
from core.queue import INGESTION
from core.settings import get_settings
from worker_service.drain.context import Services
from worker_service.outbox import relay
from worker_service.webhooks import deliver

relay.BATCH = 7
deliver.LEASE_MARGIN = 0.5


async def main() -> None:
    settings = get_settings()
    database = Database(settings.database_url.get_secret_value())
    services = Services(settings, database, INGESTION, "teller")
    await asyncio.gather(relay.relaying({})(services), deliver.deliver_webhooks(services))


asyncio.run(main())
