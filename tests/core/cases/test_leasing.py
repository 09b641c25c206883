import asyncio
from datetime import timedelta

import pytest

from core.cases.errors import (
    CaseAlreadyAssigned,
    CaseNotAssigned,
    RetakeTooSoon,
    StaleToken,
    TooManyCases,
    TransitionNotAllowed,
)
from core.errors import NotFound
from core.ids import uuid7
from core.models import CasePriority, CaseStatus
from tests.core.cases.office import LEAD, Office, agent

ANA, BIA = agent(1), agent(2)


async def test_of_fifty_who_take_a_case_at_once_one_gets_it(office: Office) -> None:
    case = await office.open()
    taken = await asyncio.gather(
        *(office.assign(case.id, agent(number)) for number in range(1, 51)), return_exceptions=True
    )
    assert sum(not isinstance(one, BaseException) for one in taken) == 1
    assert {type(one) for one in taken if isinstance(one, BaseException)} == {CaseAlreadyAssigned}
    assert len(await office.fetch("SELECT FROM crm.case_assignments")) == 1
    assert not await office.faults()


async def test_a_lease_is_of_72_hours_and_taking_it_again_makes_it_no_longer(office: Office) -> None:
    case = await office.open()
    first, again = await office.assign(case.id, ANA), await office.assign(case.id, ANA)
    assert first.standing == again.standing
    assert first.standing.status is CaseStatus.EM_ATENDIMENTO
    assert first.standing.expires_at == first.at + timedelta(hours=72)
    (lease,) = await office.fetch("SELECT * FROM crm.case_assignments")
    assert (lease["token"], lease["taken_at"], lease["ended_at"]) == (1, first.at, None)
    with pytest.raises(CaseAlreadyAssigned):
        await office.assign(case.id, BIA)
    with pytest.raises(NotFound):
        await office.assign(uuid7(), BIA)


async def test_an_expired_case_is_taken_at_once_without_any_sweeper(office: Office) -> None:
    case = await office.open()
    first = await office.assign(case.id, ANA)
    await office.pass_time(case.id, "72 hours")
    second = await office.assign(case.id, BIA)
    assert second.standing.token > first.standing.token
    rows = await office.fetch("SELECT owner_id, expires_at, ended_at, reason::text FROM crm.case_assignments")
    assert [(row["owner_id"], row["reason"]) for row in rows] == [(1, "EXPIRED"), (2, None)]
    assert rows[0]["ended_at"] == rows[0]["expires_at"]
    changes = await office.fetch("SELECT change::text, acted_as::text FROM crm.case_events ORDER BY version")
    assert [tuple(row.values()) for row in changes] == [
        ("opened", "supervisor"),
        ("assigned", "agent"),
        ("expired", "system"),
        ("assigned", "agent"),
    ]
    assert not await office.faults()
    with pytest.raises(StaleToken):
        await office.release(case.id, ANA, first.standing.token)
    assert await office.maintain() == (0, 0)


@pytest.mark.parametrize("swept", [False, True])
async def test_who_let_a_case_expire_writes_nothing_and_waits_before_taking_it_again(
    office: Office, *, swept: bool
) -> None:
    case = await office.open()
    token = (await office.assign(case.id, ANA)).standing.token
    await office.pass_time(case.id, "73 hours")
    assert not swept or await office.maintain() == (1, 0)
    with pytest.raises(StaleToken):
        await office.release(case.id, ANA, token)
    with pytest.raises(RetakeTooSoon):
        await office.assign(case.id, ANA)
    assert await office.next(ANA) is None
    await office.pass_time(case.id, "24 hours")
    assert (await office.assign(case.id, ANA)).standing.owner == 1
    assert not await office.faults()


async def test_what_is_given_back_is_everybody_s_and_its_token_is_stale(office: Office) -> None:
    case = await office.open()
    token = (await office.assign(case.id, ANA)).standing.token
    back = await office.release(case.id, ANA, token)
    assert (back.standing.status, back.standing.owner) == (CaseStatus.DISPONIVEL, None)
    with pytest.raises(StaleToken):
        await office.release(case.id, ANA, token)
    with pytest.raises(CaseNotAssigned):
        await office.release(case.id, ANA, back.standing.token)
    assert (await office.assign(case.id, ANA)).standing.token == back.standing.token + 1


async def test_what_another_has_is_not_found_but_by_a_lead(office: Office) -> None:
    case = await office.open()
    token = (await office.assign(case.id, ANA)).standing.token
    with pytest.raises(NotFound):
        await office.release(case.id, BIA, token)
    assert (await office.release(case.id, LEAD, token)).standing.owner is None


async def test_a_transfer_is_a_new_lease_of_somebody_else(office: Office) -> None:
    case = await office.open()
    token = (await office.assign(case.id, ANA)).standing.token
    handed = await office.transfer(case.id, LEAD, token, owner=2)
    assert (handed.standing.owner, handed.standing.token) == (2, token + 1)
    assert handed.standing.expires_at == handed.at + timedelta(hours=72)
    with pytest.raises(StaleToken):
        await office.release(case.id, ANA, token)
    with pytest.raises(CaseAlreadyAssigned):
        await office.transfer(case.id, LEAD, token + 1, owner=2)
    assert not await office.faults()


async def test_a_free_case_is_transferred_to_somebody_where_it_can_be_worked_on(office: Office) -> None:
    case = await office.open()
    given = await office.transfer(case.id, LEAD, 0, owner=2)
    assert given.standing.status is CaseStatus.EM_ATENDIMENTO
    sent = await office.move(case.id, agent(2), given.standing.token, CaseStatus.CALCULISTA_PENDENTE)
    with pytest.raises(TransitionNotAllowed):
        await office.transfer(case.id, LEAD, sent.standing.token, owner=3)
    with pytest.raises(TransitionNotAllowed):
        await office.assign(case.id, ANA)


async def test_an_extension_is_a_new_token_and_adds_to_the_end(office: Office) -> None:
    case = await office.open()
    first = (await office.assign(case.id, ANA)).standing
    longer = (await office.extend(case.id, LEAD, first.token, hours=10)).standing
    assert first.expires_at is not None
    assert longer.expires_at == first.expires_at + timedelta(hours=10)
    assert (longer.owner, longer.token) == (1, first.token + 1)
    (event,) = await office.fetch("SELECT reason_sealed FROM crm.case_events WHERE change = 'extended'")
    assert event["reason_sealed"]
    assert b"viagem" not in event["reason_sealed"]
    assert not await office.faults()


async def test_nobody_has_more_cases_than_one_may(office: Office) -> None:
    await office.rules(max_active=3)
    opened = [await office.open() for _ in range(6)]
    taken = await asyncio.gather(*(office.assign(case.id, ANA) for case in opened), return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in taken) == 3
    assert {type(one) for one in taken if isinstance(one, BaseException)} == {TooManyCases}
    with pytest.raises(TooManyCases):
        await office.next(ANA)
    free = next(case for case, one in zip(opened, taken, strict=True) if isinstance(one, BaseException))
    with pytest.raises(TooManyCases):
        await office.transfer(free.id, LEAD, 0, owner=1)
    assert (await office.assign(free.id, BIA)).standing.owner == 2


async def test_the_next_case_is_the_most_urgent_until_another_has_waited_for_long(office: Office) -> None:
    normal, urgent = await office.open(), await office.open(priority=CasePriority.URGENT)
    low = await office.open(priority=CasePriority.LOW)
    await office.fetch("UPDATE crm.cases SET queue_at = queue_at - interval '10 days' WHERE id = $1", low.key)
    order = [await office.next(ANA) for _ in range(4)]
    assert [case.id if case else None for case in order] == [low.id, urgent.id, normal.id, None]
    assert not await office.faults()


async def test_the_next_case_may_be_asked_for_of_one_entity_and_may_be_an_expired_one(office: Office) -> None:
    expired, other = await office.open(entity="inss"), await office.open()
    await office.assign(expired.id, ANA)
    assert await office.next(BIA, "inss") is None
    await office.pass_time(expired.id, "72 hours")
    taken = await office.next(BIA, "inss")
    assert taken is not None
    assert taken.id == expired.id
    last = await office.next(BIA)
    assert last is not None
    assert last.id == other.id


async def test_agents_who_ask_for_the_next_case_at_once_get_different_ones(office: Office) -> None:
    for _ in range(20):
        await office.open()
    taken = await asyncio.gather(*(office.next(agent(number)) for number in range(1, 26)))
    got = [case.id for case in taken if case is not None]
    assert len(got) == len(set(got)) == 20
    assert not await office.faults()
