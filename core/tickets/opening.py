"""Open a ticket, once for each message that asks for one."""

from typing import NamedTuple
from uuid import UUID

from core.db import Connection
from core.ids import uuid7
from core.models import EventType, TicketPriority
from core.tickets import queries
from core.tickets.sealing import description_context, subject_context
from core.tickets.telling import tell
from core.vault import Vault


class OpenedTicket(NamedTuple):
    """A ticket: `id` inside, `public_id` outside, and the `number` people call it by."""

    id: int
    public_id: UUID
    number: str
    is_new: bool


async def open_ticket(
    connection: Connection,
    vault: Vault,
    *,
    client: int,
    subject: str,
    description: str,
    channel: str | None = None,
    event: int | None = None,
    actor: int | None = None,
    priority: TicketPriority = TicketPriority.NORMAL,
    follow_up_of: int | None = None,
) -> OpenedTicket:
    """A new ticket, or the one this event opened before; inside the caller's transaction.

    A client who was merged away stands for the one who has what was theirs. Without an actor the product
    itself opened it. Its clocks run from now, as `crm.sla_policies` says of its priority.
    """
    holder = await queries.hold_client(connection, client)
    public_id = uuid7()
    row = await queries.insert_ticket(
        connection,
        public_id,
        holder["id"],
        vault.seal(subject.encode(), context=subject_context(public_id)),
        vault.seal(description.encode(), context=description_context(public_id)),
        channel,
        event,
        follow_up_of,
        actor,
        priority.value,
        uuid7(),
    )
    if row is not None:
        told = {"client_id": holder["public_id"], "priority": priority}
        await tell(connection, EventType.TICKET_OPENED, public_id, actor=actor, data=told)
        return OpenedTicket(**row, is_new=True)
    assert event is not None, "only an event's second ticket is refused"
    return OpenedTicket(**await queries.get_of_event(connection, event), is_new=False)
