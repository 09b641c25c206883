"""Read conversations: agents their own and those that are nobody's, leads all of them."""

from typing import Any
from uuid import UUID

from agent_service.conversations import queries, showing
from agent_service.conversations.schemas import ConversationOut, ConversationQuery, MessageOut, MessageQuery
from core.access import Permission, Principal
from core.audit import record_read
from core.db import Database, driver_connection
from core.errors import NotFound
from core.vault import Vault
from core.web.pagination import Page, decode_cursor, page_of


async def get_conversation(database: Database, caller: Principal, conversation: UUID) -> ConversationOut:
    """The conversation. Raises NotFound."""
    async with database.transaction() as session:
        return showing.conversation(await find(session, conversation, owner_of(caller)))


async def list_conversations(
    database: Database, caller: Principal, query: ConversationQuery
) -> Page[ConversationOut]:
    """A page of what the caller may see, the latest first. Raises BadCursor."""
    filters = _filters(caller, query)
    async with database.transaction() as session:
        rows = await queries.list_conversations(session, owner_of(caller), filters, limit=query.limit + 1)
    return page_of(rows, query.limit, showing.conversation, key=("at", "key"))


async def list_messages(
    database: Database, vault: Vault, caller: Principal, conversation: UUID, query: MessageQuery
) -> Page[MessageOut]:
    """A page of the thread, newest first; that it was read is noted. Raises NotFound or BadCursor."""
    before = query.before
    async with database.transaction() as session:
        row = await find(session, conversation, owner_of(caller))
        rows = await queries.list_messages(
            session, row["key"], before=before, after=query.after, limit=query.limit + 1
        )
        connection = await driver_connection(session)
        subject = f"conversation/{conversation}"
        await record_read(connection, principal=caller.id, subject=subject, what="conversation")
    return page_of(rows, query.limit, lambda found: showing.message(vault, found), key=("seq",))


async def find(session: Any, conversation: UUID, owner: int | None) -> queries.Found:
    """The row. Raises NotFound where there is none for this owner."""
    row = await queries.find_conversation(session, conversation, owner)
    if row is None:
        raise NotFound("there is no such conversation")
    return row


def owner_of(caller: Principal) -> int | None:
    """Whose conversations the caller may see; None for all."""
    return caller.limited_to(Permission.CONVERSATIONS_ALL)


def _filters(caller: Principal, query: ConversationQuery) -> queries.Found:
    filters = query.model_dump(exclude_none=True, exclude={"limit", "cursor", "assignee"})
    match query.assignee:
        case None:
            pass
        case "me":
            filters["me"] = caller.id
        case "none":
            filters["nobody"] = True
        case somebody:
            filters["somebody"] = somebody
    if query.cursor is not None:
        filters["at"], filters["before"] = decode_cursor(query.cursor, int, int)
    return filters
