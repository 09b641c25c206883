import asyncio
from datetime import timedelta

import pytest

from agent_service.tickets.schemas import ClockOut
from core.models import CommentVisibility, TicketPriority, TicketStatus
from core.models.tickets import TransitionRefused
from core.tickets import TicketClosed
from core.web.etags import PreconditionFailed
from tests.agent_service.tickets.desk import Desk
from tests.agent_service.tickets.staff import Staff

WAY = (TicketStatus.IN_PROGRESS, TicketStatus.RESOLVED, TicketStatus.CLOSED)


async def test_of_twenty_moves_at_once_one_is_made_and_history_folds_to_the_ticket(
    desk: Desk, staff: Staff
) -> None:
    ana = await staff.hire("Ana")
    ticket = await desk.open(ana, await staff.client())
    moves = (desk.move(ana, ticket.id, TicketStatus.IN_PROGRESS) for _ in range(20))
    done = await asyncio.gather(*moves, return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in done) == 1
    assert {type(one) for one in done if isinstance(one, BaseException)} == {TransitionRefused}
    await desk.move(ana, ticket.id, TicketStatus.RESOLVED, TicketStatus.IN_PROGRESS, *WAY[1:])
    rows = await staff.execute("SELECT * FROM crm.ticket_history ORDER BY version")
    assert [row["from_value"] for row in rows] == [None, *(row["to_value"] for row in rows[:-1])]
    assert [row["version"] for row in rows] == list(range(1, len(rows) + 1))
    assert {row["actor_id"] for row in rows} == {ana.principal.id}
    now = await desk.get(ana, ticket.id)
    assert (now.status, now.version) == (rows[-1]["to_value"], rows[-1]["version"])


async def test_of_twenty_changes_of_one_version_one_is_made(desk: Desk, staff: Staff) -> None:
    ana = await staff.hire("Ana")
    ticket = await desk.open(ana, await staff.client())
    changes = (desk.change(ana, ticket.id, 1, subject=f"Assunto {number}") for number in range(20))
    done = await asyncio.gather(*changes, return_exceptions=True)
    (winner,) = [one for one in done if not isinstance(one, BaseException)]
    assert {type(one) for one in done if isinstance(one, BaseException)} == {PreconditionFailed}
    assert (await desk.get(ana, ticket.id)).subject == winner.subject


async def test_another_priority_moves_what_is_due(desk: Desk, staff: Staff) -> None:
    ana = await staff.hire("Ana")
    ticket = await desk.open(ana, await staff.client())
    urgent = await desk.change(ana, ticket.id, 1, priority=TicketPriority.URGENT)
    assert urgent.first_response.due_at - ticket.opened_at == timedelta(hours=1)
    assert urgent.resolution.due_at - ticket.opened_at == timedelta(hours=8)
    again = await desk.change(ana, ticket.id, 2, priority=TicketPriority.NORMAL)
    assert (again.first_response, again.resolution) == (ticket.first_response, ticket.resolution)


async def test_the_first_public_word_stops_the_clock_and_internal_ones_do_not(
    desk: Desk, staff: Staff
) -> None:
    ana = await staff.hire("Ana")
    ticket = await desk.open(ana, await staff.client())
    await desk.say(ana, ticket.id, "ver com o financeiro", CommentVisibility.INTERNAL)
    assert (await desk.get(ana, ticket.id)).first_response.met_at is None
    said = await desk.say(ana, ticket.id, "Olá! Já estou vendo.", CommentVisibility.PUBLIC)
    assert said.author is not None
    assert (said.body, said.author.name) == ("Olá! Já estou vendo.", "Ana")
    first = (await desk.get(ana, ticket.id)).first_response
    assert first.met_at is not None
    await desk.say(ana, ticket.id, "Pronto.", CommentVisibility.PUBLIC)
    assert (await desk.get(ana, ticket.id)).first_response == first


async def test_a_closed_ticket_has_nothing_more_to_tell(desk: Desk, staff: Staff) -> None:
    ana = await staff.hire("Ana")
    ticket = await desk.open(ana, await staff.client())
    await desk.move(ana, ticket.id, *WAY)
    with pytest.raises(TicketClosed):
        await desk.say(ana, ticket.id, "Mais uma coisa", CommentVisibility.PUBLIC)
    await desk.say(ana, ticket.id, "era o boleto de junho", CommentVisibility.INTERNAL)


async def test_what_is_late_is_found(desk: Desk, staff: Staff) -> None:
    ana, client = await staff.hire("Ana"), await staff.client()
    late, fresh, done = [await desk.open(ana, client) for _ in range(3)]
    await desk.move(ana, done.id, *WAY[:2])
    await staff.execute(
        "UPDATE crm.tickets SET first_response_due_at = now() - interval '1 s' WHERE public_id <> $1",
        fresh.id,
    )
    assert [ticket.id for ticket in await desk.list(ana, overdue=True)] == [late.id]
    assert [ticket.id for ticket in await desk.list(ana, overdue=False)] == [done.id, fresh.id]
    clock: ClockOut = (await desk.get(ana, late.id)).first_response
    assert (clock.met_at, clock.missed) == (None, True)


async def test_every_change_is_told_and_audited(desk: Desk, staff: Staff) -> None:
    ana = await staff.hire("Ana")
    ticket = await desk.open(ana, await staff.client(), description="segredo")
    await desk.assign(ana, ticket.id)
    await desk.say(ana, ticket.id, "segredo", CommentVisibility.INTERNAL)
    await desk.move(ana, ticket.id, *WAY)
    told = await staff.execute("SELECT type, subject, data::text FROM ops.outbox_events ORDER BY id")
    assert [row["type"] for row in told] == [
        "ticket.opened",
        "ticket.assigned",
        "ticket.commented",
        "ticket.updated",
        "ticket.resolved",
        "ticket.closed",
    ]
    assert {row["subject"] for row in told} == {ticket.id}
    assert not any("segredo" in row["data"] for row in told)
    noted = await staff.execute("SELECT * FROM ops.audit_log ORDER BY id")
    assert [row["action"] for row in noted] == [row["type"] for row in told]
