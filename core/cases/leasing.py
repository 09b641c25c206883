"""Who has a case: taken by one conditional UPDATE, given back, handed on, kept longer. A lease has a token.

Each takes the caller's transaction; the row, the lease, the event and the outbox are one.
"""

from uuid import UUID

from core.cases import queries
from core.cases.errors import (
    CaseAlreadyAssigned,
    RetakeTooSoon,
    TooManyCases,
    TransitionNotAllowed,
)
from core.cases.holding import hold, require_holder
from core.cases.noting import noted, put
from core.cases.rules import Rules, get_rules
from core.cases.standing import TIME, By, Held, Note, Standing
from core.db import Connection
from core.errors import NotFound
from core.models import CaseChange, CaseStatus, LeaseEnd
from core.models.case_states import CLAIMS, ways_out
from core.vault import Vault


async def assign(connection: Connection, case: UUID, by: By) -> Held:
    """Take the case; who has it already gets the same lease, not a longer one.

    Raises NotFound, CaseAlreadyAssigned, TooManyCases, RetakeTooSoon or TransitionNotAllowed.
    """
    rules = await get_rules(connection)
    taken = await _claim(connection, case, by, rules, any_of_entity=False)
    return taken or await _theirs_already(connection, case, by, rules)


async def assign_next(connection: Connection, by: By, *, entity: str | None = None) -> Held | None:
    """Take the case that waits longest, each step of priority counting like some hours; None: none waits.

    Cases that others are taking right now are passed over. Raises TooManyCases.
    """
    rules = await get_rules(connection)
    taken = await _claim(connection, entity, by, rules, any_of_entity=True)
    if taken is None:
        await _require_room(connection, _own(by), rules)
    return taken


async def release(
    connection: Connection, case: UUID, by: By, *, token: int, reason: str | None, vault: Vault
) -> Held:
    """Give the case back. Raises NotFound, StaleToken or CaseNotAssigned."""
    held = await hold(connection, case, by, token)
    require_holder(held, by)
    note = Note(CaseChange.RELEASED, by, LeaseEnd.RELEASED, reason, vault)
    return await put(connection, held, held.standing.given_back(), note)


async def transfer(
    connection: Connection, case: UUID, by: By, *, token: int, owner: int, reason: str, vault: Vault
) -> Held:
    """Somebody else's from now on, for a whole lease, whoever had it.

    Raises NotFound, StaleToken, CaseAlreadyAssigned, TooManyCases or TransitionNotAllowed.
    """
    rules = await get_rules(connection)
    await queries.stand_alone(connection, owner)
    await _require_room(connection, owner, rules)
    held = await hold(connection, case, by, token)
    if held.standing.owner == owner:
        raise CaseAlreadyAssigned("they have this case")
    status = held.standing.status
    if held.standing.owner is None and status not in CLAIMS:
        raise TransitionNotAllowed(status, ways_out(status, by.role))
    to = CLAIMS.get(status, status)
    after = held.standing._replace(status=to).leased(owner, held.at + rules.lease)
    note = Note(CaseChange.TRANSFERRED, by, LeaseEnd.TRANSFERRED, reason, vault)
    return await put(connection, held, after, note)


async def extend(
    connection: Connection, case: UUID, by: By, *, token: int, hours: int | None, reason: str, vault: Vault
) -> Held:
    """So many hours longer (a whole lease, by default), under a new token: alerts are due anew.

    Raises NotFound, StaleToken or CaseNotAssigned.
    """
    rules = await get_rules(connection)
    held = await hold(connection, case, by, token)
    require_holder(held, by)
    owner, expires_at = held.standing.owner, held.standing.expires_at
    assert owner is not None, "it has a holder"
    assert expires_at is not None, "it has a holder"
    after = held.standing.leased(owner, rules.later(expires_at, hours or rules.lease_hours))
    note = Note(CaseChange.EXTENDED, by, LeaseEnd.EXTENDED, reason, vault)
    return await put(connection, held, after, note)


async def _claim(
    connection: Connection, which: UUID | str | None, by: By, rules: Rules, *, any_of_entity: bool
) -> Held | None:
    owner = _own(by)
    await queries.stand_alone(connection, owner)
    row = await queries.claim(
        connection,
        which,
        owner,
        lease=rules.lease,
        max_active=rules.max_active,
        retake_after=rules.retake_after,
        any_of_entity=any_of_entity,
    )
    if row is None:
        return None
    after = Standing(CaseStatus(row["status_after"]), owner, row["token_after"], row["expires_after"])
    held = Held.of(row)
    if held.is_over:
        expired = Note(CaseChange.EXPIRED, TIME, LeaseEnd.EXPIRED)
        held = await noted(connection, held, held.standing.given_back(), expired)
    return await noted(connection, held, after, Note(CaseChange.ASSIGNED, by))


async def _theirs_already(connection: Connection, case: UUID, by: By, rules: Rules) -> Held:
    """The lease the caller has. Raises what the claim was refused for."""
    held = await queries.lock_case(connection, case)
    if held is None:
        raise NotFound("there is no such case")
    standing, owner = held.standing, _own(by)
    if standing.owner is not None and not held.is_over:
        if standing.owner == owner:
            return held
        raise CaseAlreadyAssigned("somebody has this case")
    if standing.status not in CLAIMS and not held.is_over:
        raise TransitionNotAllowed(standing.status, ways_out(standing.status, by.role))
    await _require_room(connection, owner, rules)
    if await queries.has_let_expire(connection, case, owner, rules.retake_after):
        raise RetakeTooSoon(f"whoever lets a case expire waits {rules.retake_after_hours} hours for it")
    raise CaseAlreadyAssigned("somebody was quicker")


async def _require_room(connection: Connection, owner: int, rules: Rules) -> None:
    if await queries.count_active(connection, owner) >= rules.max_active:
        raise TooManyCases(f"one may have {rules.max_active} cases at once")


def _own(by: By) -> int:
    assert by.id is not None, "the product itself has no cases"
    return by.id
