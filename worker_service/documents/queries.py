"""The SQL of the document pipeline. All functions take part in the caller's transaction."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from core.db import Connection
from core.ids import uuid7
from core.models import EventType, IngestionOutcome, JobKind

INSERT_VERSION = """
WITH version AS (
    INSERT INTO ai.document_versions
        (document_id, number, source_sha256, text_sha256, canonical_text, outline, media_type)
    SELECT $1, 1 + coalesce(max(number), 0), $2, $3, $4, $5::text::jsonb, $6
    FROM ai.document_versions WHERE document_id = $1
    RETURNING id, number
), document AS (
    UPDATE ai.documents d SET current_version_id = version.id, title = $7,
           metadata = $8::text::jsonb, deleted_at = NULL, updated_at = now()
    FROM version WHERE d.id = $1
    RETURNING d.public_id
), told AS (
    INSERT INTO ops.outbox_events (public_id, type, subject, data)
    SELECT $9, $10, public_id, jsonb_build_object('document_id', public_id, 'version', number)
    FROM document, version
)
SELECT id FROM version
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What a job was asked to bring in, and where it will go as far as can be said without a lock.

    `blob` is None for an address, and where retention has removed the bytes. `namespace_id` and what it is
    bound to are None as long as nothing was brought in; `document_id` and `fingerprint` are those of a
    document that is searchable now.
    """

    kind: JobKind
    namespace: str
    source: str
    title: str | None
    filename: str | None
    media_type: str | None
    metadata: dict[str, Any]
    blob: bytes | None
    namespace_id: int | None
    model_id: int | None
    provider: str | None
    model: str | None
    dimensions: int | None
    document_id: int | None
    fingerprint: bytes | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A document as found under its lock: its current version, if it is searchable, and who came after us."""

    title: str
    version_id: int | None
    source_sha256: bytes | None
    later_version_id: int | None


async def get_request(connection: Connection, job_id: int) -> Request:
    """What job `job_id` asks for. The row exists as long as the job does."""
    row = await connection.fetchrow(
        """SELECT p.kind, p.namespace, p.source, p.title, p.filename, p.media_type, p.metadata,
                  b.data AS blob, d.id AS document_id, v.source_sha256 AS fingerprint,
                  n.id AS namespace_id, m.id AS model_id, m.provider, m.name AS model, m.dimensions
           FROM ai.ingestion_payload p
           LEFT JOIN ai.blobs b ON b.sha256 = p.blob_sha256
           LEFT JOIN ai.namespaces n ON n.name = p.namespace
           LEFT JOIN ai.embedding_models m ON m.id = n.embedding_model_id
           LEFT JOIN (ai.documents d JOIN ai.document_versions v ON v.id = d.current_version_id)
             ON d.namespace_id = n.id AND d.source = p.source AND d.deleted_at IS NULL
           WHERE p.id = $1""",
        job_id,
    )
    assert row is not None, "a claimed job has its payload"
    return Request(**dict(row) | {"kind": JobKind(row["kind"])})


async def ensure_namespace(connection: Connection, name: str) -> int:
    """The id of namespace `name`, made when absent.

    Looks before it inserts: a conflicting insert waits for whoever is counting chunks in that row.
    """
    find = "SELECT id FROM ai.namespaces WHERE name = $1"
    found: int | None = await connection.fetchval(find, name)
    if found is None:
        await connection.execute("INSERT INTO ai.namespaces (name) VALUES ($1) ON CONFLICT DO NOTHING", name)
        found = await connection.fetchval(find, name)
    assert found is not None, "inserted by us or by whom we waited for"
    return found


async def lock_known_document(connection: Connection, document_id: int) -> None:
    """Be the only one to change the document until the transaction ends, if it is still there."""
    await connection.execute("SELECT FROM ai.documents WHERE id = $1 FOR NO KEY UPDATE", document_id)


async def lock_document(connection: Connection, namespace_id: int, source: str, *, title: str) -> int:
    """The id of the document of `source`, made when absent, locked until the transaction ends."""
    document_id: int = await connection.fetchval(
        """INSERT INTO ai.documents AS d (public_id, namespace_id, source, title)
           VALUES ($1, $2, $3, $4)
           ON CONFLICT (namespace_id, source) DO UPDATE SET updated_at = now()
           RETURNING d.id""",
        uuid7(),
        namespace_id,
        source,
        title,
    )
    return document_id


async def find_standing(connection: Connection, document_id: int, job_id: int) -> Standing | None:
    """How things stand with a document we have locked: a statement of its own, to see what we waited for.

    `later_version_id` is the newest version, when a job accepted after `job_id` brought it in, or a person
    deleted it since.
    """
    row = await connection.fetchrow(
        """SELECT d.title, v.id AS version_id, v.source_sha256,
                  CASE WHEN d.deleted_at > p.created_at OR d.deleted_at IS NULL AND EXISTS (
                           SELECT FROM ai.ingestion_results r WHERE r.document_id = d.id AND r.job_id > p.id)
                       THEN coalesce(d.current_version_id, (
                           SELECT max(id) FROM ai.document_versions WHERE document_id = d.id))
                  END AS later_version_id
           FROM ai.documents d JOIN ai.ingestion_payload p ON p.id = $2
           LEFT JOIN ai.document_versions v ON v.id = d.current_version_id AND d.deleted_at IS NULL
           WHERE d.id = $1""",
        document_id,
        job_id,
    )
    return Standing(**row) if row else None


async def insert_version(
    connection: Connection,
    document_id: int,
    *,
    source_sha256: bytes,
    text: str,
    outline: list[Any],
    media_type: str,
    title: str,
    metadata: dict[str, Any],
) -> int:
    """The id of a new version, the document's current one from this transaction on.

    It brings title and metadata with it; a deleted document comes back. The outbox tells it.
    """
    version_id: int = await connection.fetchval(
        INSERT_VERSION,
        document_id,
        source_sha256,
        hashlib.sha256(text.encode()).digest(),
        text,
        json.dumps(outline),
        media_type,
        title,
        json.dumps(metadata),
        uuid7(),
        EventType.DOCUMENT_INDEXED,
    )
    return version_id


async def update_metadata(connection: Connection, document_id: int, metadata: dict[str, Any]) -> None:
    """Bring the metadata of an unchanged document up to date."""
    await connection.execute(
        "UPDATE ai.documents SET metadata = $2::text::jsonb, updated_at = now() WHERE id = $1",
        document_id,
        json.dumps(metadata),
    )


async def insert_result(
    connection: Connection,
    job_id: int,
    *,
    document_id: int,
    version_id: int,
    outcome: IngestionOutcome,
    chunk_count: int = 0,
    embedded_count: int = 0,
) -> None:
    """What job `job_id` left behind."""
    await connection.execute(
        """INSERT INTO ai.ingestion_results
               (job_id, document_id, version_id, outcome, chunk_count, embedded_count)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        job_id,
        document_id,
        version_id,
        outcome,
        chunk_count,
        embedded_count,
    )
