"""Open a ticket for somebody who asked: what the request refers to has to be theirs."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from agent_service.tickets import queries
from agent_service.tickets.schemas import TicketDetail, TicketIn
from agent_service.tickets.service import owner_of, shown
from core import tickets
from core.access import Principal
from core.contacts.errors import ClientMerged
from core.db import Database, driver_connection
from core.errors import Invalid
from core.models import ClientStatus
from core.vault import Vault


class UnknownReference(Invalid):
    """The request refers to something that is not there, or not this client's."""

    code = "unknown_reference"


async def open_ticket(database: Database, vault: Vault, caller: Principal, asked: TicketIn) -> TicketDetail:
    """A new ticket; the one there is when its event opened one, if the caller may see it.

    Raises UnknownReference, ClientMerged or NotFound.
    """
    async with database.transaction() as session:
        connection = await driver_connection(session)
        client = await _client(session, asked.client_id)
        opened = await tickets.open_ticket(
            connection,
            vault,
            client=client,
            subject=asked.subject,
            description=asked.description,
            channel=asked.channel,
            event=await _event(session, asked),
            actor=caller.id,
            priority=asked.priority,
            follow_up_of=await _earlier(session, caller, asked),
        )
        return await shown(session, vault, None if opened.is_new else owner_of(caller), opened.public_id)


async def _client(session: AsyncSession, client_id: UUID) -> int:
    row = await queries.hold_client(session, client_id)
    if row is None:
        raise UnknownReference("there is no such client", pointer="/client_id")
    if row["status"] != ClientStatus.ACTIVE:
        raise ClientMerged("this client is part of another one")
    key: int = row["id"]
    return key


async def _event(session: AsyncSession, asked: TicketIn) -> int | None:
    if asked.event_id is None:
        return None
    event = await queries.find_event(session, asked.event_id, asked.client_id)
    if event is None:
        raise UnknownReference("this client sent no such message", pointer="/event_id")
    return event


async def _earlier(session: AsyncSession, caller: Principal, asked: TicketIn) -> int | None:
    if asked.follow_up_of is None:
        return None
    row = await queries.find_ticket(session, asked.follow_up_of, owner_of(caller))
    if row is None or row["client_id"] != asked.client_id:
        raise UnknownReference("this client has no such ticket", pointer="/follow_up_of")
    key: int = row["key"]
    return key
