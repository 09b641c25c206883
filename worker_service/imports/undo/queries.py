"""The SQL of taking back: each statement touches what still is as the import left it, and tells which."""

from collections.abc import Mapping, Sequence

from asyncpg import Record

from core.db import Connection
from core.models import ImportTarget

TAKE_CHANGES = """
WITH last AS MATERIALIZED (
    SELECT id FROM crm.import_changes WHERE batch_id = $1 ORDER BY id DESC LIMIT $2
), taken AS (
    DELETE FROM crm.import_changes WHERE id IN (SELECT id FROM last)
    RETURNING id, position, target::text, target_id, before::text, version
)
SELECT * FROM taken ORDER BY id DESC
"""
KEEP = """
WITH kept AS (
    UPDATE crm.import_rows r SET kept_code = given.code
    FROM unnest($2::bigint[], $3::text[]) AS given (position, code)
    WHERE r.batch_id = $1 AND r.position = given.position AND r.kept_code IS NULL
    RETURNING r.position
)
UPDATE crm.import_batches SET kept = kept + (SELECT count(*) FROM kept) WHERE id = $1
"""
GIVEN = "unnest($1::bigint[], $2::bigint[], $3::text[]) AS given (id, version, before)"
UNMAKE_LINES = f"""
DELETE FROM crm.payroll_lines t USING {GIVEN}
WHERE t.id = given.id AND t.version = given.version RETURNING t.id
"""  # noqa: S608 - a constant
RESTORE_LINES = f"""
UPDATE crm.payroll_lines t
SET posting = b.posting, status = b.status, paid = b.paid, total = b.total, amount = b.amount,
    version = b.version, updated_at = b.updated_at
FROM {GIVEN}, jsonb_populate_record(NULL::crm.payroll_lines, given.before::jsonb) b
WHERE t.id = given.id AND t.version = given.version RETURNING t.id
"""  # noqa: S608 - a constant
UNMAKE_POSTS = f"""
DELETE FROM crm.enrollments t USING {GIVEN}
WHERE t.id = given.id AND t.version = given.version
  AND NOT EXISTS (SELECT FROM crm.payroll_lines p WHERE p.enrollment_id = t.id)
RETURNING t.id
"""  # noqa: S608 - a constant
RESTORE_POSTS = f"""
UPDATE crm.enrollments t
SET position = b.position, paying_organ = b.paying_organ, paying_organ_name = b.paying_organ_name,
    version = b.version, updated_at = b.updated_at
FROM {GIVEN}, jsonb_populate_record(NULL::crm.enrollments, given.before::jsonb) b
WHERE t.id = given.id AND t.version = given.version RETURNING t.id
"""  # noqa: S608 - a constant
UNNAME = f"""
UPDATE crm.clients t
SET name = NULL, version = given.version - 1, updated_at = (given.before::jsonb ->> 'updated_at')::timestamptz
FROM {GIVEN} WHERE t.id = given.id AND t.version = given.version AND t.status = 'ACTIVE' RETURNING t.id
"""  # noqa: S608 - a constant
_OURS = f"""
SELECT t.id FROM crm.clients t JOIN {GIVEN} USING (id)
WHERE t.version = given.version AND t.status = 'ACTIVE'
  AND NOT EXISTS (SELECT FROM crm.identity_conflicts f WHERE t.id = ANY(f.client_ids))
FOR UPDATE OF t
"""  # noqa: S608 - a constant
UNMAKE_CPFS = f"""
WITH ours AS MATERIALIZED ({_OURS})
DELETE FROM crm.identities i USING ours WHERE i.client_id = ours.id AND i.kind = 'cpf' AND i.event_id IS NULL
RETURNING i.client_id AS id
"""  # noqa: S608 - a constant
UNMAKE_CLIENTS = f"""
WITH ours AS MATERIALIZED ({_OURS})
DELETE FROM crm.clients t USING ours WHERE t.id = ours.id RETURNING t.id
"""  # noqa: S608 - a constant
UNDO: Mapping[tuple[ImportTarget, bool], str] = {
    (ImportTarget.PAYROLL_LINE, True): UNMAKE_LINES,
    (ImportTarget.PAYROLL_LINE, False): RESTORE_LINES,
    (ImportTarget.ENROLLMENT, True): UNMAKE_POSTS,
    (ImportTarget.ENROLLMENT, False): RESTORE_POSTS,
    (ImportTarget.NAME, False): UNNAME,
}
"""By what was changed, and whether it was made."""


async def take_changes(connection: Connection, batch: int, limit: int) -> list[Record]:
    """The newest changes of a batch, newest first; they are noted no more."""
    return await connection.fetch(TAKE_CHANGES, batch, limit)


async def keep(connection: Connection, batch: int, kept: Sequence[tuple[int, str]]) -> None:
    """Rows (position, code) some of whose work stays."""
    await connection.execute(KEEP, batch, [row[0] for row in kept], [row[1] for row in kept])


async def undo(
    connection: Connection, target: ImportTarget, changes: Sequence[Record], *, is_new: bool
) -> set[int]:
    """Take changes of one kind back; the ids of those that were as they had been left."""
    return await _run(connection, UNDO[target, is_new], changes)


async def unmake_clients(connection: Connection, changes: Sequence[Record]) -> set[int]:
    """Clients go, with the CPF they were made by. Raises ForeignKeyViolationError when one is in use."""
    await _run(connection, UNMAKE_CPFS, changes)
    return await _run(connection, UNMAKE_CLIENTS, changes)


async def _run(connection: Connection, statement: str, changes: Sequence[Record]) -> set[int]:
    ids, versions = [each["target_id"] for each in changes], [each["version"] for each in changes]
    rows = await connection.fetch(statement, ids, versions, [each["before"] for each in changes])
    return {row["id"] for row in rows}
