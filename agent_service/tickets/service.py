"""Read and change tickets. The rules are the model's; here is who may ask, and about which version."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from agent_service.tickets import queries
from agent_service.tickets.schemas import (
    TicketDetail,
    TicketOut,
    TicketPatch,
    TicketQuery,
    TransitionIn,
)
from agent_service.tickets.showing import detail, ticket
from core import tickets
from core.access import Permission, Principal
from core.db import Connection, Database, driver_connection
from core.errors import NotFound
from core.models import Ticket
from core.tickets import Held
from core.tickets.sealing import description_context, subject_context
from core.vault import Vault
from core.web.etags import require_version
from core.web.pagination import Page, page_of


async def get_ticket(database: Database, vault: Vault, caller: Principal, ticket_id: UUID) -> TicketDetail:
    """The ticket, whole. Raises NotFound."""
    async with database.transaction() as session:
        return await shown(session, vault, owner_of(caller), ticket_id)


async def list_tickets(
    database: Database, vault: Vault, caller: Principal, query: TicketQuery
) -> Page[TicketOut]:
    """A page of the tickets the caller may see, newest first. Raises BadCursor."""
    filters = _filters(caller, query)
    async with database.transaction() as session:
        rows = await queries.list_tickets(session, owner_of(caller), filters, limit=query.limit + 1)
    return page_of(rows, query.limit, lambda row: ticket(vault, row))


async def change_ticket(
    database: Database, vault: Vault, caller: Principal, ticket_id: UUID, if_match: str, asked: TicketPatch
) -> TicketDetail:
    """Other words or another priority. Raises NotFound, PreconditionFailed or TransitionRefused."""
    async with database.transaction() as session:
        connection = await driver_connection(session)
        held = await hold(connection, caller, ticket_id, if_match)
        _reword(vault, held.ticket, asked)
        if asked.priority is not None:
            before, after = held.terms[held.ticket.priority], held.terms[asked.priority]
            held.ticket.reprioritise(asked.priority, before=before, after=after)
        await tickets.save(connection, vault, held, actor=caller.id)
        return await shown(session, vault, owner_of(caller), ticket_id)


async def transition_ticket(
    database: Database,
    vault: Vault,
    caller: Principal,
    ticket_id: UUID,
    if_match: str | None,
    asked: TransitionIn,
) -> TicketDetail:
    """The ticket's next state. Raises NotFound, PreconditionFailed or TransitionRefused."""
    async with database.transaction() as session:
        connection = await driver_connection(session)
        held = await hold(connection, caller, ticket_id, if_match)
        held.ticket.transition(asked.to, now=held.now, grace=held.grace)
        await tickets.save(connection, vault, held, actor=caller.id, reason=asked.reason)
        return await shown(session, vault, owner_of(caller), ticket_id)


async def hold(
    connection: Connection, caller: Principal, ticket_id: UUID, if_match: str | None = None
) -> Held:
    """The ticket, locked. Raises NotFound or PreconditionFailed."""
    held = await tickets.hold(connection, ticket_id, owner=owner_of(caller))
    if held is None:
        raise NotFound("there is no such ticket")
    require_version(if_match, held.ticket.version)
    return held


async def shown(session: AsyncSession, vault: Vault, owner: int | None, ticket_id: UUID) -> TicketDetail:
    """The ticket as it is now. Raises NotFound."""
    row = await queries.find_ticket(session, ticket_id, owner)
    if row is None:
        raise NotFound("there is no such ticket")
    return detail(vault, row)


def _reword(vault: Vault, changed: Ticket, asked: TicketPatch) -> None:
    if asked.subject is not None:
        context = subject_context(changed.public_id)
        changed.subject_sealed = vault.seal(asked.subject.encode(), context=context)
    if asked.description is not None:
        context = description_context(changed.public_id)
        changed.description_sealed = vault.seal(asked.description.encode(), context=context)


def _filters(caller: Principal, query: TicketQuery) -> queries.Found:
    """The conditions a query asks for, by their names, and what each is given."""
    filters = query.model_dump(
        exclude_none=True, mode="json", include={"status", "priority"}
    ) | query.model_dump(exclude_none=True, include={"client_id"})
    if query.assignee is not None:
        named = {"me": ("me", caller.id), "none": ("nobody", None)}
        name, value = named.get(str(query.assignee), ("somebody", query.assignee))
        filters[name] = value
    if query.overdue is not None:
        filters["overdue" if query.overdue else "in_time"] = None
    if query.before is not None:
        filters["before"] = query.before
    return filters


def owner_of(caller: Principal) -> int | None:
    """Whose tickets the caller is limited to, beside nobody's; None: not limited."""
    return caller.limited_to(Permission.TICKETS_ALL)
