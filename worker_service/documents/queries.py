"""The SQL of the document pipeline. All functions take part in the caller's transaction."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from core.db import Connection
from core.ids import uuid7
from core.models import IngestionOutcome, JobKind


@dataclass(frozen=True, slots=True)
class Request:
    """What a job was asked to bring in."""

    kind: JobKind
    namespace: str
    source: str
    title: str | None
    filename: str | None
    media_type: str | None
    metadata: dict[str, Any]
    blob_sha256: bytes | None


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A document that is searchable now, and the fingerprint of the bytes it was read from."""

    id: int
    version_id: int
    title: str
    source_sha256: bytes


async def get_request(connection: Connection, job_id: int) -> Request:
    """What job `job_id` asks for. The row exists as long as the job does."""
    row = await connection.fetchrow(
        """SELECT kind, namespace, source, title, filename, media_type, metadata, blob_sha256
           FROM ai.ingestion_payload WHERE id = $1""",
        job_id,
    )
    assert row is not None, "a claimed job has its payload"
    return Request(**dict(row) | {"kind": JobKind(row["kind"])})


async def find_blob(connection: Connection, sha256: bytes) -> bytes | None:
    """The bytes handed in, None when retention has removed them."""
    data: bytes | None = await connection.fetchval("SELECT data FROM ai.blobs WHERE sha256 = $1", sha256)
    return data


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


async def find_document(connection: Connection, namespace: str, source: str) -> KnownDocument | None:
    """The document of `source` with its current version; None when there is none, or it was deleted."""
    row = await connection.fetchrow(
        """SELECT d.id, v.id AS version_id, d.title, v.source_sha256
           FROM ai.namespaces n
           JOIN ai.documents d ON d.namespace_id = n.id AND d.source = $2 AND d.deleted_at IS NULL
           JOIN ai.document_versions v ON v.id = d.current_version_id
           WHERE n.name = $1""",
        namespace,
        source,
    )
    return KnownDocument(**row) if row else None


async def lock_known_document(connection: Connection, namespace: str, source: str) -> None:
    """Be the only one to change the document of `source` until the transaction ends, if there is one."""
    await connection.execute(
        """SELECT FROM ai.documents d JOIN ai.namespaces n ON n.id = d.namespace_id
           WHERE n.name = $1 AND d.source = $2 FOR NO KEY UPDATE OF d""",
        namespace,
        source,
    )


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


async def describe_document(
    connection: Connection, document_id: int, *, title: str, metadata: dict[str, Any]
) -> None:
    """Bring title and metadata up to date; a deleted document comes back."""
    await connection.execute(
        """UPDATE ai.documents
           SET title = $2, metadata = $3::text::jsonb, deleted_at = NULL, updated_at = now()
           WHERE id = $1""",
        document_id,
        title,
        json.dumps(metadata),
    )


async def find_later_version(connection: Connection, document_id: int, job_id: int) -> int | None:
    """The newest version, when a job accepted after `job_id` brought it in, or a person deleted it since."""
    version_id: int | None = await connection.fetchval(
        """SELECT coalesce(d.current_version_id,
                           (SELECT max(id) FROM ai.document_versions WHERE document_id = d.id))
           FROM ai.documents d JOIN ai.ingestion_payload p ON p.id = $2
           WHERE d.id = $1 AND (d.deleted_at > p.created_at OR d.deleted_at IS NULL AND EXISTS (
               SELECT FROM ai.ingestion_results r WHERE r.document_id = d.id AND r.job_id > p.id))""",
        document_id,
        job_id,
    )
    return version_id


async def insert_version(
    connection: Connection,
    document_id: int,
    *,
    source_sha256: bytes,
    text: str,
    outline: list[Any],
    media_type: str,
) -> int:
    """The id of a new version, the document's current one from this transaction on."""
    version_id: int = await connection.fetchval(
        """INSERT INTO ai.document_versions
               (document_id, number, source_sha256, text_sha256, canonical_text, outline, media_type)
           VALUES ($1, 1 + coalesce((SELECT max(number) FROM ai.document_versions WHERE document_id = $1), 0),
                   $2, $3, $4, $5::text::jsonb, $6)
           RETURNING id""",
        document_id,
        source_sha256,
        hashlib.sha256(text.encode()).digest(),
        text,
        json.dumps(outline),
        media_type,
    )
    await connection.execute(
        "UPDATE ai.documents SET current_version_id = $2 WHERE id = $1", document_id, version_id
    )
    return version_id


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
