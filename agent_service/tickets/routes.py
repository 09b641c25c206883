"""HTTP words for tickets. Agents see their own and those that are nobody's yet."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from agent_service.people.assignees import NotAssignable
from agent_service.tickets import assignment, notes, opening, service
from agent_service.tickets.assignment import TicketTaken
from agent_service.tickets.opening import UnknownReference
from agent_service.tickets.schemas import (
    AssignIn,
    ChangeOut,
    CommentIn,
    CommentOut,
    TicketDetail,
    TicketIn,
    TicketOut,
    TicketPatch,
    TicketQuery,
    TransitionIn,
)
from core.access import Permission
from core.contacts.errors import ClientMerged
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.models.tickets import TransitionRefused
from core.tickets import TicketClosed
from core.vault import VaultClosed
from core.web.auth import Caller, requires
from core.web.etags import (
    IfMatch,
    IfMatchOptional,
    PreconditionFailed,
    PreconditionRequired,
    tagged,
)
from core.web.pagination import BadCursor, Page, PageQuery
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db, Sealed

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable, VaultClosed)
BODY = (BodyTooLarge, UnsupportedMediaType)
MAY_READ = [requires(Permission.TICKETS_READ)]
MAY_WRITE = [requires(Permission.TICKETS_WRITE)]

tickets = router(prefix="/crm/tickets", tags=["tickets"])


@tickets.post(
    "",
    summary="Open a ticket",
    status_code=HTTPStatus.CREATED,
    dependencies=MAY_WRITE,
    responses=responses(*ALWAYS, *BODY, NotFound, ClientMerged, UnknownReference),
)
async def open_ticket(
    asked: TicketIn, caller: Caller, database: Db, vault: Sealed, response: Response
) -> TicketDetail:
    """Of a message that opened one before, that one comes back; 404 when it is somebody else's by now."""
    return tagged(response, await opening.open_ticket(database, vault, caller, asked))


@tickets.get(
    "", summary="List tickets, newest first", dependencies=MAY_READ, responses=responses(*ALWAYS, BadCursor)
)
async def list_tickets(
    query: Annotated[TicketQuery, Query()], caller: Caller, database: Db, vault: Sealed
) -> Page[TicketOut]:
    """Those of the caller and those of nobody; with `tickets:all`, everybody's."""
    return await service.list_tickets(database, vault, caller, query)


@tickets.get(
    "/{ticket_id}", summary="One ticket", dependencies=MAY_READ, responses=responses(*ALWAYS, NotFound)
)
async def get_ticket(
    ticket_id: UUID, caller: Caller, database: Db, vault: Sealed, response: Response
) -> TicketDetail:
    """Its `ETag` is what a change wants as `If-Match`."""
    return tagged(response, await service.get_ticket(database, vault, caller, ticket_id))


@tickets.patch(
    "/{ticket_id}",
    summary="Change what a ticket says, or its priority",
    dependencies=MAY_WRITE,
    responses=responses(
        *ALWAYS, *BODY, NotFound, PreconditionRequired, PreconditionFailed, TransitionRefused
    ),
)
async def change_ticket(
    ticket_id: UUID,
    asked: TicketPatch,
    if_match: IfMatch,
    caller: Caller,
    database: Db,
    vault: Sealed,
    response: Response,
) -> TicketDetail:
    """Another priority moves what is due by what the promises differ."""
    changed = await service.change_ticket(database, vault, caller, ticket_id, if_match, asked)
    return tagged(response, changed)


@tickets.post(
    "/{ticket_id}/transition",
    summary="Move a ticket on",
    dependencies=MAY_WRITE,
    responses=responses(*ALWAYS, *BODY, NotFound, PreconditionFailed, TransitionRefused),
)
async def transition_ticket(
    ticket_id: UUID,
    asked: TransitionIn,
    if_match: IfMatchOptional,
    caller: Caller,
    database: Db,
    vault: Sealed,
    response: Response,
) -> TicketDetail:
    """OPEN → IN_PROGRESS → RESOLVED → CLOSED; and back from RESOLVED to IN_PROGRESS, for a while."""
    moved = await service.transition_ticket(database, vault, caller, ticket_id, if_match, asked)
    return tagged(response, moved)


@tickets.post(
    "/{ticket_id}/assign",
    summary="Take a ticket, give it to somebody, or give it back",
    dependencies=MAY_WRITE,
    responses=responses(
        *ALWAYS,
        *BODY,
        NotFound,
        PreconditionFailed,
        TransitionRefused,
        TicketTaken,
        NotAssignable,
    ),
)
async def assign_ticket(
    ticket_id: UUID,
    asked: AssignIn,
    if_match: IfMatchOptional,
    caller: Caller,
    database: Db,
    vault: Sealed,
    response: Response,
) -> TicketDetail:
    """To others only with `tickets:assign`, and from others only with `If-Match`."""
    assigned = await assignment.assign_ticket(database, vault, caller, ticket_id, if_match, asked)
    return tagged(response, assigned)


@tickets.post(
    "/{ticket_id}/comments",
    summary="Say something about a ticket",
    status_code=HTTPStatus.CREATED,
    dependencies=MAY_WRITE,
    responses=responses(*ALWAYS, *BODY, NotFound, TicketClosed),
)
async def add_comment(
    ticket_id: UUID, asked: CommentIn, caller: Caller, database: Db, vault: Sealed
) -> CommentOut:
    """`public` is for the client, and the first one stops the clock of the first response."""
    return await notes.add_comment(database, vault, caller, ticket_id, asked)


@tickets.get(
    "/{ticket_id}/comments",
    summary="List what was said about a ticket, newest first",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, NotFound, BadCursor),
)
async def list_comments(
    ticket_id: UUID, query: Annotated[PageQuery, Query()], caller: Caller, database: Db, vault: Sealed
) -> Page[CommentOut]:
    """The client's own messages about it, too."""
    return await notes.list_comments(database, vault, caller, ticket_id, query)


@tickets.get(
    "/{ticket_id}/history",
    summary="List a ticket's changes, newest first",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, NotFound, BadCursor),
)
async def list_history(
    ticket_id: UUID, query: Annotated[PageQuery, Query()], caller: Caller, database: Db, vault: Sealed
) -> Page[ChangeOut]:
    """Append-only: folding it gives the ticket's state."""
    return await notes.list_history(database, vault, caller, ticket_id, query)
