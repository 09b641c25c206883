"""See what was not told, and tell it after all."""

from uuid import UUID

from agent_service.outbox import queries
from agent_service.outbox.schemas import EventOut, EventQuery, Telling
from core import audit
from core.access import Principal
from core.db import Database
from core.errors import Conflict, NotFound
from core.web.pagination import Page, decode_cursor, page_of


class EventNotGivenUp(Conflict):
    """The event was told, or will be: there is nothing to retry."""

    code = "event_not_given_up"


async def list_events(database: Database, query: EventQuery) -> Page[EventOut]:
    """A page of events, newest first. Raises BadCursor."""
    before = None if query.cursor is None else int(decode_cursor(query.cursor, int)[0])
    async with database.connection() as connection:
        rows = await queries.list_events(
            connection, query.status, query.type, before=before, limit=query.limit + 1
        )
    return page_of(rows, query.limit, lambda row: EventOut(**row))


async def retry_event(database: Database, caller: Principal, event_id: UUID) -> EventOut:
    """Give the consumers of a given-up event another twelve attempts. Raises NotFound or EventNotGivenUp."""
    async with database.connection() as connection, connection.transaction():
        found = await queries.lock_event(connection, event_id)
        if found is None:
            raise NotFound("there is no such event")
        if found["status"] != Telling.GIVEN_UP:
            raise EventNotGivenUp("this event was told, or will be")
        await queries.start_over(connection, found["key"])
        await audit.record(connection, actor=caller.id, action="event.retried", subject=f"event/{event_id}")
        return EventOut(**(await queries.lock_event(connection, event_id) or {}))
