"""The SQL of the door for imports."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Connection, driver_connection
from core.ids import uuid7
from core.models import ImportStatus, JobKind
from core.queue import enqueue
from core.queue.jobs import NewJob
from core.queue.table import INGESTION

Found = dict[str, Any]
"""A row by its column names."""

BATCH = """
SELECT b.id AS key, b.public_id AS id, b.layout::text, b.status::text, b.dry_run,
       COALESCE(b.file_entity, b.entity) AS entity, encode(b.sha256, 'hex') AS sha256, b.mapping, b.totals,
       b.rows, b.done, b.created, b.updated, b.unchanged, b.rejected, b.kept, b.created_at, b.committed_at,
       b.ended_at, q.status::text AS job, COALESCE(b.error_code, a.code) AS error_code,
       COALESCE(b.error_detail, a.detail) AS error_detail
FROM crm.import_batches b
LEFT JOIN ai.ingestion_queue q ON q.id = b.job_id
LEFT JOIN LATERAL (
    SELECT code, detail FROM ai.ingestion_attempts WHERE job_id = b.job_id AND q.status = 'FAILED'
    ORDER BY id DESC LIMIT 1
) a ON true
"""
GET = text(f"{BATCH} WHERE b.public_id = :id")
LIST = text(
    f"""
    {BATCH} WHERE (CAST(:before AS bigint) IS NULL OR b.id < :before)
      AND (CAST(:status AS text) IS NULL OR b.status::text = :status)
      AND (CAST(:layout AS text) IS NULL OR b.layout::text = :layout)
    ORDER BY b.id DESC LIMIT :limit
    """
)
INSERT = """
INSERT INTO crm.import_batches (public_id, principal_id, layout, entity, sha256, mapping, dry_run, status)
VALUES ($1, $2, $3::text::crm.import_layout, $4, $5, $6::text::jsonb, $7, $8::text::crm.import_status)
ON CONFLICT (sha256, layout, COALESCE(entity, '')) WHERE status NOT IN ('REVERTED', 'REFUSED') DO NOTHING
RETURNING id
"""
SAME = """
SELECT public_id FROM crm.import_batches
WHERE sha256 = $1 AND layout = $2::text::crm.import_layout AND COALESCE(entity, '') = COALESCE($3, '')
  AND status NOT IN ('REVERTED', 'REFUSED')
"""
INSERT_FILE = "INSERT INTO crm.import_files (batch_id, body_sealed) VALUES ($1, $2)"
INSERT_JOB = """
INSERT INTO ai.ingestion_payload (public_id, kind, namespace, source, principal_id)
VALUES ($1, $2, 'imports', $3, $4) RETURNING id
"""
SET_JOB = "UPDATE crm.import_batches SET job_id = $2 WHERE id = $1"
LOCK = text(
    """
    SELECT b.id AS key, b.status::text, q.status::text AS job
    FROM crm.import_batches b LEFT JOIN ai.ingestion_queue q ON q.id = b.job_id
    WHERE b.public_id = :id FOR UPDATE OF b
    """
)
# A commit begins anew after a check, and goes on where one was cut off.
MOVE = text(
    """
    UPDATE crm.import_batches
    SET status = CAST(CAST(:status AS text) AS crm.import_status),
        done = CASE WHEN :anew THEN 0 ELSE done END,
        created = CASE WHEN :anew THEN 0 ELSE created END,
        updated = CASE WHEN :anew THEN 0 ELSE updated END,
        unchanged = CASE WHEN :anew THEN 0 ELSE unchanged END,
        rejected = CASE WHEN :anew THEN 0 ELSE rejected END
    WHERE id = :key
    """
)
ROWS = text(
    """
    SELECT r.position, r.line, r.outcome::text, r.code, r.message, r.notes, r.kept_code,
           c.public_id AS client_id, e.public_id AS enrollment_id, p.public_id AS payroll_line_id
    FROM crm.import_rows r JOIN crm.import_batches b ON b.id = r.batch_id
    LEFT JOIN crm.clients c ON c.id = r.client_id
    LEFT JOIN crm.enrollments e ON e.id = r.enrollment_id
    LEFT JOIN crm.payroll_lines p ON p.id = r.payroll_line_id
    WHERE b.public_id = :id AND r.position > :after
      AND (CAST(:outcome AS text) IS NULL OR r.outcome = CAST(:outcome AS crm.import_outcome))
      AND (CAST(:kept AS boolean) IS NULL OR (r.kept_code IS NOT NULL) = :kept)
    ORDER BY r.position LIMIT :limit
    """
)


class NewBatch(NamedTuple):
    """The row of a file, in the order of its columns."""

    public_id: UUID
    principal_id: int
    layout: str
    entity: str | None
    sha256: bytes
    mapping: str | None
    dry_run: bool
    status: str


async def insert_batch(session: AsyncSession, batch: NewBatch, body_sealed: bytes) -> UUID | None:
    """Take a file in, for a worker. None when it is new, else the import these bytes are already."""
    connection = await driver_connection(session)
    while (key := await connection.fetchval(INSERT, *batch)) is None:
        same: UUID | None = await connection.fetchval(SAME, batch.sha256, batch.layout, batch.entity)
        if same is not None:  # it may have been taken back in between
            return same
    await connection.execute(INSERT_FILE, key, body_sealed)
    await _give_work(connection, key, batch.public_id, batch.principal_id)
    return None


async def move(
    session: AsyncSession, key: int, batch: UUID, status: ImportStatus, principal: int, *, anew: bool
) -> None:
    """Another step for a worker."""
    await session.execute(MOVE, {"key": key, "status": status.value, "anew": anew})
    await _give_work(await driver_connection(session), key, batch, principal)


async def lock_batch(session: AsyncSession, batch: UUID) -> Found | None:
    """The batch, locked until the transaction ends, and how its job stands."""
    return await _one(session, LOCK, id=batch)


async def find_batch(session: AsyncSession, batch: UUID) -> Found | None:
    """The batch."""
    return await _one(session, GET, id=batch)


async def list_batches(
    session: AsyncSession, status: str | None, layout: str | None, *, before: int | None, limit: int
) -> Sequence[Found]:
    """Batches, newest first."""
    values = {"status": status, "layout": layout, "before": before, "limit": limit}
    return [dict(row) for row in (await session.execute(LIST, values)).mappings()]


async def list_rows(
    session: AsyncSession, batch: UUID, outcome: str | None, kept: bool | None, *, after: int, limit: int
) -> Sequence[Found]:
    """Rows in the order of the file."""
    values = {"id": batch, "outcome": outcome, "kept": kept, "after": after, "limit": limit}
    return [dict(row) for row in (await session.execute(ROWS, values)).mappings()]


async def _give_work(connection: Connection, key: int, batch: UUID, principal: int) -> None:
    job = await connection.fetchval(INSERT_JOB, uuid7(), JobKind.IMPORT.value, f"import:{batch}", principal)
    await connection.execute(SET_JOB, key, job)
    await enqueue(connection, INGESTION, [NewJob(job)])


async def _one(session: AsyncSession, statement: Any, **values: Any) -> Found | None:
    row = (await session.execute(statement, values)).mappings().one_or_none()
    return None if row is None else dict(row)
