"""The SQL of enrollments and payroll lines. `before` is the whole row, to be put back as it was."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from asyncpg import Record

from core.db import Connection


class Statements(NamedTuple):
    """How the rows of one table are found by their place, made, and changed."""

    find: str
    insert: str
    update: str


ENROLLMENTS = Statements(
    find="""
SELECT given.place, t.id, t.version, to_jsonb(t)::text AS before,
       t.position, t.paying_organ, t.paying_organ_name
FROM unnest($1::bigint[], $2::text[], $3::text[])
     WITH ORDINALITY AS given (client_id, entity, number, place)
JOIN crm.enrollments t USING (client_id, entity, number)
FOR UPDATE OF t
""",
    insert="""
WITH made AS (
    INSERT INTO crm.enrollments (client_id, entity, number, position, paying_organ, paying_organ_name)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    RETURNING id, client_id, entity, number
)
SELECT given.place, made.id
FROM unnest($1::bigint[], $2::text[], $3::text[])
     WITH ORDINALITY AS given (client_id, entity, number, place)
JOIN made USING (client_id, entity, number)
""",
    update="""
UPDATE crm.enrollments t
SET position = given.position, paying_organ = given.organ, paying_organ_name = given.organ_name,
    version = version + 1, updated_at = now()
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS given (id, position, organ, organ_name)
WHERE t.id = given.id
""",
)
PAYROLL_LINES = Statements(
    find="""
SELECT given.place, t.id, t.version, to_jsonb(t)::text AS before,
       t.posting, t.status, t.paid, t.total, t.amount
FROM unnest($1::bigint[], $2::date[], $3::text[], $4::bigint[])
     WITH ORDINALITY AS given (enrollment_id, month, rubric, sequence, place)
JOIN crm.payroll_lines t USING (enrollment_id, month, rubric, sequence)
FOR UPDATE OF t
""",
    insert="""
WITH made AS (
    INSERT INTO crm.payroll_lines
        (enrollment_id, month, rubric, sequence, posting, status, paid, total, amount)
    SELECT * FROM unnest($1::bigint[], $2::date[], $3::text[], $4::bigint[], $5::text[], $6::text[],
                         $7::smallint[], $8::smallint[], $9::numeric[])
    RETURNING id, enrollment_id, month, rubric, sequence
)
SELECT given.place, made.id
FROM unnest($1::bigint[], $2::date[], $3::text[], $4::bigint[])
     WITH ORDINALITY AS given (enrollment_id, month, rubric, sequence, place)
JOIN made USING (enrollment_id, month, rubric, sequence)
""",
    update="""
UPDATE crm.payroll_lines t
SET posting = given.posting, status = given.status, paid = given.paid, total = given.total,
    amount = given.amount, version = version + 1, updated_at = now()
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::smallint[], $5::smallint[], $6::numeric[])
    AS given (id, posting, status, paid, total, amount)
WHERE t.id = given.id
""",
)


async def find(connection: Connection, table: Statements, places: Sequence[Sequence[Any]]) -> list[Record]:
    """The rows at these places; `place` counts them from 1."""
    return await connection.fetch(table.find, *_columns(places)) if places else []


async def insert(connection: Connection, table: Statements, rows: Sequence[Sequence[Any]]) -> list[int]:
    """The ids of new rows, in their order."""
    if not rows:
        return []
    made = await connection.fetch(table.insert, *_columns(rows))
    by_place = {row["place"]: row["id"] for row in made}
    return [by_place[place] for place in range(1, len(rows) + 1)]


async def update(connection: Connection, table: Statements, rows: Sequence[Sequence[Any]]) -> None:
    """Change rows, each told by its id and its new values."""
    if rows:
        await connection.execute(table.update, *_columns(rows))


def _columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
