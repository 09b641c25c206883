"""The SQL of imports: batches, their rows, and what the rows are held against."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self
from uuid import UUID

from asyncpg import Record

from core.db import Connection
from core.imports import Mapping as ColumnMapping
from core.models import ImportLayout, ImportOutcome, ImportStatus

GET_BATCH = """
SELECT b.id, b.public_id, b.layout::text, b.entity, b.mapping::text, b.status::text, b.done, f.body_sealed
FROM crm.import_batches b LEFT JOIN crm.import_files f ON f.batch_id = b.id WHERE b.job_id = $1
"""
# One chunk of one import at a time: what one compared, another must not change before it is written.
TURN = "SELECT pg_advisory_xact_lock(hashtextextended('crm.imports', 0))"
HOLD = "SELECT done, status::text FROM crm.import_batches WHERE id = $1 AND job_id = $2 FOR UPDATE"
BEGIN = "UPDATE crm.import_batches SET rows = $2, totals = $3::text::jsonb, file_entity = $4 WHERE id = $1"
REFUSE = """
UPDATE crm.import_batches
SET status = 'REFUSED', error_code = $2, error_detail = $3, ended_at = now()
WHERE id = $1 AND status IN ('CHECKING', 'COMMITTING')
"""
FINISH = """
UPDATE crm.import_batches
SET status = $2::text::crm.import_status,
    committed_at = CASE WHEN $2 = 'COMMITTED' THEN now() ELSE committed_at END,
    ended_at = CASE WHEN $2 = 'REVERTED' THEN now() END
WHERE id = $1
"""
DROP_FILE = "DELETE FROM crm.import_files WHERE batch_id = $1"
COUNT = """
UPDATE crm.import_batches
SET done = done + $2, created = created + $3, updated = updated + $4, unchanged = unchanged + $5,
    rejected = rejected + $6
WHERE id = $1
"""
PUT_ROWS = """
INSERT INTO crm.import_rows (batch_id, position, line, outcome, code, message, notes, digest, raw_sealed,
                             client_id, enrollment_id, payroll_line_id)
SELECT $1, position, line, outcome::crm.import_outcome, code, message, string_to_array(notes, ' '), digest,
       raw, client, enrollment, payroll_line
FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[],
            $9::bytea[], $10::bigint[], $11::bigint[], $12::bigint[])
    AS given (position, line, outcome, code, message, notes, digest, raw, client, enrollment, payroll_line)
ON CONFLICT (batch_id, position) DO UPDATE
SET outcome = excluded.outcome, code = excluded.code, message = excluded.message,
    client_id = excluded.client_id, enrollment_id = excluded.enrollment_id,
    payroll_line_id = excluded.payroll_line_id
"""
PUT_CHANGES = """
INSERT INTO crm.import_changes (batch_id, position, target, target_id, before, version)
SELECT $1, position, target::crm.import_target, id, before::jsonb, version
FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::bigint[])
    WITH ORDINALITY AS given (position, target, id, before, version, place)
ORDER BY place
"""


class Batch(NamedTuple):
    """What a worker needs of a batch."""

    id: int
    public_id: UUID
    layout: ImportLayout
    entity: str | None
    mapping: ColumnMapping | None
    status: ImportStatus
    done: int
    body_sealed: bytes | None

    @classmethod
    def of(cls, row: Record) -> Self:
        """A row of GET_BATCH."""
        mapping = None if row["mapping"] is None else ColumnMapping.model_validate_json(row["mapping"])
        typed = {
            "layout": ImportLayout(row["layout"]),
            "status": ImportStatus(row["status"]),
            "mapping": mapping,
        }
        return cls(**{**row, **typed})


class NewRow(NamedTuple):
    """A row of the table, in the order of its columns."""

    position: int
    line: int
    outcome: str
    code: str | None
    message: str | None
    notes: str
    digest: bytes
    raw_sealed: bytes
    client: int | None
    enrollment: int | None
    payroll_line: int | None


class Change(NamedTuple):
    """What is noted of a change, so that it can be taken back."""

    position: int
    target: str
    target_id: int
    before: str | None
    version: int


async def find_batch(connection: Connection, job: int) -> Batch | None:
    """The batch of a job."""
    row = await connection.fetchrow(GET_BATCH, job)
    return None if row is None else Batch.of(row)


async def take_turn(connection: Connection) -> None:
    """Be the only import that writes, until the transaction ends."""
    await connection.execute(TURN)


async def holds(connection: Connection, batch: int, job: int, status: ImportStatus, done: int) -> bool:
    """Whether the batch is still where we think it is; locked if so."""
    row = await connection.fetchrow(HOLD, batch, job)
    return row is not None and (row["done"], row["status"]) == (done, status.value)


async def begin(
    connection: Connection, batch: int, rows: int, totals: Mapping[str, int], entity: str | None
) -> None:
    """Note what the file says of itself."""
    await connection.execute(BEGIN, batch, rows, json.dumps(dict(totals)), entity)


async def refuse(connection: Connection, batch: int, code: str, detail: str) -> None:
    """The file is not taken, and not kept."""
    await connection.execute(REFUSE, batch, code, detail)
    await connection.execute(DROP_FILE, batch)


async def finish(connection: Connection, batch: int, status: ImportStatus) -> None:
    """The batch is through; its bytes are kept only while it waits to be committed."""
    await connection.execute(FINISH, batch, status.value)
    if status is not ImportStatus.CHECKED:
        await connection.execute(DROP_FILE, batch)


async def put_rows(connection: Connection, batch: int, rows: Sequence[NewRow]) -> None:
    """Write rows down, and count them."""
    await connection.execute(PUT_ROWS, batch, *_columns(rows))
    told = [sum(row.outcome == outcome for row in rows) for outcome in ImportOutcome]
    await connection.execute(COUNT, batch, len(rows), *told)


async def put_changes(connection: Connection, batch: int, changes: Sequence[Change]) -> None:
    """Write down what was changed, in this order."""
    if changes:
        await connection.execute(PUT_CHANGES, batch, *_columns(changes))


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
