"""Read notices and publish them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from agent_service.privacy import queries
from agent_service.privacy.schemas import NoticeIn, NoticeOut, NoticeQuery
from core import audit, consents
from core.access import Principal
from core.db import Connection, Database
from core.errors import NotFound
from core.web.pagination import Page, page_of


async def list_notices(database: Database, query: NoticeQuery) -> Page[NoticeOut]:
    """A page of notices, newest first. Raises BadCursor."""
    async with database.connection() as connection:
        rows = await queries.list_notices(
            connection, query.purpose, current=query.current, before=query.before, limit=query.limit + 1
        )
    return page_of(rows, query.limit, shown)


async def get_notice(database: Database, notice_id: UUID) -> NoticeOut:
    """The notice. Raises NotFound."""
    async with database.connection() as connection:
        return await get_notice_in(connection, notice_id)


async def get_notice_in(connection: Connection, notice_id: UUID) -> NoticeOut:
    """The notice, in the caller's transaction. Raises NotFound."""
    row = await queries.find_notice(connection, notice_id)
    if row is None:
        raise NotFound("there is no such notice")
    return shown(row)


async def publish_notice(database: Database, caller: Principal, asked: NoticeIn) -> NoticeOut:
    """The next version of the purpose's notice: people are shown this one from now on."""
    async with database.connection() as connection, connection.transaction():
        made = await consents.publish(connection, **asked.model_dump(), actor=caller.id)
        await audit.record(
            connection,
            actor=caller.id,
            action="notice.published",
            subject=f"notice/{made.public_id}",
            data={"purpose": made.purpose, "version": made.version, "sha256": made.sha256.hex()},
        )
    return NoticeOut(
        id=made.public_id,
        purpose=made.purpose,
        version=made.version,
        language=made.language,
        body=made.body,
        sha256=made.sha256.hex(),
        asks_again=made.asks_again,
        is_current=True,
        published_at=made.published_at,
    )


def shown(row: Mapping[str, Any]) -> NoticeOut:
    """A row of `queries`."""
    return NoticeOut.model_validate(row)
