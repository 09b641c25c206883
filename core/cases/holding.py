"""Hold a case for a change: whose it is, whether the token still counts, whether time is up."""

from uuid import UUID

from core.cases import queries
from core.cases.errors import CaseNotAssigned, StaleToken
from core.cases.noting import put
from core.cases.standing import TIME, By, Held, Note
from core.db import Connection
from core.errors import NotFound
from core.models import CaseChange, LeaseEnd

GONE = "there is no such case"


async def hold(connection: Connection, case: UUID, by: By, token: int) -> Held:
    """The case, locked; its lease ended first, if it is over. Raises NotFound or StaleToken.

    What somebody else has is not found, but by those who see all. Who had it with this token is told that it
    is stale, and so is who let it expire, swept or not.
    """
    held = await queries.lock_case(connection, case)
    if held is None:
        raise NotFound(GONE)
    if not await _is_visible(connection, held, by, token):
        raise NotFound(GONE)
    if token != held.standing.token or (held.is_over and held.standing.owner == by.id):
        raise StaleToken("this lease is over; read the case again")
    return await expire(connection, held) if held.is_over else held


async def expire(connection: Connection, held: Held) -> Held:
    """Write down that the lease of a held case is over."""
    note = Note(CaseChange.EXPIRED, TIME, LeaseEnd.EXPIRED)
    return await put(connection, held, held.standing.given_back(), note)


def require_holder(held: Held, by: By) -> None:
    """Raise CaseNotAssigned unless the caller has the case, or somebody whom the caller leads."""
    if held.standing.owner is None or not (by.leads or held.standing.owner == by.id):
        raise CaseNotAssigned("you do not have this case; take it first")


async def _is_visible(connection: Connection, held: Held, by: By, token: int) -> bool:
    if by.sees or held.standing.owner in {None, by.id} or held.is_over or by.id is None:
        return True
    return await queries.had_lease(connection, held.key, token, by.id)
