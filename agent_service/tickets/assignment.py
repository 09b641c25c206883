"""Whose a ticket is. Of several who take one at once, one gets it: they wait for each other at its row."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from agent_service.tickets import queries
from agent_service.tickets.schemas import AssignIn, TicketDetail
from agent_service.tickets.service import hold, shown
from core import tickets
from core.access import GRANTS, Permission, Principal
from core.db import Database, driver_connection
from core.errors import Conflict, Forbidden, Invalid
from core.vault import Vault

ASSIGNABLE = frozenset(role.value for role in GRANTS[Permission.TICKETS_WRITE].roles)


class TicketTaken(Conflict):
    """Somebody has the ticket. To take it from them, send `If-Match` with the ETag you read."""

    code = "ticket_taken"


class NotAssignable(Invalid):
    """Tickets are given to active people who may work on them, not to API keys."""

    code = "not_assignable"


async def assign_ticket(
    database: Database,
    vault: Vault,
    caller: Principal,
    ticket_id: UUID,
    if_match: str | None,
    asked: AssignIn,
) -> TicketDetail:
    """Somebody's ticket, or nobody's; of several who take one at once, one gets it.

    Raises NotFound, PreconditionFailed, Forbidden, TicketTaken, NotAssignable or TransitionRefused.
    """
    async with database.transaction() as session:
        connection = await driver_connection(session)
        held = await hold(connection, caller, ticket_id, if_match)
        person = await _person(session, caller, asked)
        if person != held.ticket.assignee_id:
            _may_hand_on(caller, held.ticket.assignee_id, person, if_match)
            held.ticket.assign(person)
            await tickets.save(connection, vault, held, actor=caller.id, reason=asked.reason)
        return await shown(session, vault, None, ticket_id)


def _may_hand_on(caller: Principal, holder: int | None, person: int | None, if_match: str | None) -> None:
    if not caller.may(Permission.TICKETS_ASSIGN) and caller.id not in {holder, person}:
        raise Forbidden("you may take a ticket and give your own back, not hand on others'")
    if holder is not None and person is not None and if_match is None:
        raise TicketTaken("somebody has this ticket; to hand it on, send If-Match with the ETag you read")


async def _person(session: AsyncSession, caller: Principal, asked: AssignIn) -> int | None:
    if asked.assignee is None:
        return None
    wanted = {"key": caller.id} if asked.assignee == "me" else {"public_id": asked.assignee}
    person = await queries.find_person(session, ASSIGNABLE, **wanted)
    if person is None:
        raise NotAssignable("there is no such person, or tickets are not their work", pointer="/assignee")
    return person
