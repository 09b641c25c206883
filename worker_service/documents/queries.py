"""The SQL of the document pipeline. All functions take part in the caller's transaction."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

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
class LockedDocument:
    """A document whose row is locked until the transaction ends. `source_sha256` is the current version's."""

    id: int
    public_id: UUID
    namespace_id: int
    version_id: int | None
    version_number: int
    source_sha256: bytes | None


async def get_request(connection: Connection, job_id: int) -> Request:
    """What job `job_id` asks for. The row exists as long as the job does."""
    row = await connection.fetchrow(
        """SELECT kind, namespace, source, title, filename, media_type, metadata, blob_sha256
           FROM ai.ingestion_payload WHERE id = $1""",
        job_id,
    )
    assert row is not None, "a claimed job has its payload"
    fields = dict(row)
    return Request(**fields | {"kind": JobKind(fields["kind"]), "metadata": json.loads(fields["metadata"])})


async def find_blob(connection: Connection, sha256: bytes) -> bytes | None:
    """The bytes handed in, None when retention has removed them."""
    data: bytes | None = await connection.fetchval("SELECT data FROM ai.blobs WHERE sha256 = $1", sha256)
    return data


async def ensure_namespace(connection: Connection, name: str) -> int:
    """The id of namespace `name`, made when absent."""
    await connection.execute("INSERT INTO ai.namespaces (name) VALUES ($1) ON CONFLICT DO NOTHING", name)
    found: int = await connection.fetchval("SELECT id FROM ai.namespaces WHERE name = $1", name)
    return found


async def lock_document(
    connection: Connection, *, namespace_id: int, source: str, title: str, metadata: dict[str, Any]
) -> LockedDocument:
    """The document of `source`, made when absent, with its title and metadata brought up to date."""
    row = await connection.fetchrow(
        """INSERT INTO ai.documents AS d (public_id, namespace_id, source, title, metadata)
           VALUES ($1, $2, $3, $4, $5::text::jsonb)
           ON CONFLICT (namespace_id, source) DO UPDATE
               SET title = excluded.title, metadata = excluded.metadata, deleted_at = NULL, updated_at = now()
           RETURNING d.id, d.public_id, d.current_version_id""",
        uuid7(),
        namespace_id,
        source,
        title,
        json.dumps(metadata),
    )
    assert row is not None, "an upsert always returns its row"
    version = await connection.fetchrow(
        "SELECT number, source_sha256 FROM ai.document_versions WHERE id = $1", row["current_version_id"]
    )
    return LockedDocument(
        id=row["id"],
        public_id=row["public_id"],
        namespace_id=namespace_id,
        version_id=row["current_version_id"],
        version_number=version["number"] if version else 0,
        source_sha256=version["source_sha256"] if version else None,
    )


async def is_superseded(connection: Connection, document_id: int, job_id: int) -> bool:
    """Whether a job accepted later has already brought in this document."""
    newer: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM ai.ingestion_results WHERE document_id = $1 AND job_id > $2)",
        document_id,
        job_id,
    )
    return newer


async def insert_version(
    connection: Connection,
    document: LockedDocument,
    *,
    source_sha256: bytes,
    text_sha256: bytes,
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
        document.id,
        source_sha256,
        text_sha256,
        text,
        json.dumps(outline),
        media_type,
    )
    await connection.execute(
        "UPDATE ai.documents SET current_version_id = $2 WHERE id = $1", document.id, version_id
    )
    return version_id


async def insert_result(
    connection: Connection,
    *,
    job_id: int,
    document: LockedDocument,
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
        document.id,
        version_id,
        outcome,
        chunk_count,
        embedded_count,
    )
