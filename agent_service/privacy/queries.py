"""The SQL of reading notices; publishing is `core.consents`."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.db import Connection

Found = dict[str, Any]
"""A row by its column names."""

NOTICE = """
SELECT n.id AS key, n.public_id AS id, n.purpose, n.version, n.language, n.body,
       encode(n.sha256, 'hex') AS sha256, n.asks_again, n.published_at, later.id IS NULL AS is_current
FROM crm.notices n LEFT JOIN crm.notices later ON later.purpose = n.purpose AND later.version = n.version + 1
"""
FIND_NOTICE = f"{NOTICE} WHERE n.public_id = $1"
LIST_NOTICES = f"""
{NOTICE}
WHERE ($1::text IS NULL OR n.purpose = $1) AND (NOT $2 OR later.id IS NULL)
  AND ($3::bigint IS NULL OR n.id < $3)
ORDER BY n.id DESC LIMIT $4
"""


async def find_notice(connection: Connection, notice_id: UUID) -> Found | None:
    """The notice."""
    row = await connection.fetchrow(FIND_NOTICE, notice_id)
    return None if row is None else dict(row)


async def list_notices(
    connection: Connection, purpose: str | None, *, current: bool, before: int | None, limit: int
) -> Sequence[Found]:
    """Notices, newest first, before the key `before`."""
    rows = await connection.fetch(LIST_NOTICES, purpose, current, before, limit)
    return [dict(row) for row in rows]
