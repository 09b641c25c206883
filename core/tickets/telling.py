"""Who hears of a ticket: the outbox, for whoever reacts, and the audit log. Ids and words of ours only."""

from collections.abc import Mapping
from uuid import UUID

from core.audit import record
from core.db import Connection
from core.models import EventType
from core.outbox import emit


async def tell(
    connection: Connection,
    event: EventType,
    ticket: UUID,
    *,
    actor: int | None,
    data: Mapping[str, UUID | int | str | None],
) -> None:
    """In the transaction of what happened."""
    await emit(connection, event, subject=ticket, data=data)
    plain = {name: str(value) if isinstance(value, UUID) else value for name, value in data.items()}
    await record(connection, actor=actor, action=event.value, subject=f"ticket/{ticket}", data=plain)
