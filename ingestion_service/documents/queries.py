"""The SQL of the door. Accepting a document costs a handful of prepared statements, whatever the batch."""

import json
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from asyncpg import Record
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import driver_connection
from core.queue import steering
from core.queue.jobs import CancelOutcome, NewJob
from core.queue.table import INGESTION
from ingestion_service.documents.submission import Submission

Found = dict[str, Any]
"""A row by its column names."""

JOB = """
SELECT p.id AS key, p.public_id AS id, p.kind, p.namespace, p.source, p.title, q.status, q.stage, q.progress,
       q.priority, q.attempt, q.max_attempts, q.run_at, p.created_at, q.claimed_at AS started_at,
       q.finished_at, a.code AS error_code, a.detail AS error_detail, d.public_id AS document_id, r.outcome
FROM ai.ingestion_payload p
JOIN ai.ingestion_queue q USING (id)
LEFT JOIN ai.ingestion_results r ON r.job_id = p.id
LEFT JOIN ai.documents d ON d.id = r.document_id
LEFT JOIN LATERAL (
    SELECT code, detail FROM ai.ingestion_attempts
    WHERE job_id = p.id AND (q.status = 'FAILED' OR q.status <> 'COMPLETED' AND q.attempt > 0)
    ORDER BY id DESC LIMIT 1
) a ON true
"""
OWNED = "(CAST(:owner AS bigint) IS NULL OR p.principal_id = :owner)"

# What came last wins: a job that something later overtakes (other content of the same source, or the deletion
# of the document) no longer answers for its content. It gives its key up, so that the newcomer may have it.
FIND_REPEATS = """
WITH same AS (
    SELECT q.id, p.public_id, q.dedupe_key,
           EXISTS (SELECT FROM ai.ingestion_payload later
                   WHERE later.namespace = p.namespace AND later.id > p.id AND later.source = p.source)
           OR EXISTS (SELECT FROM ai.documents d JOIN ai.namespaces n ON n.id = d.namespace_id
                      WHERE n.name = p.namespace AND d.source = p.source AND d.deleted_at > p.created_at)
           AS overtaken
    FROM ai.ingestion_queue q JOIN ai.ingestion_payload p USING (id)
    WHERE q.dedupe_key = ANY($3::text[])
), freed AS (
    UPDATE ai.ingestion_queue q SET dedupe_key = NULL
    FROM same WHERE q.id = same.id AND overtaken AND q.dedupe_key IS NOT NULL
)
SELECT p.public_id, p.idempotency_key, p.request_sha256, NULL AS dedupe_key
FROM ai.ingestion_payload p
WHERE p.principal_id = $1 AND p.idempotency_key = ANY($2::text[])
UNION ALL
SELECT public_id, NULL, NULL, dedupe_key FROM same WHERE NOT overtaken
"""
# Bytes known already are touched: that locks them against retention, which would remove what is old.
INSERT_BLOBS = """
INSERT INTO ai.blobs (sha256, data) SELECT * FROM unnest($1::bytea[], $2::bytea[])
ON CONFLICT (sha256) DO UPDATE SET created_at = now()
"""
INSERT_PAYLOADS = """
INSERT INTO ai.ingestion_payload (public_id, kind, namespace, source, title, filename, media_type, metadata,
                                  blob_sha256, idempotency_key, request_sha256, principal_id)
SELECT public_id, kind, namespace, source, title, filename, media_type, metadata::jsonb,
       blob_sha256, idempotency_key, request_sha256, $1
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::bytea[], $11::text[], $12::bytea[])
WITH ORDINALITY AS item (public_id, kind, namespace, source, title, filename, media_type, metadata,
                         blob_sha256, idempotency_key, request_sha256, number)
ORDER BY number
RETURNING id, public_id
"""
COUNTS = """
SELECT q.status, count(*) AS jobs,
       extract(epoch FROM now() - min(q.ready_at) FILTER (WHERE q.ready))::float8 AS oldest
FROM ai.ingestion_queue q JOIN ai.ingestion_payload p USING (id)
WHERE (CAST(:owner AS bigint) IS NULL OR p.principal_id = :owner) GROUP BY q.status
"""
FAILURES = """
SELECT a.code, count(*) AS jobs
FROM ai.ingestion_queue q JOIN ai.ingestion_payload p USING (id)
JOIN LATERAL (
    SELECT code FROM ai.ingestion_attempts WHERE job_id = q.id ORDER BY id DESC LIMIT 1
) a ON true
WHERE q.status = 'FAILED' AND q.finished_at > now() - interval '1 day'
      AND (CAST(:owner AS bigint) IS NULL OR p.principal_id = :owner)
GROUP BY a.code ORDER BY jobs DESC, a.code
"""


async def find_repeats(session: AsyncSession, items: Sequence[Submission]) -> list[Record]:
    """Jobs that hold an idempotency key or a dedupe key of these submissions."""
    keys = [item.idempotency_key for item in items if item.idempotency_key is not None]
    connection = await driver_connection(session)
    dedupe_keys = [item.dedupe_key for item in items]
    return await connection.fetch(FIND_REPEATS, items[0].principal_id, keys, dedupe_keys)


async def insert_jobs(
    session: AsyncSession, max_attempts: int, items: Sequence[Submission], holders: Collection[UUID]
) -> bool:
    """Blobs, cold rows and hot rows; `holders` will be found by their content while unfinished.

    False, or asyncpg.UniqueViolationError, when somebody was quicker: roll back and look again.
    """
    connection = await driver_connection(session)
    blobs = dict(sorted((item.blob_sha256, item.blob) for item in items if item.blob_sha256 and item.blob))
    if blobs:
        await connection.execute(INSERT_BLOBS, list(blobs), list(blobs.values()))
    columns = zip(*(_columns(item) for item in items), strict=True)
    rows = await connection.fetch(INSERT_PAYLOADS, items[0].principal_id, *map(list, columns))
    keys = {row["public_id"]: row["id"] for row in rows}
    jobs = [
        NewJob(
            keys[item.public_id],
            item.priority,
            item.run_at,
            max_attempts,
            item.dedupe_key if item.public_id in holders else None,
        )
        for item in items
    ]
    return len(await steering.enqueue(connection, INGESTION, jobs)) == len(jobs)


async def get_jobs(session: AsyncSession, public_ids: Sequence[UUID]) -> dict[UUID, Found]:
    """The jobs of these public ids."""
    rows = await session.execute(text(f"{JOB} WHERE p.public_id = ANY(:ids)"), {"ids": list(public_ids)})
    return {row["id"]: dict(row) for row in rows.mappings()}


async def find_job(session: AsyncSession, public_id: UUID, owner: int | None) -> Found | None:
    """The job, if it is the owner's; any job when `owner` is None."""
    result = await session.execute(
        text(f"{JOB} WHERE p.public_id = :id AND {OWNED}"), {"id": public_id, "owner": owner}
    )
    row = result.mappings().one_or_none()
    return None if row is None else dict(row)


async def list_jobs(
    session: AsyncSession,
    owner: int | None,
    filters: dict[str, Any],
    *,
    before: int | None,
    limit: int,
) -> Sequence[Found]:
    """Jobs, newest first, before the key `before`."""
    columns = {"status": "q.status", "namespace": "p.namespace", "kind": "p.kind", "source": "p.source"}
    conditions = [OWNED, *(f"{columns[name]} = :{name}" for name in filters)]
    if before is not None:
        conditions.append("p.id < :before")
    statement = f"{JOB} WHERE {' AND '.join(conditions)} ORDER BY p.id DESC LIMIT :limit"
    result = await session.execute(
        text(statement), {**filters, "owner": owner, "before": before, "limit": limit}
    )
    return [dict(row) for row in result.mappings()]


async def cancel(session: AsyncSession, key: int) -> bool:
    """PENDING fails now, PROCESSING is asked to stop; False when the job had finished."""
    outcome = await steering.cancel(await driver_connection(session), INGESTION, key)
    return outcome not in {None, CancelOutcome.FINISHED}


async def retry(session: AsyncSession, key: int) -> bool:
    """FAILED starts again from its first attempt; False when it was not FAILED."""
    return bool(await steering.retry(await driver_connection(session), INGESTION, [key]))


async def stats(session: AsyncSession, owner: int | None) -> tuple[Sequence[Found], Sequence[Found]]:
    """(status, jobs, oldest) rows and (code, jobs) rows."""
    counts = await session.execute(text(COUNTS), {"owner": owner})
    failures = await session.execute(text(FAILURES), {"owner": owner})
    return [dict(row) for row in counts.mappings()], [dict(row) for row in failures.mappings()]


def _columns(item: Submission) -> tuple[Any, ...]:
    return (
        item.public_id,
        item.kind.value,
        item.namespace,
        item.source,
        item.title,
        item.filename,
        item.media_type,
        json.dumps(item.metadata),
        item.blob_sha256,
        item.idempotency_key,
        item.request_sha256,
    )
