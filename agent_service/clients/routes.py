"""HTTP words for clients. What they are known by is shown masked, and that it was shown is noted."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from agent_service.clients import identities, search, service, timeline
from agent_service.clients.schemas import (
    ClientIn,
    ClientOut,
    ClientPatch,
    ClientQuery,
    ClientRow,
    FindIn,
    FoundOut,
    IdentityIn,
    MomentOut,
    MoveIn,
)
from core.access import Permission
from core.contacts.errors import ClientMerged, IdentityTaken, SecondCpf
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.vault import VaultClosed
from core.web.auth import Caller, requires
from core.web.etags import IfMatch, PreconditionFailed, PreconditionRequired, tagged
from core.web.pagination import BadCursor, Page, PageQuery
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db, Sealed

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable, VaultClosed)
BODY = (BodyTooLarge, UnsupportedMediaType)
MAY_READ = [requires(Permission.CLIENTS_READ)]
MAY_WRITE = [requires(Permission.CLIENTS_WRITE)]

clients = router(prefix="/crm/clients", tags=["clients"])


@clients.post(
    "",
    summary="Open a client",
    status_code=HTTPStatus.CREATED,
    dependencies=MAY_WRITE,
    responses=responses(*ALWAYS, *BODY, IdentityTaken),
)
async def open_client(
    asked: ClientIn, caller: Caller, database: Db, vault: Sealed, response: Response
) -> ClientOut:
    """Refused when one of the identifiers is anybody's: `find_or_create` finds them."""
    return tagged(response, await service.open_client(database, vault, caller, asked))


@clients.post(
    "/find_or_create",
    summary="The client with these identifiers, made if there is none",
    dependencies=MAY_WRITE,
    responses=responses(*ALWAYS, *BODY),
)
async def find_or_create(
    asked: FindIn, caller: Caller, database: Db, vault: Sealed, response: Response
) -> FoundOut:
    """Decides as for a message with these identifiers; equal calls at once make one client."""
    return tagged(response, await service.find_or_create(database, vault, caller, asked))


@clients.get(
    "",
    summary="List and search clients, newest first",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, BadCursor),
)
async def list_clients(
    query: Annotated[ClientQuery, Query()], database: Db, vault: Sealed
) -> Page[ClientRow]:
    """By a CPF, CNPJ, telephone or e-mail, whole, or by words of the name."""
    return await search.list_clients(database, vault, query)


@clients.get(
    "/{client_id}", summary="One client", dependencies=MAY_READ, responses=responses(*ALWAYS, NotFound)
)
async def get_client(
    client_id: UUID, caller: Caller, database: Db, vault: Sealed, response: Response
) -> ClientOut:
    """With what they are known by; CPF, CNPJ and ids of other systems masked."""
    return tagged(response, await service.get_client(database, vault, caller, client_id))


@clients.patch(
    "/{client_id}",
    summary="Change a client's name or notes",
    dependencies=MAY_WRITE,
    responses=responses(*ALWAYS, *BODY, NotFound, ClientMerged, PreconditionRequired, PreconditionFailed),
)
async def change_client(
    client_id: UUID,
    asked: ClientPatch,
    if_match: IfMatch,
    caller: Caller,
    database: Db,
    vault: Sealed,
    response: Response,
) -> ClientOut:
    """Send the ETag you read as `If-Match`."""
    changed = await service.change_client(database, vault, caller, client_id, if_match, asked)
    return tagged(response, changed)


@clients.get(
    "/{client_id}/timeline",
    summary="What happened with a client, newest first",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, NotFound, BadCursor),
)
async def list_moments(
    client_id: UUID, query: Annotated[PageQuery, Query()], caller: Caller, database: Db
) -> Page[MomentOut]:
    """Messages, tickets, consents and merges; never what was written."""
    return await timeline.list_moments(database, caller, client_id, query)


@clients.post(
    "/{client_id}/identities",
    summary="A client is known by this, too",
    dependencies=MAY_WRITE,
    responses=responses(*ALWAYS, *BODY, NotFound, ClientMerged, IdentityTaken, SecondCpf),
)
async def attach_identity(
    client_id: UUID, asked: IdentityIn, caller: Caller, database: Db, vault: Sealed
) -> ClientOut:
    """Refused when it is somebody else's, without saying whose."""
    return await identities.attach(database, vault, caller, client_id, asked)


@clients.delete(
    "/{client_id}/identities/{identity_id}",
    summary="A client is no longer known by this",
    dependencies=MAY_WRITE,
    responses=responses(*ALWAYS, NotFound, ClientMerged),
)
async def detach_identity(
    client_id: UUID, identity_id: UUID, caller: Caller, database: Db, vault: Sealed
) -> ClientOut:
    """It stays in the list with the time it ended."""
    return await identities.detach(database, vault, caller, client_id, identity_id)


@clients.post(
    "/{client_id}/identities/{identity_id}/move",
    summary="It is another client who is known by this",
    dependencies=[requires(Permission.CLIENTS_MERGE)],
    responses=responses(*ALWAYS, *BODY, NotFound, ClientMerged, SecondCpf),
)
async def move_identity(
    client_id: UUID, identity_id: UUID, asked: MoveIn, caller: Caller, database: Db, vault: Sealed
) -> ClientOut:
    """The other client comes back. Messages stay where they are."""
    return await identities.move(database, vault, caller, client_id, identity_id, asked.to)
