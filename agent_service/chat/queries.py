"""The SQL of questions and answers. A quote is cut from the stored text on each read: it cannot drift."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.assistant.answer import Answered
from core.models import Answer

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
_FINISH = text(
    """
    UPDATE ai.answers SET answer = :answer, abstained = :abstained, coverage = :coverage, model = :model,
                          error = :notice, finished_at = now()
    WHERE id = :key
    """
)
_CITE = text(
    """
    INSERT INTO ai.answer_citations (answer_id, number, version_id, start_offset, end_offset)
    SELECT :key, c.number, c.version_id, c.start_offset, c.end_offset
    FROM unnest(CAST(:numbers AS smallint[]), CAST(:versions AS bigint[]), CAST(:starts AS bigint[]),
                CAST(:ends AS bigint[])) AS c (number, version_id, start_offset, end_offset)
    JOIN ai.document_versions v ON v.id = c.version_id
    """
)
_FAIL = text("UPDATE ai.answers SET error = :code, finished_at = now() WHERE id = :key")


async def insert_question(
    session: AsyncSession, *, public_id: UUID, principal_id: int, namespace: str, question: str
) -> int:
    """The key of the new row."""
    answer = Answer(public_id=public_id, principal_id=principal_id, namespace=namespace, question=question)
    session.add(answer)
    await session.flush()
    return answer.id


async def store_answer(session: AsyncSession, key: int, answered: Answered, coverage: float) -> None:
    """The answer and its citations; those of a document erased meanwhile are left out."""
    await session.execute(
        _FINISH,
        {
            "key": key,
            "answer": answered.text,
            "abstained": answered.abstained,
            "coverage": coverage,
            "model": answered.model,
            "notice": answered.notice,
        },
    )
    citations = answered.citations
    await session.execute(
        _CITE,
        {
            "key": key,
            "numbers": [citation.number for citation in citations],
            "versions": [citation.passage.version_id for citation in citations],
            "starts": [citation.start for citation in citations],
            "ends": [citation.end for citation in citations],
        },
    )


async def store_failure(session: AsyncSession, key: int, code: str) -> None:
    """There will be no answer."""
    await session.execute(_FAIL, {"key": key, "code": code})


async def find_answer(session: AsyncSession, public_id: UUID, owner: int) -> Found | None:
    """The owner's question, answered or not."""
    row = (await session.execute(_FIND, {"id": public_id, "owner": owner})).mappings().one_or_none()
    return None if row is None else dict(row)


async def list_citations(session: AsyncSession, key: int) -> list[Found]:
    """The citations of an answer, by number."""
    return [dict(row) for row in (await session.execute(_CITATIONS, {"key": key})).mappings()]
