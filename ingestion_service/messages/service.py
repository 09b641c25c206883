"""Take messages in, in two transactions: stored and committed first, tied to their sender then."""

from uuid import UUID

from core.access import Permission, Principal
from core.contacts import insert_events, new_event, try_link
from core.db import Database
from core.errors import Conflict, NotFound
from core.models import EventStatus
from core.vault import Vault
from core.web.pagination import Page, page_of
from ingestion_service.messages import queries
from ingestion_service.messages.queries import Found
from ingestion_service.messages.schemas import EventOut, EventQuery, MessageIn, MessageOut


class EventAlreadyLinked(Conflict):
    """The message is tied to its sender: there is nothing to replay."""

    code = "event_already_linked"


async def accept_message(
    database: Database, vault: Vault, caller: Principal, message: MessageIn, *, retry: str | None = None
) -> MessageOut:
    """Store the message, then tie it to its sender; once stored it is never lost, whatever happens next.

    `retry` stands in for an external id: tries of one request are one message.
    """
    external_id = message.external_id or (f"retry:{retry}" if retry else None)
    event = new_event(vault, message, external_id=external_id, principal=caller.id)
    async with database.connection() as connection:
        [stored] = await insert_events(connection, [event])
    at_hand = message if stored.is_first else None  # a repeat may have another body, which does not count
    contact = stored.contact or await try_link(database, vault, stored.key, at_hand)
    return MessageOut(event_id=stored.public_id, contact_id=contact, duplicate=not stored.is_first)


async def get_event(database: Database, caller: Principal, event_id: UUID) -> EventOut:
    """The event, if it is the caller's or the caller is an admin. Raises NotFound."""
    return EventOut.of(await _get(database, caller, event_id))


async def list_events(database: Database, caller: Principal, query: EventQuery) -> Page[EventOut]:
    """A page of the caller's events, newest first. Raises BadCursor."""
    wanted, limit = query.model_dump(exclude_none=True, exclude={"cursor", "limit"}), query.limit
    owner = caller.limited_to(Permission.EVENTS_ALL)
    async with database.transaction() as session:
        rows = await queries.list_events(session, owner, wanted, before=query.before, limit=limit + 1)
    return page_of(rows, limit, EventOut.of)


async def replay_event(database: Database, vault: Vault, caller: Principal, event_id: UUID) -> EventOut:
    """Try once more, now. Raises NotFound or EventAlreadyLinked."""
    row = await _get(database, caller, event_id)
    if row["status"] == EventStatus.LINKED:
        raise EventAlreadyLinked("this message is tied to its sender already")
    await try_link(database, vault, row["key"])
    return await get_event(database, caller, event_id)


async def _get(database: Database, caller: Principal, event_id: UUID) -> Found:
    async with database.transaction() as session:
        row = await queries.find_event(session, event_id, caller.limited_to(Permission.EVENTS_ALL))
    if row is None:
        raise NotFound("there is no such event")
    return row
