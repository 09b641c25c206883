"""HTTP words for the ledger of consents."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from agent_service.consents import proofs, service
from agent_service.consents.schemas import (
    ConsentIn,
    ConsentOut,
    ConsentQuery,
    DecisionOut,
    ProofOut,
    StandingOut,
    StandingQuery,
    VerificationOut,
    VerifyQuery,
)
from core.access import Permission
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.vault import VaultClosed
from core.web.auth import Caller, requires
from core.web.pagination import BadCursor, Page
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db, Sealed

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable)
MAY_READ = [requires(Permission.CONSENTS_READ)]
MAY_WRITE = [requires(Permission.CONSENTS_WRITE)]
MAY_VERIFY = [requires(Permission.AUDIT_READ)]
WRITE_PROBLEMS = responses(
    *ALWAYS, VaultClosed, NotFound, service.EvidenceRequired, BodyTooLarge, UnsupportedMediaType
)

consents = router(tags=["consents"])


@consents.get(
    "/crm/consents",
    summary="List decisions, newest first",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, BadCursor),
)
async def list_consents(query: Annotated[ConsentQuery, Query()], database: Db) -> Page[ConsentOut]:
    """The ledger. Of a client and a purpose the first row decides."""
    return await service.list_consents(database, query)


@consents.get(
    "/crm/consents/current",
    summary="What a client's decisions allow now",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, NotFound),
)
async def list_standing(query: Annotated[StandingQuery, Query()], database: Db) -> list[StandingOut]:
    """Of each purpose they decided on. What is not in the list is not allowed."""
    return await service.list_standing(database, query.client_id)


@consents.get(
    "/crm/consents/verify",
    summary="Is the ledger what it was?",
    dependencies=MAY_VERIFY,
    responses=responses(*ALWAYS),
)
async def verify_consents(query: Annotated[VerifyQuery, Query()], database: Db) -> VerificationOut:
    """Walks the hash chains and names what was changed, removed or slipped in."""
    return await service.verify_ledgers(database, query.client_id)


@consents.get(
    "/crm/consents/{consent_id}/proof",
    summary="The proof of a decision",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, VaultClosed, NotFound),
)
async def get_proof(consent_id: UUID, caller: Caller, database: Db, vault: Sealed) -> ProofOut:
    """The notice, where it was shown, the message or note, and the chain: to be checked without us."""
    return await proofs.get_proof(database, vault, caller, consent_id)


@consents.post(
    "/consents",
    summary="Note down a decision (the short address)",
    dependencies=MAY_WRITE,
    responses=WRITE_PROBLEMS,
)
@consents.post(
    "/crm/consents",
    summary="Note down a decision",
    dependencies=MAY_WRITE,
    responses=WRITE_PROBLEMS,
)
async def record_decision(asked: ConsentIn, caller: Caller, database: Db, vault: Sealed) -> DecisionOut:
    """A GRANT needs proof, a REVOKE none: it holds for whatever is done from now on."""
    return await service.record_decision(database, vault, caller, asked)
