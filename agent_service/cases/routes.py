"""HTTP words for cases. Agents see what is theirs and what is nobody's; of a taken one they hear 409."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from agent_service.cases import leases, service
from agent_service.cases.leases import NoCaseWaiting, NoSuchAgent
from agent_service.cases.schemas import (
    AssignmentOut,
    CaseDetail,
    CaseIn,
    CaseOut,
    CaseQuery,
    ClaimIn,
    EventOut,
    ExtendIn,
    ReleaseIn,
    TransferIn,
    TransitionIn,
)
from agent_service.cases.service import UnknownClient
from core.access import Permission
from core.cases.errors import (
    CaseAlreadyAssigned,
    CaseNotAssigned,
    OpenCaseExists,
    RetakeTooSoon,
    StaleToken,
    TooManyCases,
    TransitionNotAllowed,
)
from core.contacts.errors import ClientMerged
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.vault import VaultClosed
from core.web.auth import Caller, requires
from core.web.etags import tagged
from core.web.pagination import BadCursor, Page, PageQuery
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db, Sealed

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable)
BODY = (*ALWAYS, BodyTooLarge, UnsupportedMediaType)
CHANGE = (*BODY, VaultClosed, NotFound, StaleToken)
MAY_READ = [requires(Permission.CASES_READ)]
MAY_WRITE = [requires(Permission.CASES_WRITE)]
MAY_ASSIGN = [requires(Permission.CASES_ASSIGN)]
MAY_MAINTAIN = [requires(Permission.CASES_MAINTAIN)]

cases = router(prefix="/cases", tags=["cases"])


@cases.get(
    "", summary="List cases, newest first", dependencies=MAY_READ, responses=responses(*ALWAYS, BadCursor)
)
async def list_cases(query: Annotated[CaseQuery, Query()], caller: Caller, database: Db) -> Page[CaseOut]:
    """`pool=true`: what waits to be taken, also what expired a moment ago."""
    return await service.list_cases(database, caller, query)


@cases.post(
    "",
    summary="Open a case",
    status_code=HTTPStatus.CREATED,
    dependencies=MAY_WRITE,
    responses=responses(*BODY, ClientMerged, UnknownClient, OpenCaseExists),
)
async def create_case(asked: CaseIn, caller: Caller, database: Db, response: Response) -> CaseDetail:
    """It is `disponivel`: in the pool."""
    return tagged(response, await service.create_case(database, caller, asked))


@cases.post(
    "/claim-next",
    summary="Take the case that has waited longest",
    dependencies=MAY_WRITE,
    responses=responses(*BODY, NoCaseWaiting, TooManyCases),
)
async def claim_next(asked: ClaimIn, caller: Caller, database: Db) -> CaseDetail:
    """A step of priority counts like a day of waiting; two who ask at once get two cases."""
    return await leases.claim_next(database, caller, asked)


@cases.get("/{case_id}", summary="One case", dependencies=MAY_READ, responses=responses(*ALWAYS, NotFound))
async def get_case(case_id: UUID, caller: Caller, database: Db, response: Response) -> CaseDetail:
    """Its `token` is what a change wants."""
    return tagged(response, await service.get_case(database, caller, case_id))


@cases.post(
    "/{case_id}/assign",
    summary="Take a case",
    dependencies=MAY_WRITE,
    responses=responses(
        *ALWAYS, NotFound, CaseAlreadyAssigned, TooManyCases, RetakeTooSoon, TransitionNotAllowed
    ),
)
async def assign_case(case_id: UUID, caller: Caller, database: Db) -> CaseDetail:
    """Yours for 72 hours; again, the same lease. Of several at once one gets it."""
    return await leases.assign_case(database, caller, case_id)


@cases.post(
    "/{case_id}/release",
    summary="Give a case back",
    dependencies=MAY_WRITE,
    responses=responses(*CHANGE, CaseNotAssigned),
)
async def release_case(
    case_id: UUID, asked: ReleaseIn, caller: Caller, database: Db, vault: Sealed
) -> CaseDetail:
    """In the pool again, at its old place."""
    return await leases.release_case(database, vault, caller, case_id, asked)


@cases.post(
    "/{case_id}/transfer",
    summary="Hand a case to somebody",
    dependencies=MAY_ASSIGN,
    responses=responses(*CHANGE, CaseAlreadyAssigned, TooManyCases, TransitionNotAllowed, NoSuchAgent),
)
async def transfer_case(
    case_id: UUID, asked: TransferIn, caller: Caller, database: Db, vault: Sealed
) -> CaseDetail:
    """A new lease under a new token; what its owner still sends with the old one is refused."""
    return await leases.transfer_case(database, vault, caller, case_id, asked)


@cases.post(
    "/{case_id}/extend",
    summary="Let somebody keep a case longer",
    dependencies=MAY_ASSIGN,
    responses=responses(*CHANGE, CaseNotAssigned),
)
async def extend_case(
    case_id: UUID, asked: ExtendIn, caller: Caller, database: Db, vault: Sealed
) -> CaseDetail:
    """Added to its end, under a new token."""
    return await leases.extend_case(database, vault, caller, case_id, asked)


@cases.post(
    "/{case_id}/send-to-calculista",
    summary="Send a case to be calculated",
    dependencies=MAY_WRITE,
    responses=responses(*CHANGE, CaseNotAssigned, TransitionNotAllowed),
)
async def send_to_calculista(
    case_id: UUID, asked: ReleaseIn, caller: Caller, database: Db, vault: Sealed
) -> CaseDetail:
    """The lease ends: it is nobody's while it is calculated."""
    return await leases.send_to_calculista(database, vault, caller, case_id, asked)


@cases.post(
    "/{case_id}/transition",
    summary="Move a case on",
    dependencies=MAY_WRITE,
    responses=responses(*CHANGE, CaseNotAssigned, TransitionNotAllowed, OpenCaseExists),
)
async def transition_case(
    case_id: UUID, asked: TransitionIn, caller: Caller, database: Db, vault: Sealed
) -> CaseDetail:
    """To one of the case's `allowed`. Where nobody may have a case, its lease ends."""
    return await leases.transition_case(database, vault, caller, case_id, asked)


@cases.post(
    "/{case_id}/check-expiry",
    summary="Note that a lease is over, if it is",
    dependencies=MAY_MAINTAIN,
    responses=responses(*ALWAYS, NotFound),
)
async def check_expiry(case_id: UUID, caller: Caller, database: Db) -> CaseDetail:
    """It is over in any case: this writes its history now."""
    return await leases.check_expiry(database, caller, case_id)


@cases.get(
    "/{case_id}/assignments",
    summary="List who had a case, last first",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, NotFound, BadCursor),
)
async def list_assignments(
    case_id: UUID, query: Annotated[PageQuery, Query()], caller: Caller, database: Db
) -> Page[AssignmentOut]:
    """Every lease there ever was."""
    return await service.list_assignments(database, caller, case_id, query)


@cases.get(
    "/{case_id}/events",
    summary="List what became of a case, newest first",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, NotFound, BadCursor, VaultClosed),
)
async def list_events(
    case_id: UUID, query: Annotated[PageQuery, Query()], caller: Caller, database: Db, vault: Sealed
) -> Page[EventOut]:
    """Append-only: the last one is what the case is."""
    return await service.list_events(database, vault, caller, case_id, query)
