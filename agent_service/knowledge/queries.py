"""The SQL of documents. A deleted document is gone from every list, while old citations still resolve."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

Found = dict[str, Any]
"""A row by its column names."""

_PAGE = text(
    """
    SELECT d.id AS key, d.public_id AS id, n.name AS namespace, d.title, d.source, d.metadata,
           v.number AS version, d.created_at, d.updated_at
    FROM ai.documents d
    JOIN ai.namespaces n ON n.id = d.namespace_id
    LEFT JOIN ai.document_versions v ON v.id = d.current_version_id
    WHERE d.deleted_at IS NULL
      AND (CAST(:namespace AS text) IS NULL OR n.name = :namespace)
      AND (CAST(:pattern AS text) IS NULL OR d.title ILIKE :pattern)
      AND (CAST(:before AS bigint) IS NULL OR d.id < :before)
    ORDER BY d.id DESC LIMIT :limit
    """
)
_ONE = text(
    """
    SELECT d.public_id AS id, n.name AS namespace, d.title, d.source, d.metadata, v.number AS version,
           d.created_at, d.updated_at, v.media_type, length(v.canonical_text) AS length,
           coalesce(v.outline, '[]') AS outline,
           (SELECT count(*) FROM ai.chunks c WHERE c.document_id = d.id) AS chunks
    FROM ai.documents d
    JOIN ai.namespaces n ON n.id = d.namespace_id
    LEFT JOIN ai.document_versions v ON v.id = d.current_version_id
    WHERE d.deleted_at IS NULL AND d.public_id = :id
    """
)
_VERSIONS = text(
    """
    SELECT v.number AS version, v.id = d.current_version_id AS current, v.media_type,
           length(v.canonical_text) AS length, encode(v.text_sha256, 'hex') AS text_sha256, v.created_at
    FROM ai.documents d JOIN ai.document_versions v ON v.document_id = d.id
    WHERE d.public_id = :id AND d.deleted_at IS NULL ORDER BY v.number DESC
    """
)
_TEXT = text(
    """
    SELECT d.public_id AS document_id, v.number AS version, v.canonical_text AS text
    FROM ai.documents d JOIN ai.document_versions v ON v.document_id = d.id
    WHERE d.public_id = :id AND d.deleted_at IS NULL
      AND CASE WHEN CAST(:version AS integer) IS NULL THEN v.id = d.current_version_id
               ELSE v.number = :version END
    """
)
_NAMESPACES = text(
    """
    SELECT n.name, n.chunk_count AS chunks, m.name AS embedding_model, n.created_at,
           (SELECT count(*) FROM ai.documents d
            WHERE d.namespace_id = n.id AND d.deleted_at IS NULL) AS documents
    FROM ai.namespaces n LEFT JOIN ai.embedding_models m ON m.id = n.embedding_model_id
    ORDER BY n.name
    """
)
_LOCK = text(
    "SELECT id AS key, namespace_id FROM ai.documents WHERE public_id = :id AND deleted_at IS NULL FOR UPDATE"
)
_MARK_DELETED = text(
    "UPDATE ai.documents SET deleted_at = now(), updated_at = now(), current_version_id = NULL"
    " WHERE id = :key"
)


async def list_documents(
    session: AsyncSession, *, namespace: str | None, title: str | None, before: int | None, limit: int
) -> list[Found]:
    """Documents, newest first, before the key `before`."""
    parameters = {"namespace": namespace, "pattern": _pattern(title), "before": before, "limit": limit}
    return [dict(row) for row in (await session.execute(_PAGE, parameters)).mappings()]


async def find_document(session: AsyncSession, document_id: UUID) -> Found | None:
    """The document with its current version."""
    row = (await session.execute(_ONE, {"id": document_id})).mappings().one_or_none()
    return None if row is None else dict(row)


async def list_versions(session: AsyncSession, document_id: UUID) -> list[Found]:
    """The versions of a document, newest first; none when there is no such document."""
    return [dict(row) for row in (await session.execute(_VERSIONS, {"id": document_id})).mappings()]


async def find_text(session: AsyncSession, document_id: UUID, version: int | None) -> Found | None:
    """The canonical text of a version, the current one by default."""
    row = (await session.execute(_TEXT, {"id": document_id, "version": version})).mappings().one_or_none()
    return None if row is None else dict(row)


async def list_namespaces(session: AsyncSession) -> list[Found]:
    """All namespaces, by name."""
    return [dict(row) for row in (await session.execute(_NAMESPACES)).mappings()]


async def lock_document(session: AsyncSession, document_id: UUID) -> Found | None:
    """The key and namespace of a document, locked until the end of the transaction."""
    row = (await session.execute(_LOCK, {"id": document_id})).mappings().one_or_none()
    return None if row is None else dict(row)


async def mark_deleted(session: AsyncSession, key: int) -> None:
    """Out of every list, and without a current version."""
    await session.execute(_MARK_DELETED, {"key": key})


def _pattern(words: str | None) -> str | None:
    """A LIKE pattern in which the words stand for themselves."""
    if words is None:
        return None
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
