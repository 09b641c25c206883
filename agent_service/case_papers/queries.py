"""The SQL of notes and files of cases."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from agent_service.cases.queries import FREE, WHO, Found

COMMENT = f"""
SELECT id AS key, public_id AS id, body_sealed, created_at, {WHO.format("author_id")} AS author
FROM crm.case_comments
"""  # noqa: S608 - our own words
ATTACHMENT = f"""
SELECT a.id AS key, a.public_id AS id, a.name_sealed, a.media_type, a.size, a.created_at,
       {WHO.format("a.author_id")} AS author
FROM crm.case_attachments a
"""  # noqa: S608 - our own words
OF_CASE = " WHERE case_id = :case AND (CAST(:before AS bigint) IS NULL OR id < :before)"
PAGE = f"{OF_CASE} ORDER BY id DESC LIMIT :limit"
COMMENTS = text(COMMENT + PAGE)
ATTACHMENTS = text(ATTACHMENT + PAGE)
INSERT_COMMENT = text(
    "INSERT INTO crm.case_comments (public_id, case_id, body_sealed, author_id)"
    " VALUES (:id, :case, :body, :author)"
)
# One at a time for each case: their number is bounded.
HOLD = text("SELECT FROM crm.cases WHERE id = :case FOR NO KEY UPDATE")
COUNT = text("SELECT count(*) FROM crm.case_attachments WHERE case_id = :case")
INSERT_ATTACHMENT = text(
    "INSERT INTO crm.case_attachments"
    " (public_id, case_id, name_sealed, media_type, size, content_sealed, author_id)"
    " VALUES (:id, :case, :name, :media_type, :size, :content, :author)"
)
CONTENT = text(
    f"""
    SELECT a.public_id AS id, a.name_sealed, a.media_type, a.content_sealed, c.public_id AS case
    FROM crm.case_attachments a JOIN crm.cases c ON c.id = a.case_id
    WHERE a.public_id = :id AND (CAST(:owner AS bigint) IS NULL OR {FREE} OR c.owner_id = :owner)
    """  # noqa: S608 - our own words
)


async def list_comments(
    session: AsyncSession, case: int, *, before: int | None, limit: int
) -> Sequence[Found]:
    """What was said about a case, newest first."""
    values = {"case": case, "before": before, "limit": limit}
    return [dict(row) for row in (await session.execute(COMMENTS, values)).mappings()]


async def list_attachments(
    session: AsyncSession, case: int, *, before: int | None, limit: int
) -> Sequence[Found]:
    """Files of a case, newest first, without their bytes."""
    values = {"case": case, "before": before, "limit": limit}
    return [dict(row) for row in (await session.execute(ATTACHMENTS, values)).mappings()]


async def insert_comment(session: AsyncSession, comment: UUID, case: int, body: bytes, author: int) -> None:
    """Store a comment."""
    await session.execute(INSERT_COMMENT, {"id": comment, "case": case, "body": body, "author": author})


async def count_attachments(session: AsyncSession, case: int) -> int:
    """How many files the case has; until the transaction ends nobody makes it more."""
    await session.execute(HOLD, {"case": case})
    return await session.scalar(COUNT, {"case": case}) or 0


async def insert_attachment(session: AsyncSession, attachment: UUID, case: int, **columns: Any) -> None:
    """Store a file."""
    await session.execute(INSERT_ATTACHMENT, {"id": attachment, "case": case, **columns})


async def find_content(session: AsyncSession, attachment: UUID, owner: int | None) -> Found | None:
    """A file with its bytes, if its case is the owner's or nobody's; any when `owner` is None."""
    row = (await session.execute(CONTENT, {"id": attachment, "owner": owner})).mappings().one_or_none()
    return None if row is None else dict(row)
