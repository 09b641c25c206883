from datetime import UTC, datetime, timedelta
from itertools import product

import asyncpg
import pytest

from core.db import Database
from core.models import Ticket, TicketStatus
from core.models.tickets import TransitionRefused
from core.vault import Vault
from tests.core.tickets.people import Person, opened

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
GRACE = timedelta(days=7)
WAY = (TicketStatus.OPEN, TicketStatus.IN_PROGRESS, TicketStatus.RESOLVED, TicketStatus.CLOSED)
PAIRS = [pair for pair in product(TicketStatus, repeat=2) if pair[0] is not pair[1]]


def at(status: TicketStatus) -> Ticket:
    ticket = Ticket(status=TicketStatus.OPEN, resolution_due_at=NOW + timedelta(hours=1))
    for step in WAY[1 : WAY.index(status) + 1]:
        ticket.transition(step, now=NOW, grace=GRACE)
    return ticket


def test_the_way_of_a_ticket() -> None:
    ticket = at(TicketStatus.CLOSED)
    assert (ticket.resolved_at, ticket.closes_at, ticket.closed_at) == (NOW, NOW + GRACE, NOW)
    assert ticket.first_responded_at == NOW


@pytest.mark.parametrize(("start", "to"), [(start, to) for start in WAY for to in WAY])
def test_only_the_table_s_transitions_are_made(start: TicketStatus, to: TicketStatus) -> None:
    ticket = at(start)
    if to in Ticket.TRANSITIONS[start]:
        ticket.transition(to, now=NOW, grace=GRACE)
        assert ticket.status is to
    else:
        with pytest.raises(TransitionRefused):
            ticket.transition(to, now=NOW, grace=GRACE)
        assert ticket.status is start


def test_the_resolution_clock_stands_still_while_resolved() -> None:
    ticket = at(TicketStatus.RESOLVED)
    ticket.transition(TicketStatus.IN_PROGRESS, now=NOW + timedelta(days=2), grace=GRACE)
    assert ticket.resolution_due_at == NOW + timedelta(days=2, hours=1)
    assert (ticket.resolved_at, ticket.closes_at) == (None, None)


def test_what_was_resolved_too_long_ago_is_not_taken_up_again() -> None:
    ticket = at(TicketStatus.RESOLVED)
    with pytest.raises(TransitionRefused):
        ticket.transition(TicketStatus.IN_PROGRESS, now=NOW + GRACE, grace=GRACE)
    ticket.transition(TicketStatus.CLOSED, now=NOW + GRACE, grace=GRACE)


# The states a ticket is put into, and the times its constraints demand there.
PUT = """
UPDATE crm.tickets SET status = $2::text::crm.ticket_status, version = version + 1,
    resolved_at = CASE WHEN $2 IN ('RESOLVED', 'CLOSED') THEN now() END,
    closes_at = CASE WHEN $2 IN ('RESOLVED', 'CLOSED') THEN now() + interval '1 day' END,
    closed_at = CASE WHEN $2 = 'CLOSED' THEN now() END
WHERE id = $1"""

BORN_ELSEWHERE = """
INSERT INTO crm.tickets (public_id, client_id, subject_sealed, description_sealed, priority, status,
                         first_response_due_at, resolution_due_at)
SELECT gen_random_uuid(), client_id, '', '', 'low', 'IN_PROGRESS', now(), now()
FROM crm.tickets WHERE id = $1"""


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0]}-{pair[1]}")
async def test_the_database_has_the_same_table(
    database: Database, vault: Vault, person: Person, pair: tuple[TicketStatus, TicketStatus]
) -> None:
    start, to = pair
    async with database.connection() as connection:
        ticket = await opened(connection, vault, person.client)
        for step in WAY[1 : WAY.index(start) + 1]:
            await connection.execute(PUT, ticket.id, step.value)
        if to in Ticket.TRANSITIONS[start]:
            await connection.execute(PUT, ticket.id, to.value)
        else:
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(PUT, ticket.id, to.value)


async def test_the_database_refuses_a_late_return_a_start_elsewhere_and_a_state_without_a_version(
    database: Database, vault: Vault, person: Person
) -> None:
    async with database.connection() as connection:
        ticket = await opened(connection, vault, person.client)
        for refused in (
            "UPDATE crm.tickets SET status = 'IN_PROGRESS' WHERE id = $1",
            BORN_ELSEWHERE,
        ):
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(refused, ticket.id)
        for step in WAY[1:3]:
            await connection.execute(PUT, ticket.id, step.value)
        await connection.execute("UPDATE crm.tickets SET closes_at = now() WHERE id = $1", ticket.id)
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(PUT, ticket.id, "IN_PROGRESS")


async def test_history_is_only_ever_added_to_but_its_reason_can_be_erased(
    database: Database, vault: Vault, person: Person
) -> None:
    async with database.connection() as connection:
        await opened(connection, vault, person.client)
        for refused in (
            "UPDATE crm.ticket_history SET to_value = 'CLOSED'",
            "UPDATE crm.ticket_history SET reason_sealed = 'x'",
            "DELETE FROM crm.ticket_history",
        ):
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(refused)
        await connection.execute("UPDATE crm.ticket_history SET reason_sealed = NULL")
