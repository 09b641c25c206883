"""What is said about a ticket, by us and by its client, whose message may take it up again."""

from uuid import UUID

from core.db import Connection
from core.errors import Conflict
from core.ids import uuid7
from core.models import CommentVisibility, EventType, TicketStatus
from core.tickets import queries
from core.tickets.changing import Held, hold, save
from core.tickets.opening import OpenedTicket, open_ticket
from core.tickets.sealing import comment_context, subject_context
from core.tickets.telling import tell
from core.vault import Vault


class TicketClosed(Conflict):
    """A closed ticket has nothing more to tell its client; open one that follows it."""

    code = "ticket_closed"


async def comment(
    connection: Connection,
    vault: Vault,
    held: Held,
    *,
    body: str,
    visibility: CommentVisibility,
    author: int,
) -> UUID:
    """Say something about a held ticket; the first public word stops a clock. Raises TicketClosed."""
    if visibility is CommentVisibility.PUBLIC:
        if held.ticket.status is TicketStatus.CLOSED:
            raise TicketClosed("the ticket is closed: only internal comments are added")
        if held.ticket.first_responded_at is None:
            held.ticket.answered(held.now)
            await save(connection, vault, held, actor=author)
    return await _insert(connection, vault, held, body, visibility, author=author)


async def add_message(
    connection: Connection, vault: Vault, ticket: UUID, *, event: int, text: str
) -> OpenedTicket | None:
    """Where a client's message about their ticket goes, once an event; None when there is no such ticket.

    To the ticket itself, which is taken up again if it was resolved; or to a new one that follows it, when it
    is closed or was resolved too long ago. Inside the caller's transaction.
    """
    held = await hold(connection, ticket)
    if held is None:
        return None
    if held.ticket.is_over(held.now):
        return await _follow_up(connection, vault, held, event, text)
    if not await queries.has_comment(connection, event):
        await _insert(connection, vault, held, text, CommentVisibility.PUBLIC, event=event)
        if held.ticket.status is TicketStatus.RESOLVED:
            held.ticket.transition(TicketStatus.IN_PROGRESS, now=held.now, grace=held.grace)
            await save(connection, vault, held, actor=None)
    return OpenedTicket(held.ticket.id, held.ticket.public_id, held.ticket.number, is_new=False)


async def _follow_up(connection: Connection, vault: Vault, held: Held, event: int, text: str) -> OpenedTicket:
    before = held.ticket
    subject = vault.open(before.subject_sealed, context=subject_context(before.public_id))
    return await open_ticket(
        connection,
        vault,
        client=before.client_id,
        subject=subject.decode(),
        description=text,
        channel=before.channel,
        event=event,
        priority=before.priority,
        follow_up_of=before.id,
    )


async def _insert(
    connection: Connection,
    vault: Vault,
    held: Held,
    body: str,
    visibility: CommentVisibility,
    *,
    author: int | None = None,
    event: int | None = None,
) -> UUID:
    public_id = uuid7()
    sealed = vault.seal(body.encode(), context=comment_context(public_id))
    await queries.insert_comment(connection, public_id, held.ticket.id, visibility, sealed, author, event)
    told = {"client_id": held.client, "comment_id": public_id, "visibility": visibility.value}
    await tell(connection, EventType.TICKET_COMMENTED, held.ticket.public_id, actor=author, data=told)
    return public_id
