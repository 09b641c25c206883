"""The SQL of the door. Accepting new documents costs one statement, whatever the batch."""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from asyncpg import Record
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Connection, driver_connection
from core.queue import statements, steering
from core.queue.jobs import CancelOutcome
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
# All or nothing in one round trip: an item that repeats something leaves the table `item` empty, and one that
# was overtaken meanwhile violates a unique index. Bytes known already are touched: that locks them against
# retention, which would remove what is old. A connection keeps the plan it made, maybe while the
# queue was empty: a look-up for each key goes by the index even then, a join would not.
INSERT_JOBS = f"""
WITH item AS MATERIALIZED (
    SELECT * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                         $10::text[], $11::bytea[], $12::text[], $13::bytea[], $14::smallint[],
                         $15::timestamptz[], $16::text[])
    WITH ORDINALITY AS item (public_id, kind, namespace, source, title, filename, media_type, metadata,
                             blob_sha256, idempotency_key, request_sha256, priority, run_at, dedupe_key,
                             number)
    WHERE NOT EXISTS (SELECT FROM ai.ingestion_payload
                      WHERE principal_id = $1 AND idempotency_key = ANY($12::text[]))
      AND NOT EXISTS (SELECT FROM unnest($16::text[]) AS wanted (key)
                      WHERE (SELECT id FROM ai.ingestion_queue WHERE dedupe_key = wanted.key) IS NOT NULL)
), blob AS (
    INSERT INTO ai.blobs (sha256, data)
    SELECT * FROM unnest($17::bytea[], $18::bytea[]) WHERE EXISTS (SELECT FROM item)
    ON CONFLICT (sha256) DO UPDATE SET created_at = now()
), payload AS (
    INSERT INTO ai.ingestion_payload
        (public_id, kind, namespace, source, title, filename, media_type, metadata,
         blob_sha256, idempotency_key, request_sha256, principal_id)
    SELECT public_id, kind, namespace, source, title, filename, media_type, metadata::jsonb,
           blob_sha256, idempotency_key, request_sha256, $1
    FROM item ORDER BY number
    RETURNING *
), new AS (
    SELECT payload.id, priority, run_at, $2::smallint AS max_attempts, dedupe_key
    FROM payload JOIN item USING (public_id)
), job AS (
    {INGESTION.sql(statements.ENQUEUE_NEW)} RETURNING *
)
SELECT p.id AS key, p.public_id AS id, p.kind, p.namespace, p.source, p.title, q.status, q.stage, q.progress,
       q.priority, q.attempt, q.max_attempts, q.run_at, p.created_at, q.claimed_at AS started_at,
       q.finished_at, NULL AS error_code, NULL AS error_detail, NULL AS document_id, NULL AS outcome
FROM payload p JOIN job q USING (id)
"""  # noqa: S608 - all parts are constants
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


async def find_repeats(connection: Connection, items: Sequence[Submission]) -> list[Record]:
    """Jobs that hold an idempotency key or a dedupe key of these submissions."""
    keys = [item.idempotency_key for item in items if item.idempotency_key is not None]
    dedupe_keys = [item.dedupe_key for item in items]
    return await connection.fetch(FIND_REPEATS, items[0].principal_id, keys, dedupe_keys)


async def insert_jobs(
    connection: Connection, max_attempts: int, items: Sequence[Submission], holders: Collection[UUID]
) -> dict[UUID, Found]:
    """The new jobs, all or none; `holders` will be found by their content while unfinished.

    None, or asyncpg.UniqueViolationError, when a job has an idempotency key or a holder's content already.
    """
    blobs = dict(sorted((item.blob_sha256, item.blob) for item in items if item.blob_sha256 and item.blob))
    columns = zip(*(_columns(item, is_holder=item.public_id in holders) for item in items), strict=True)
    rows = await connection.fetch(
        INSERT_JOBS,
        items[0].principal_id,
        max_attempts,
        *map(list, columns),
        list(blobs),
        list(blobs.values()),
    )
    return _by_id(rows)


async def get_jobs(connection: Connection, public_ids: Sequence[UUID]) -> dict[UUID, Found]:
    """The jobs of these public ids."""
    return _by_id(await connection.fetch(f"{JOB} WHERE p.public_id = ANY($1::uuid[])", public_ids))


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


def _by_id(rows: Iterable[Record]) -> dict[UUID, Found]:
    return {row["id"]: dict(row) for row in rows}


def _columns(item: Submission, *, is_holder: bool) -> tuple[Any, ...]:
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
        item.priority,
        item.run_at,
        item.dedupe_key if is_holder else None,
    )
