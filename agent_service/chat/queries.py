"""The SQL of questions and answers. A quote is cut from the stored text on each read: it cannot drift."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.assistant.answer import Answered
from core.db import Connection

Found = dict[str, Any]
"""A row by its column names."""

_FIND = text(
    """
    SELECT id AS key, public_id AS id, question, namespace, answer, abstained, model, coverage, error,
           finished_at IS NOT NULL AS finished, created_at
    FROM ai.answers WHERE public_id = :id AND principal_id = :owner
    """
)
_CITATIONS = text(
    """
    SELECT c.number, d.public_id AS document_id, d.title AS document_title, d.source, k.header,
           v.number AS version, c.start_offset AS start, c.end_offset AS end,
           substr(v.canonical_text, (c.start_offset + 1)::integer, (c.end_offset - c.start_offset)::integer)
               AS quote
    FROM ai.answer_citations c
    JOIN ai.document_versions v ON v.id = c.version_id
    JOIN ai.documents d ON d.id = v.document_id
    LEFT JOIN LATERAL (
        SELECT header FROM ai.chunks
        WHERE version_id = c.version_id AND start_offset <= c.start_offset AND end_offset >= c.end_offset
        LIMIT 1
    ) k ON true
    WHERE c.answer_id = :key ORDER BY c.number
    """
)
_ASK = """
INSERT INTO ai.answers (public_id, principal_id, namespace, question) VALUES ($1, $2, $3, $4) RETURNING id
"""
_FINISH = """
WITH finished AS (
    UPDATE ai.answers SET answer = $2, abstained = $3, coverage = $4, model = $5, error = $6,
                          finished_at = now()
    WHERE id = $1 RETURNING id
)
INSERT INTO ai.answer_citations (answer_id, number, version_id, start_offset, end_offset)
SELECT finished.id, c.number, c.version_id, c.start_offset, c.end_offset
FROM finished, unnest($7::smallint[], $8::bigint[], $9::bigint[], $10::bigint[])
               AS c (number, version_id, start_offset, end_offset)
JOIN ai.document_versions v ON v.id = c.version_id
"""
_FAIL = "UPDATE ai.answers SET error = $2, finished_at = now() WHERE id = $1"


async def insert_question(
    connection: Connection, *, public_id: UUID, principal_id: int, namespace: str, question: str
) -> int:
    """The key of the new row."""
    key: int = await connection.fetchval(_ASK, public_id, principal_id, namespace, question)
    return key


async def store_answer(connection: Connection, key: int, answered: Answered, coverage: float) -> None:
    """The answer and its citations, together; those of a document erased meanwhile are left out."""
    citations = answered.citations
    await connection.execute(
        _FINISH,
        key,
        answered.text,
        answered.abstained,
        coverage,
        answered.model,
        answered.notice,
        [citation.number for citation in citations],
        [citation.passage.version_id for citation in citations],
        [citation.start for citation in citations],
        [citation.end for citation in citations],
    )


async def store_failure(connection: Connection, key: int, code: str) -> None:
    """There will be no answer."""
    await connection.execute(_FAIL, key, code)


async def find_answer(session: AsyncSession, public_id: UUID, owner: int) -> Found | None:
    """The owner's question, answered or not."""
    row = (await session.execute(_FIND, {"id": public_id, "owner": owner})).mappings().one_or_none()
    return None if row is None else dict(row)


async def list_citations(session: AsyncSession, key: int) -> list[Found]:
    """The citations of an answer, by number."""
    return [dict(row) for row in (await session.execute(_CITATIONS, {"key": key})).mappings()]
