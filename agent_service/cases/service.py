"""Read cases, and open them. What may be seen is what is the caller's or nobody's; with `cases:all`, all."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from agent_service.cases import queries
from agent_service.cases.schemas import AssignmentOut, CaseDetail, CaseIn, CaseOut, CaseQuery, EventOut
from agent_service.cases.showing import detail, event
from core.access import Permission, Principal
from core.audit import record_read
from core.cases import acting, open_case
from core.cases.errors import OpenCaseExists
from core.contacts.errors import ClientMerged
from core.db import Database, driver_connection
from core.errors import Invalid, NotFound
from core.models import ClientStatus
from core.vault import Vault
from core.web.pagination import Page, PageQuery, page_of


class UnknownClient(Invalid):
    """There is no such client to open a case for."""

    code = "unknown_client"


async def create_case(database: Database, caller: Principal, asked: CaseIn) -> CaseDetail:
    """A case that is nobody's. Raises UnknownClient, ClientMerged or OpenCaseExists."""
    async with database.transaction() as session:
        opened = await open_case(
            await driver_connection(session),
            client=await _client(session, asked.client_id),
            entity=asked.entity,
            by=acting(caller),
            priority=asked.priority,
            data=asked.data,
        )
        if not opened.is_new:
            raise OpenCaseExists(f"the client has the open case {opened.number} at this entity")
        return await shown(session, caller, opened.id)


async def get_case(database: Database, caller: Principal, case_id: UUID) -> CaseDetail:
    """The case, whole. Raises NotFound."""
    async with database.transaction() as session:
        row = await visible(session, caller, case_id)
        connection = await driver_connection(session)
        await record_read(connection, principal=caller.id, subject=f"case/{case_id}", what="case")
    return detail(row, caller)


async def list_cases(database: Database, caller: Principal, query: CaseQuery) -> Page[CaseOut]:
    """A page of the cases the caller may see, newest first. Raises BadCursor."""
    filters = _filters(caller, query)
    async with database.transaction() as session:
        rows = await queries.list_cases(session, owner_of(caller), filters, limit=query.limit + 1)
    return page_of(rows, query.limit, lambda row: CaseOut(**row))


async def list_assignments(
    database: Database, caller: Principal, case_id: UUID, query: PageQuery
) -> Page[AssignmentOut]:
    """A page of the case's leases, last first. Raises NotFound or BadCursor."""
    async with database.transaction() as session:
        key = (await visible(session, caller, case_id))["key"]
        rows = await queries.list_assignments(session, key, before=query.before, limit=query.limit + 1)
    return page_of(rows, query.limit, lambda row: AssignmentOut(**row))


async def list_events(
    database: Database, vault: Vault, caller: Principal, case_id: UUID, query: PageQuery
) -> Page[EventOut]:
    """A page of the case's events, newest first. Raises NotFound or BadCursor."""
    async with database.transaction() as session:
        key = (await visible(session, caller, case_id))["key"]
        rows = await queries.list_events(session, key, before=query.before, limit=query.limit + 1)
    return page_of(rows, query.limit, lambda row: event(vault, row))


async def visible(session: AsyncSession, caller: Principal, case_id: UUID) -> queries.Found:
    """The case's row, if the caller may see it. Raises NotFound."""
    row = await queries.find_case(session, case_id, owner_of(caller))
    if row is None:
        raise NotFound("there is no such case")
    return row


async def shown(session: AsyncSession, caller: Principal, case_id: UUID) -> CaseDetail:
    """The case as the caller left it, whose ever it is now."""
    row = await queries.find_case(session, case_id, None)
    assert row is not None, "cases are never deleted"
    return detail(row, caller)


def owner_of(caller: Principal) -> int | None:
    """Whose cases the caller is limited to, beside nobody's; None: not limited."""
    return caller.limited_to(Permission.CASES_ALL)


async def _client(session: AsyncSession, client_id: UUID) -> int:
    row = await queries.hold_client(session, client_id)
    if row is None:
        raise UnknownClient("there is no such client", pointer="/client_id")
    if row["status"] != ClientStatus.ACTIVE:
        raise ClientMerged("this client is part of another one")
    key: int = row["id"]
    return key


def _filters(caller: Principal, query: CaseQuery) -> queries.Found:
    """The conditions a query asks for, by their names, and what each is given."""
    filters: dict[str, Any] = query.model_dump(
        exclude_none=True, mode="json", include={"status", "priority", "entity"}
    ) | query.model_dump(exclude_none=True, include={"client_id"})
    if query.owner is not None:
        named = {"me": ("me", caller.id), "none": ("nobody", None)}
        name, value = named.get(str(query.owner), ("somebody", query.owner))
        filters[name] = value
    if query.pool is not None:
        filters["pool" if query.pool else "taken"] = None
    if query.before is not None:
        filters["before"] = query.before
    return filters
