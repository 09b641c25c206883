"""What is said about a ticket, and how it came to be what it is: both only grow."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from agent_service.tickets import queries
from agent_service.tickets.schemas import ChangeOut, CommentIn, CommentOut
from agent_service.tickets.service import hold, owner_of
from agent_service.tickets.showing import change, comment
from core import tickets
from core.access import Principal
from core.db import Database, driver_connection
from core.errors import NotFound
from core.vault import Vault
from core.web.pagination import Page, PageQuery, page_of


async def add_comment(
    database: Database, vault: Vault, caller: Principal, ticket_id: UUID, asked: CommentIn
) -> CommentOut:
    """Say something about the ticket. Raises NotFound or TicketClosed."""
    async with database.transaction() as session:
        connection = await driver_connection(session)
        held = await hold(connection, caller, ticket_id)
        await tickets.comment(
            connection, vault, held, body=asked.body, visibility=asked.visibility, author=caller.id
        )
        rows = await queries.list_comments(session, held.ticket.id, before=None, limit=1)
    return comment(vault, rows[0])


async def list_comments(
    database: Database, vault: Vault, caller: Principal, ticket_id: UUID, query: PageQuery
) -> Page[CommentOut]:
    """A page of comments, newest first. Raises NotFound or BadCursor."""
    async with database.transaction() as session:
        key = await _key(session, caller, ticket_id)
        rows = await queries.list_comments(session, key, before=query.before, limit=query.limit + 1)
    return page_of(rows, query.limit, lambda row: comment(vault, row))


async def list_history(
    database: Database, vault: Vault, caller: Principal, ticket_id: UUID, query: PageQuery
) -> Page[ChangeOut]:
    """A page of the ticket's changes, newest first. Raises NotFound or BadCursor."""
    async with database.transaction() as session:
        key = await _key(session, caller, ticket_id)
        rows = await queries.list_history(session, key, before=query.before, limit=query.limit + 1)
    return page_of(rows, query.limit, lambda row: change(vault, row))


async def _key(session: AsyncSession, caller: Principal, ticket_id: UUID) -> int:
    row = await queries.find_ticket(session, ticket_id, owner_of(caller))
    if row is None:
        raise NotFound("there is no such ticket")
    key: int = row["key"]
    return key
