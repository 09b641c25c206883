"""What persons are told about a purpose, in versions that never change, and who was shown which of them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from core.db import Connection
from core.ids import uuid7

COLUMNS = "id, public_id, purpose, version, language, body, sha256, asks_again, published_at"
CURRENT = f"SELECT {COLUMNS} FROM crm.notices WHERE purpose = $1 ORDER BY version DESC LIMIT 1"  # noqa: S608
LOCK_PURPOSE = "SELECT pg_advisory_xact_lock(hashtextextended('notices/' || $1, 0))"
PUBLISH = f"""
INSERT INTO crm.notices (public_id, purpose, version, language, body, sha256, asks_again, principal_id)
SELECT $1, $2, coalesce(max(version), 0) + 1, $3, $4, sha256(convert_to($4, 'UTF8')), $5, $6
FROM crm.notices WHERE purpose = $2
RETURNING {COLUMNS}
"""  # noqa: S608 - columns of ours
INSERT_DELIVERY = (
    "INSERT INTO crm.notice_deliveries (client_id, notice_id, channel, event_id) VALUES ($1, $2, $3, $4)"
)
# What a merged client was shown, the one who stays was shown: they are one person. A client who was
# merged meanwhile is looked up under the one who stays.
LAST_SHOWN = """
WITH RECURSIVE up AS (
    SELECT id, merged_into_id FROM crm.clients WHERE id = $1
    UNION ALL
    SELECT c.id, c.merged_into_id FROM up JOIN crm.clients c ON c.id = up.merged_into_id
), one AS (
    SELECT id FROM up WHERE merged_into_id IS NULL
    UNION ALL
    SELECT c.id FROM one JOIN crm.clients c ON c.merged_into_id = one.id
)
SELECT d.notice_id, n.version, d.channel, d.event_id, d.shown_at,
       NOT EXISTS (SELECT FROM crm.notices later
                   WHERE later.purpose = n.purpose AND later.version > n.version) AS is_current
FROM one JOIN crm.notice_deliveries d ON d.client_id = one.id JOIN crm.notices n ON n.id = d.notice_id
WHERE n.purpose = $2 AND ($3::timestamptz IS NULL OR d.shown_at < $3)
ORDER BY d.shown_at DESC, d.id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class NoticeVersion:
    """A notice as it was published. `body` is the exact text to show."""

    id: int
    public_id: UUID
    purpose: str
    version: int
    language: str
    body: str
    sha256: bytes
    asks_again: bool
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """A notice that a client was shown. `is_current` is false once a newer version is published."""

    notice: int
    version: int
    channel: str
    event: int | None
    at: datetime
    is_current: bool


async def current_notice(connection: Connection, purpose: str) -> NoticeVersion | None:
    """The newest version; None when the purpose has no notice, hence nobody can consent to it."""
    row = await connection.fetchrow(CURRENT, purpose)
    return None if row is None else _notice(row)


async def publish(
    connection: Connection, *, purpose: str, language: str, body: str, asks_again: bool, actor: int | None
) -> NoticeVersion:
    """The next version of a purpose, current from now on. Publishers of one purpose wait for each other.

    `asks_again` ends what consents to earlier versions allow: the purpose changed (LGPD, art. 8, § 6).
    """
    await connection.execute(LOCK_PURPOSE, purpose)
    row = await connection.fetchrow(PUBLISH, uuid7(), purpose, language, body, asks_again, actor)
    assert row is not None, "RETURNING returns"
    return _notice(row)


async def note_shown(
    connection: Connection, *, client: int, notice: int, channel: str, event: int | None = None
) -> None:
    """The client was sent the notice through the channel, in answer to the event."""
    await connection.execute(INSERT_DELIVERY, client, notice, channel, event)


async def last_shown(
    connection: Connection, client: int, purpose: str, *, before: datetime | None = None
) -> Shown | None:
    """The latest notice the client was shown about the purpose.

    `before` is when their "sim" came in: what was shown only afterwards is not what they answered.
    """
    row = await connection.fetchrow(LAST_SHOWN, client, purpose, before)
    if row is None:
        return None
    notice, version, channel, event, at, is_current = row
    return Shown(notice, version, channel, event, at, is_current)


def _notice(row: Record) -> NoticeVersion:
    return NoticeVersion(**dict(row))
