"""HTTP words for the outbox."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from agent_service.outbox import service
from agent_service.outbox.schemas import EventOut, EventQuery
from core.access import Permission
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.web.auth import Caller, requires
from core.web.pagination import BadCursor, Page
from core.web.problems import ValidationFailed, responses
from core.web.requests import router
from core.web.runtime import Db

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable)
MAY_MANAGE = [requires(Permission.WEBHOOKS_MANAGE)]

outbox = router(prefix="/outbox", tags=["webhooks"])


@outbox.get(
    "/events",
    summary="List events, newest first",
    dependencies=MAY_MANAGE,
    responses=responses(*ALWAYS, BadCursor),
)
async def list_events(query: Annotated[EventQuery, Query()], database: Db) -> Page[EventOut]:
    """What happened, and whether it was told."""
    return await service.list_events(database, query)


@outbox.post(
    "/events/{event_id}/retry",
    status_code=202,
    summary="Tell an event that was given up",
    dependencies=MAY_MANAGE,
    responses=responses(*ALWAYS, NotFound, service.EventNotGivenUp),
)
async def retry_event(event_id: UUID, caller: Caller, database: Db) -> EventOut:
    """Once the reason is mended. Deliveries outside were not affected and are not repeated."""
    return await service.retry_event(database, caller, event_id)
