"""Take a case, give it back, hand it on, keep it longer, move it. The rules are `core.cases`."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from agent_service.cases import queries
from agent_service.cases.schemas import (
    CaseDetail,
    ClaimIn,
    ExtendIn,
    ReleaseIn,
    TransferIn,
    TransitionIn,
)
from agent_service.cases.service import shown, visible
from core import cases
from core.access import GRANTS, Permission, Principal
from core.cases import acting
from core.db import Database, driver_connection
from core.errors import Invalid, NotFound
from core.models import CaseStatus
from core.vault import Vault

ASSIGNABLE = frozenset(role.value for role in GRANTS[Permission.CASES_WRITE].roles)


class NoCaseWaiting(NotFound):
    """Nothing waits for you: the pool is empty, or what is there you let expire a short while ago."""

    code = "no_case_waiting"


class NoSuchAgent(Invalid):
    """Cases are handed to active people who may work on them."""

    code = "no_such_agent"


async def assign_case(database: Database, caller: Principal, case_id: UUID) -> CaseDetail:
    """The caller's from now on, for a lease. Raises what `core.cases.assign` raises."""
    async with database.transaction() as session:
        await cases.assign(await driver_connection(session), case_id, acting(caller))
        return await shown(session, caller, case_id)


async def claim_next(database: Database, caller: Principal, asked: ClaimIn) -> CaseDetail:
    """The case that waits longest. Raises NoCaseWaiting or TooManyCases."""
    async with database.transaction() as session:
        connection = await driver_connection(session)
        taken = await cases.assign_next(connection, acting(caller), entity=asked.entity)
        if taken is None:
            raise NoCaseWaiting("no case waits for you")
        return await shown(session, caller, taken.id)


async def release_case(
    database: Database, vault: Vault, caller: Principal, case_id: UUID, asked: ReleaseIn
) -> CaseDetail:
    """Nobody's again. Raises what `core.cases.release` raises."""
    async with database.transaction() as session:
        connection = await driver_connection(session)
        await cases.release(
            connection, case_id, acting(caller), token=asked.token, reason=asked.reason, vault=vault
        )
        return await shown(session, caller, case_id)


async def transfer_case(
    database: Database, vault: Vault, caller: Principal, case_id: UUID, asked: TransferIn
) -> CaseDetail:
    """Somebody else's. Raises NoSuchAgent, or what `core.cases.transfer` raises."""
    async with database.transaction() as session:
        connection = await driver_connection(session)
        await visible(session, caller, case_id)
        await cases.transfer(
            connection,
            case_id,
            acting(caller),
            token=asked.token,
            owner=await _person(session, asked.owner),
            reason=asked.reason,
            vault=vault,
        )
        return await shown(session, caller, case_id)


async def extend_case(
    database: Database, vault: Vault, caller: Principal, case_id: UUID, asked: ExtendIn
) -> CaseDetail:
    """Its owner's for longer. Raises what `core.cases.extend` raises."""
    async with database.transaction() as session:
        connection = await driver_connection(session)
        await cases.extend(
            connection,
            case_id,
            acting(caller),
            token=asked.token,
            hours=asked.hours,
            reason=asked.reason,
            vault=vault,
        )
        return await shown(session, caller, case_id)


async def send_to_calculista(
    database: Database, vault: Vault, caller: Principal, case_id: UUID, asked: ReleaseIn
) -> CaseDetail:
    """In the calculator's hands, and nobody's lease. Raises what `core.cases.transition` raises."""
    sent = TransitionIn(token=asked.token, to=CaseStatus.CALCULISTA_PENDENTE, reason=asked.reason)
    return await transition_case(database, vault, caller, case_id, sent)


async def transition_case(
    database: Database, vault: Vault, caller: Principal, case_id: UUID, asked: TransitionIn
) -> CaseDetail:
    """In another state. Raises what `core.cases.transition` raises."""
    async with database.transaction() as session:
        connection = await driver_connection(session)
        await cases.transition(
            connection,
            case_id,
            acting(caller),
            to=asked.to,
            token=asked.token,
            reason=asked.reason,
            vault=vault,
        )
        return await shown(session, caller, case_id)


async def check_expiry(database: Database, caller: Principal, case_id: UUID) -> CaseDetail:
    """The case, its lease ended if it is over. Raises NotFound."""
    async with database.transaction() as session:
        await cases.check_expiry(await driver_connection(session), case_id)
        return await shown(session, caller, case_id)


async def _person(session: AsyncSession, person: UUID) -> int:
    found = await queries.find_person(session, ASSIGNABLE, person)
    if found is None:
        raise NoSuchAgent("there is no such person, or cases are not their work", pointer="/owner")
    return found
