import asyncio
from uuid import uuid4

import pytest

from agent_service.people.assignees import NotAssignable
from agent_service.tickets.assignment import TicketTaken
from core.access import Role
from core.errors import Forbidden, NotFound
from core.models import TicketStatus
from core.models.tickets import TransitionRefused
from core.web.etags import PreconditionFailed
from tests.agent_service.tickets.desk import Desk
from tests.agent_service.tickets.staff import Staff

WAY = (TicketStatus.IN_PROGRESS, TicketStatus.RESOLVED, TicketStatus.CLOSED)


async def test_of_twenty_who_take_a_ticket_at_once_one_gets_it(desk: Desk, staff: Staff) -> None:
    agents = [await staff.hire(f"agente {number}") for number in range(20)]
    ticket = await desk.open(agents[0], await staff.client())
    taken = await asyncio.gather(*(desk.assign(agent, ticket.id) for agent in agents), return_exceptions=True)
    (winner,) = [one for one in taken if not isinstance(one, BaseException)]
    assert {type(one) for one in taken if isinstance(one, BaseException)} == {NotFound}
    assert winner.assignee is not None
    history = await staff.execute("SELECT * FROM crm.ticket_history WHERE change = 'assignee'")
    assert len(history) == 1
    assert winner.assignee.name in {agent.principal.name for agent in agents}
    assert winner.version == 2


async def test_of_twenty_leads_who_take_a_ticket_at_once_one_gets_it(desk: Desk, staff: Staff) -> None:
    leads = [await staff.hire(f"chefe {number}", Role.SUPERVISOR) for number in range(20)]
    ticket = await desk.open(leads[0], await staff.client())
    taken = await asyncio.gather(*(desk.assign(lead, ticket.id) for lead in leads), return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in taken) == 1
    assert {type(one) for one in taken if isinstance(one, BaseException)} == {TicketTaken}


async def test_agents_see_their_own_and_nobody_s(desk: Desk, staff: Staff) -> None:
    ana, bia = await staff.hire("Ana"), await staff.hire("Bia")
    lead = await staff.hire("Chefe", Role.SUPERVISOR)
    client = await staff.client()
    hers, free = await desk.open(ana, client), await desk.open(ana, client)
    await desk.assign(ana, hers.id)
    assert [ticket.id for ticket in await desk.list(ana)] == [free.id, hers.id]
    assert [ticket.id for ticket in await desk.list(bia)] == [free.id]
    assert [ticket.id for ticket in await desk.list(lead)] == [free.id, hers.id]
    assert [ticket.id for ticket in await desk.list(ana, assignee="me")] == [hers.id]
    assert [ticket.id for ticket in await desk.list(lead, assignee=ana.id)] == [hers.id]
    assert [ticket.id for ticket in await desk.list(bia, assignee=ana.id)] == []
    assert [ticket.id for ticket in await desk.list(lead, assignee="none")] == [free.id]
    for refused in (
        desk.get(bia, hers.id),
        desk.change(bia, hers.id, 2, subject="x"),
        desk.move(bia, hers.id, TicketStatus.IN_PROGRESS),
        desk.assign(bia, hers.id),
    ):
        with pytest.raises(NotFound):
            await refused


async def test_leads_hand_tickets_on_once_they_have_looked(desk: Desk, staff: Staff) -> None:
    ana, bia = await staff.hire("Ana"), await staff.hire("Bia")
    lead = await staff.hire("Chefe", Role.SUPERVISOR)
    ticket = await desk.open(ana, await staff.client())
    assert (await desk.assign(lead, ticket.id, ana.id)).version == 2
    assert (await desk.assign(lead, ticket.id, ana.id)).version == 2
    with pytest.raises(TicketTaken):
        await desk.assign(lead, ticket.id, bia.id)
    with pytest.raises(PreconditionFailed):
        await desk.assign(lead, ticket.id, bia.id, version=1)
    handed = await desk.assign(lead, ticket.id, bia.id, version=2)
    assert handed.assignee is not None
    assert handed.assignee.id == str(bia.id)
    assert (await desk.assign(bia, ticket.id, None)).assignee is None


async def test_agents_hand_nothing_on(desk: Desk, staff: Staff) -> None:
    ana, bia = await staff.hire("Ana"), await staff.hire("Bia")
    ticket = await desk.open(ana, await staff.client())
    with pytest.raises(Forbidden):
        await desk.assign(ana, ticket.id, bia.id)


async def test_only_active_people_whose_work_it_is_get_tickets(desk: Desk, staff: Staff) -> None:
    lead, dpo = await staff.hire("Chefe", Role.SUPERVISOR), await staff.hire("DPO", Role.DPO)
    gone = await staff.hire("Foi")
    await staff.execute("UPDATE ops.people SET active = false WHERE public_id = $1", gone.id)
    ticket = await desk.open(lead, await staff.client())
    for nobody in (dpo.id, gone.id, uuid4()):
        with pytest.raises(NotAssignable):
            await desk.assign(lead, ticket.id, nobody)


async def test_a_closed_ticket_stays_whose_it_is(desk: Desk, staff: Staff) -> None:
    lead = await staff.hire("Chefe", Role.SUPERVISOR)
    ticket = await desk.open(lead, await staff.client())
    await desk.move(lead, ticket.id, *WAY)
    with pytest.raises(TransitionRefused):
        await desk.assign(lead, ticket.id)
