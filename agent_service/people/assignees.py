"""Whose work something is: who may get it, and who may hand it on. One rule for tickets and conversations."""

from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from agent_service.people import queries
from core.access import GRANTS, Permission, Principal
from core.errors import Forbidden, Invalid


class NotAssignable(Invalid):
    """Work is given to active people whose role does it, not to API keys."""

    code = "not_assignable"


async def find_assignee(
    session: AsyncSession, caller: Principal, asked: UUID | Literal["me"] | None, work: Permission
) -> int | None:
    """The key of the person asked for, None for nobody. Raises NotAssignable unless `work` is theirs."""
    if asked is None:
        return None
    roles = [role.value for role in GRANTS[work].roles]
    wanted = {"key": caller.id} if asked == "me" else {"public_id": asked}
    person = await queries.find_person(session, roles, **wanted)
    if person is None:
        raise NotAssignable("there is no such person, or this is not their work", pointer="/assignee")
    return person


def require_own_hand(
    caller: Principal, holder: int | None, person: int | None, everybodys: Permission
) -> None:
    """Raise Forbidden unless the caller takes it, gives their own back, or may hand on everybody's."""
    if not caller.may(everybodys) and caller.id not in {holder, person}:
        raise Forbidden("you may take this and give your own back, not hand on others'")
