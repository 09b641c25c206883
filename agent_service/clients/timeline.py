"""What happened with a client, of all kinds in one order."""

from uuid import UUID

from agent_service.clients import queries
from agent_service.clients.schemas import MomentOut
from core.access import Permission, Principal
from core.db import Database
from core.errors import NotFound
from core.web.pagination import Page, PageQuery, decode_cursor, page_of


async def list_moments(
    database: Database, caller: Principal, client_id: UUID, query: PageQuery
) -> Page[MomentOut]:
    """A page of it, newest first; of tickets, those the caller may see. Raises NotFound or BadCursor."""
    after = None if query.cursor is None else decode_cursor(query.cursor, int, str, int)
    owner = caller.limited_to(Permission.TICKETS_ALL)
    async with database.transaction() as session:
        row = await queries.find_client(session, client_id)
        if row is None:
            raise NotFound("there is no such client")
        rows = await queries.list_moments(session, row["key"], owner, after=after, limit=query.limit + 1)
    return page_of(rows, query.limit, lambda found: MomentOut(**found), key=("micros", "kind", "key"))
