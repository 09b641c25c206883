"""HTTP words for messages: hand one in, see what became of it, try again."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from core.access import Permission
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.vault import VaultClosed
from core.web.auth import Caller, requires
from core.web.idempotency import RetryId, commits_itself
from core.web.pagination import BadCursor, Page
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db, Sealed
from ingestion_service.messages import service
from ingestion_service.messages.schemas import EventOut, EventQuery, MessageIn, MessageOut

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable)
MAY_INGEST = [requires(Permission.MESSAGES_SUBMIT)]

messages = router(prefix="/ingest", tags=["messages"])


@messages.post(
    "/message",
    status_code=202,
    summary="Take a message in",
    dependencies=[*MAY_INGEST, commits_itself("stored for good before it is tied to its sender")],
    responses=responses(*ALWAYS, VaultClosed, BodyTooLarge, UnsupportedMediaType),
)
async def ingest_message(
    message: MessageIn, caller: Caller, database: Db, vault: Sealed, retry: RetryId
) -> MessageOut:
    """Stored for good once this answers. `contact_id` is the one person who is known by these identities."""
    return await service.accept_message(database, vault, caller, message, retry=retry)


@messages.get(
    "/events",
    summary="List messages taken in, newest first",
    dependencies=MAY_INGEST,
    responses=responses(*ALWAYS, BadCursor),
)
async def list_events(query: Annotated[EventQuery, Query()], caller: Caller, database: Db) -> Page[EventOut]:
    """Your own; everybody's with an admin key. What they say is not in the list."""
    return await service.list_events(database, caller, query)


@messages.get(
    "/events/{event_id}",
    summary="What became of a message",
    dependencies=MAY_INGEST,
    responses=responses(*ALWAYS, NotFound),
)
async def get_event(event_id: UUID, caller: Caller, database: Db) -> EventOut:
    """RECEIVED, LINKED to its sender, or in ERROR until it is tried again."""
    return await service.get_event(database, caller, event_id)


@messages.post(
    "/events/{event_id}/replay",
    summary="Try again to tie a message to its sender",
    dependencies=MAY_INGEST,
    responses=responses(*ALWAYS, VaultClosed, NotFound, service.EventAlreadyLinked),
)
async def replay_event(event_id: UUID, caller: Caller, database: Db, vault: Sealed) -> EventOut:
    """At once, however often it failed before. The answer tells how it went."""
    return await service.replay_event(database, vault, caller, event_id)
