"""HTTP words for clients: who they are, who may be the same person, who is."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from agent_service.crm import service
from agent_service.crm.schemas import ConflictOut, ConflictQuery, MergeIn, MergeOut
from core.access import Permission
from core.contacts.errors import ClientMerged
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.web.auth import Caller, requires
from core.web.pagination import BadCursor, Page
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable)
MAY_READ = [requires(Permission.CLIENTS_READ)]
MAY_MERGE = [requires(Permission.CLIENTS_MERGE)]

crm = router(prefix="/crm", tags=["clients"])


@crm.get(
    "/conflicts",
    summary="List clients that may be one person, newest first",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, BadCursor),
)
async def list_conflicts(query: Annotated[ConflictQuery, Query()], database: Db) -> Page[ConflictOut]:
    """Nothing is merged by itself: these wait for a human."""
    return await service.list_conflicts(database, query)


@crm.post(
    "/conflicts/{conflict_id}/dismiss",
    summary="They are several people",
    dependencies=MAY_MERGE,
    responses=responses(*ALWAYS, NotFound, service.ConflictDecided),
)
async def dismiss_conflict(conflict_id: UUID, caller: Caller, database: Db) -> ConflictOut:
    """Messages that say otherwise do not bring the question back."""
    return await service.dismiss_conflict(database, caller, conflict_id)


@crm.post(
    "/clients/{client_id}/merge",
    summary="Two clients are one person",
    dependencies=MAY_MERGE,
    responses=responses(
        *ALWAYS,
        NotFound,
        service.SameClient,
        ClientMerged,
        service.CpfsDiffer,
        service.OpenCasesCollide,
        BodyTooLarge,
        UnsupportedMediaType,
    ),
)
async def merge_clients(client_id: UUID, asked: MergeIn, caller: Caller, database: Db) -> MergeOut:
    """The client of the address stays and gets what is the other's. `dry_run` only says what would happen."""
    return await service.merge_clients(database, caller, client_id, asked)


@crm.post(
    "/merges/{merge_id}/undo",
    summary="They were two after all",
    dependencies=MAY_MERGE,
    responses=responses(*ALWAYS, NotFound, service.MergeUndone, ClientMerged),
)
async def undo_merge(merge_id: UUID, caller: Caller, database: Db) -> MergeOut:
    """Each gets back what was theirs; what came since stays where it is."""
    return await service.undo_merge(database, caller, merge_id)
