"""Whose a ticket is. Of several who take one at once, one gets it: they wait for each other at its row."""

from uuid import UUID

from agent_service.people.assignees import find_assignee, require_own_hand
from agent_service.tickets.schemas import AssignIn, TicketDetail
from agent_service.tickets.service import hold, shown
from core import tickets
from core.access import Permission, Principal
from core.db import Database, driver_connection
from core.errors import Conflict
from core.vault import Vault


class TicketTaken(Conflict):
    """Somebody has the ticket. To take it from them, send `If-Match` with the ETag you read."""

    code = "ticket_taken"


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
        person = await find_assignee(session, caller, asked.assignee, Permission.TICKETS_WRITE)
        if person != held.ticket.assignee_id:
            _may_hand_on(caller, held.ticket.assignee_id, person, if_match)
            held.ticket.assign(person)
            await tickets.save(connection, vault, held, actor=caller.id, reason=asked.reason)
        return await shown(session, vault, None, ticket_id)


def _may_hand_on(caller: Principal, holder: int | None, person: int | None, if_match: str | None) -> None:
    require_own_hand(caller, holder, person, Permission.TICKETS_ASSIGN)
    if holder is not None and person is not None and if_match is None:
        raise TicketTaken("somebody has this ticket; to hand it on, send If-Match with the ETag you read")
