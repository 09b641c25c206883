"""Take a case from one state to another, by the table of transitions."""

from uuid import UUID

import asyncpg

from core.cases.errors import OpenCaseExists, TransitionNotAllowed
from core.cases.holding import hold, require_holder
from core.cases.noting import put
from core.cases.standing import By, Held, Note
from core.db import Connection
from core.models import CaseChange, CaseStatus, LeaseEnd
from core.models.case_states import HELD, ways_out
from core.vault import Vault

S = CaseStatus
CHANGES = {
    S.CALCULISTA_PENDENTE: (CaseChange.SENT_TO_CALCULISTA, LeaseEnd.SENT_TO_CALCULISTA),
    S.DISPONIVEL: (CaseChange.TRANSITIONED, LeaseEnd.RELEASED),
}


async def transition(
    connection: Connection,
    case: UUID,
    by: By,
    *,
    to: CaseStatus,
    token: int,
    reason: str | None,
    vault: Vault,
) -> Held:
    """The case in another state; where nobody may have one, the lease ends.

    Raises NotFound, StaleToken, TransitionNotAllowed, CaseNotAssigned or OpenCaseExists.
    """
    held = await hold(connection, case, by, token)
    status = held.standing.status
    if to not in destinations(status, by):
        raise TransitionNotAllowed(status, destinations(status, by))
    if status in HELD and not by.leads:
        require_holder(held, by)
    change, end = CHANGES.get(to, (CaseChange.TRANSITIONED, LeaseEnd.MOVED_ON))
    try:
        return await put(connection, held, held.standing.at(to), Note(change, by, end, reason, vault))
    except asyncpg.UniqueViolationError:
        raise OpenCaseExists("the client has another open case at this entity") from None


def destinations(status: CaseStatus, by: By) -> list[CaseStatus]:
    """Where the caller may take a case from there; to work on one is to take it (`assign`)."""
    return [to for to in ways_out(status, by.role) if to is not S.EM_ATENDIMENTO]
