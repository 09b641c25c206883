from itertools import product

import asyncpg
import pytest

from core.cases import By
from core.cases.errors import TransitionNotAllowed
from core.models import CaseActor, CaseStatus
from core.models.case_states import CLAIMS, CLOSED, HELD, TRANSITIONS, ways_out
from tests.core.cases.office import LEAD, Office, agent

S = CaseStatus
ANA = agent(1)
SECOND_LEASE = """
INSERT INTO crm.case_assignments (case_id, token, owner_id, taken_at, expires_at)
SELECT case_id, 2, 2, now(), expires_at FROM crm.case_assignments
"""
EVENT = """
INSERT INTO crm.case_events (public_id, case_id, version, change, from_status, to_status, token, acted_as)
VALUES (gen_random_uuid(), $1, $2, $3::text::crm.case_change, $4::text::crm.case_status,
        $5::text::crm.case_status, 0, $6::text::crm.case_actor)
"""


async def test_the_database_has_the_same_table(office: Office) -> None:
    rows = await office.fetch(
        "SELECT from_status::text, to_status::text, actor::text FROM crm.case_transitions"
    )
    written = {(row["from_status"], row["to_status"], row["actor"]) for row in rows}
    assert written == {(start, to, actor) for (start, to), actors in TRANSITIONS.items() for actor in actors}


def test_every_state_is_reached_and_only_what_is_over_cannot_be_left_by_agents() -> None:
    assert {to for _, to in TRANSITIONS} == set(S)
    for start, to in CLAIMS.items():
        assert to in HELD
        assert start is to or CaseActor.AGENT in TRANSITIONS[start, to]
    assert all(not ways_out(status, CaseActor.AGENT) for status in CLOSED)


async def test_whoever_asks_the_database_goes_by_the_table(office: Office) -> None:
    case = await office.open()
    async with office.database.connection() as connection:
        for start, to in product(S, repeat=2):
            if start is not S.DISPONIVEL or start is to:
                continue
            for actor in CaseActor:
                allowed = actor in TRANSITIONS.get((start, to), ())
                transaction = connection.transaction()
                await transaction.start()
                try:
                    await connection.execute(EVENT, case.key, 2, "transitioned", start, to, actor)
                    assert allowed, (start, to, actor)
                except asyncpg.CheckViolationError:
                    assert not allowed, (start, to, actor)
                await transaction.rollback()


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE crm.cases SET status = 'calculo_aprovado', version = 2",
        "UPDATE crm.cases SET status = 'cancelado'",
        "UPDATE crm.cases SET status = 'cancelado', version = 2",  # no event tells of it
        "UPDATE crm.cases SET status = 'em_atendimento', version = 2",
        "UPDATE crm.cases SET owner_id = 1, lease_expires_at = now(), status = 'em_atendimento', version = 2",
        "UPDATE crm.cases SET owner_id = 1, lease_expires_at = now(), lease_token = 1, version = 2",
        "UPDATE crm.cases SET lease_token = -1, version = 2",
        "UPDATE crm.case_events SET to_status = 'cancelado'",
        "DELETE FROM crm.case_events",
    ],
)
async def test_the_database_refuses_what_no_door_does(office: Office, wrong: str) -> None:
    await office.open()
    with pytest.raises(asyncpg.CheckViolationError):
        await office.fetch(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE crm.cases SET lease_expires_at = lease_expires_at + interval '1 hour', version = 3",
        "UPDATE crm.cases SET owner_id = 2, version = 3",
        "UPDATE crm.cases SET lease_token = 0, version = 3",
        "UPDATE crm.case_assignments SET expires_at = now() + interval '1 year'",
        "UPDATE crm.case_assignments SET ended_at = expires_at + interval '1 s', reason = 'RELEASED'",
        "DELETE FROM crm.case_assignments",
        SECOND_LEASE,
    ],
)
async def test_the_database_refuses_another_lease_while_one_runs(office: Office, wrong: str) -> None:
    case = await office.open()
    await office.assign(case.id, ANA)
    with pytest.raises(asyncpg.CheckViolationError):
        await office.fetch(wrong)


async def test_only_the_reason_of_an_event_can_be_erased(office: Office) -> None:
    case = await office.open()
    token = (await office.assign(case.id, ANA)).standing.token
    await office.release(case.id, ANA, token)
    with pytest.raises(asyncpg.CheckViolationError):
        await office.fetch("UPDATE crm.case_events SET reason_sealed = 'x'")
    await office.fetch("UPDATE crm.case_events SET reason_sealed = NULL")
    assert not await office.faults()


async def test_who_may_not_is_told_where_they_can(office: Office) -> None:
    case = await office.open()
    token = (await office.assign(case.id, ANA)).standing.token
    with pytest.raises(TransitionNotAllowed) as refused:
        await office.move(case.id, ANA, token, S.CONTRATO_EFETIVADO)
    assert "disponivel, calculista_pendente, encerrado, sem_contato" in refused.value.detail
    with pytest.raises(TransitionNotAllowed):
        await office.move(case.id, LEAD, token, S.EM_ATENDIMENTO)
    moved = await office.move(case.id, LEAD, token, S.CANCELADO)
    assert moved.standing.owner is None


async def test_an_outside_calculator_approves_and_an_agent_closes(office: Office) -> None:
    machine = By(50, CaseActor.SERVICE, sees=True)
    case = await office.open()
    token = (await office.assign(case.id, ANA)).standing.token
    sent = await office.move(case.id, ANA, token, S.CALCULISTA_PENDENTE)
    with pytest.raises(TransitionNotAllowed):
        await office.move(case.id, ANA, sent.standing.token, S.CALCULO_REJEITADO)
    rejected = await office.move(case.id, machine, sent.standing.token, S.CALCULO_REJEITADO)
    assert rejected.standing.owner is None
    again = await office.assign(case.id, ANA)
    assert again.standing.status is S.EM_ATENDIMENTO
    assert not await office.faults()
