"""A message was tied to its sender: the assistant owes it a turn. Takes no lock, so nobody waits for it."""

from core.db import Connection
from core.outbox import OutboxEvent
from worker_service.conversations import queries


async def owe_a_turn(connection: Connection, event: OutboxEvent) -> None:
    """One turn per message, however often this is told."""
    await queries.insert_turn(connection, event.subject)
