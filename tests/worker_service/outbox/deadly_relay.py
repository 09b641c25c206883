"""A process that tells what is due; the consumer of a closed ticket kills it."""

import asyncio
import os
from signal import SIGKILL

from core.db import Connection, Database
from core.models import EventType
from core.outbox import OutboxEvent
from core.settings import get_settings
from worker_service.outbox.relay import dispatch


async def note(connection: Connection, event: OutboxEvent) -> None:
    await connection.execute("INSERT INTO public.noted (event) VALUES ($1)", event.public_id)


async def die(_connection: Connection, _event: OutboxEvent) -> None:
    os.kill(os.getpid(), SIGKILL)


async def main() -> None:
    database = Database(get_settings().database_url.get_secret_value())
    while await dispatch(database, {EventType.TICKET_OPENED: (note,), EventType.TICKET_CLOSED: (die,)}):
        pass


asyncio.run(main())
