"""HTTP words for the audit log."""

from typing import Annotated

from fastapi import Query

from agent_service.audit import service
from agent_service.audit.schemas import AuditQuery, EntryOut, HeadOut, VerdictOut
from core.access import Permission
from core.errors import Forbidden, Unauthenticated, Unavailable
from core.vault import VaultClosed
from core.web.auth import requires
from core.web.pagination import BadCursor, Page
from core.web.problems import ValidationFailed, responses
from core.web.requests import router
from core.web.runtime import Db, Sealed

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable)
MAY_AUDIT = [requires(Permission.AUDIT_READ)]

audit = router(prefix="/audit", tags=["audit"])


@audit.get(
    "",
    summary="List acts, newest first",
    dependencies=MAY_AUDIT,
    responses=responses(*ALWAYS, BadCursor),
)
async def list_entries(query: Annotated[AuditQuery, Query()], database: Db) -> Page[EntryOut]:
    """Who did what to what, and when. No personal data is in here."""
    return await service.list_entries(database, query)


@audit.get(
    "/verify",
    summary="Is the log what it was?",
    dependencies=MAY_AUDIT,
    responses=responses(*ALWAYS),
)
async def verify_log(database: Db) -> VerdictOut:
    """Walks the whole chain and names the first entry that was changed, removed or slipped in."""
    return await service.verify_log(database)


@audit.get(
    "/head",
    summary="The signed end of the log",
    dependencies=MAY_AUDIT,
    responses=responses(*ALWAYS, VaultClosed),
)
async def get_head(database: Db, vault: Sealed) -> HeadOut:
    """Keep it where the database's owner cannot reach: nothing up to it can be rewritten unseen."""
    return await service.get_head(database, vault)
