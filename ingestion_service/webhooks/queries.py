"""The SQL of deliveries: what came, byte by byte, and how far messages of ours got."""

from collections.abc import Sequence

from core.db import Connection
from ingestion_service.webhooks.reading import StatusChange

INSERT_PAYLOAD = """
INSERT INTO crm.channel_payloads (account, digest, body_sealed) VALUES ($1, $2, $3)
ON CONFLICT (account, digest) DO NOTHING RETURNING id
"""
FIND_PAYLOAD = "SELECT id FROM crm.channel_payloads WHERE account = $1 AND digest = $2"
# The order of the type's labels is the rank of a status, and no status ever falls.
RAISE_STATUSES = """
INSERT INTO crm.message_statuses AS known (account, message_id, status, error_code, status_at)
SELECT DISTINCT ON (account, message_id) account, message_id, status, error_code, status_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
     AS given (account, message_id, name, error_code, status_at), CAST(name AS crm.message_status) AS status
ORDER BY account, message_id, status DESC, status_at
ON CONFLICT (account, message_id) DO UPDATE
SET status = excluded.status, error_code = excluded.error_code, status_at = excluded.status_at,
    updated_at = now()
WHERE excluded.status > known.status
"""
PUT_INTO_THREAD = "UPDATE crm.ingest_events SET thread_id = $2 WHERE id = $1"


async def keep_payload(connection: Connection, account: str, digest: bytes, body_sealed: bytes) -> int:
    """The row of these bytes; the same bytes again are the same row."""
    key: int | None = await connection.fetchval(INSERT_PAYLOAD, account, digest, body_sealed)
    if key is None:
        key = await connection.fetchval(FIND_PAYLOAD, account, digest)
    assert key is not None, "a payload is not deleted while it is being repeated"
    return key


async def raise_statuses(connection: Connection, statuses: Sequence[StatusChange]) -> None:
    """Note how far messages of ours got, known or not yet; in one order, so that nobody waits in a circle."""
    columns = [list(column) for column in zip(*statuses, strict=True)]
    await connection.execute(RAISE_STATUSES, *columns)


async def put_into_thread(connection: Connection, event: int, thread: int) -> None:
    """The mail belongs to this thread."""
    await connection.execute(PUT_INTO_THREAD, event, thread)
