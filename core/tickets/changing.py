"""Change a ticket: hold it, let its model decide, save it. What changed is found by looking."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from core.db import Connection
from core.ids import uuid7
from core.models import EventType, Ticket, TicketChange, TicketPriority, TicketStatus
from core.models.tickets import Terms
from core.tickets import queries
from core.tickets.sealing import reason_context
from core.tickets.telling import tell
from core.vault import Vault


class Change(NamedTuple):
    """A row of history."""

    what: TicketChange
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """A ticket nobody else changes until the transaction ends, and the database's clock."""

    ticket: Ticket
    client: UUID
    now: datetime
    terms: Mapping[TicketPriority, Terms]
    before: Mapping[TicketChange, str | None]

    @property
    def grace(self) -> timedelta:
        """How long the ticket may be taken up again once resolved."""
        return self.terms[self.ticket.priority].grace

    def changes(self) -> Iterator[Change]:
        """What is not as it was when it was held."""
        for what, after in facts(self.ticket).items():
            if self.before[what] != after:
                yield Change(what, self.before[what], after)


async def hold(connection: Connection, public_id: UUID, *, owner: int | None = None) -> Held | None:
    """The ticket, locked; None when there is none that `owner` may see (theirs and nobody's; None: all)."""
    row = await queries.lock_ticket(connection, public_id, owner)
    if row is None:
        return None
    ticket = queries.ticket_of(row)
    return Held(ticket, row["client"], row["now"], await queries.list_terms(connection), facts(ticket))


async def save(
    connection: Connection, vault: Vault, held: Held, *, actor: int | None, reason: str | None = None
) -> None:
    """Write the ticket as a new version, a row of history with the `reason` for each change; tell of it."""
    await queries.update_ticket(connection, held.ticket)
    changes = list(held.changes())
    for change in changes:
        public_id = uuid7()
        sealed = None if reason is None else vault.seal(reason.encode(), context=reason_context(public_id))
        await queries.insert_history(connection, held.ticket, public_id, change, actor, sealed)
    for event in {_event_of(change) for change in changes} or {EventType.TICKET_UPDATED}:
        await tell(connection, event, held.ticket.public_id, actor=actor, data=_told(held))


def facts(ticket: Ticket) -> dict[TicketChange, str | None]:
    """What history tells of, as it writes it."""
    assignee = ticket.assignee_id
    return {
        TicketChange.STATUS: ticket.status.value,
        TicketChange.PRIORITY: ticket.priority.value,
        TicketChange.ASSIGNEE: None if assignee is None else str(assignee),
    }


def _event_of(change: Change) -> EventType:
    if change.what is TicketChange.ASSIGNEE:
        return EventType.TICKET_ASSIGNED
    if change.what is TicketChange.PRIORITY:
        return EventType.TICKET_UPDATED
    ends: dict[str | None, EventType] = {
        TicketStatus.RESOLVED: EventType.TICKET_RESOLVED,
        TicketStatus.CLOSED: EventType.TICKET_CLOSED,
    }
    return ends.get(change.after, EventType.TICKET_UPDATED)


def _told(held: Held) -> dict[str, UUID | int | str | None]:
    ticket = held.ticket
    return {
        "client_id": held.client,
        "version": ticket.version,
        "status": ticket.status.value,
        "priority": ticket.priority.value,
        "assignee": ticket.assignee_id,
    }
