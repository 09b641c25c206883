"""The SQL of reading the ledger; writing to it is `core.consents`."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from asyncpg import Record

from core.consents.verification import OF_ONE
from core.db import Connection

Found = dict[str, Any]
"""A row by its column names."""

CONSENT = """
SELECT c.id AS key, c.public_id AS id, r.public_id AS client_id, c.seq, c.purpose, c.action::text,
       c.cause::text, n.public_id AS notice_id, n.version AS notice_version,
       encode(c.notice_sha256, 'hex') AS notice_sha256, c.channel, e.public_id AS event_id,
       c.principal_id AS actor, c.decided_at, encode(c.hash, 'hex') AS hash
FROM crm.consents c
JOIN crm.clients r ON r.id = c.client_id
JOIN crm.notices n ON n.id = c.notice_id
LEFT JOIN crm.ingest_events e ON e.id = c.event_id
"""
FIND_CONSENT = f"{CONSENT} WHERE c.public_id = $1"
LATEST = f"{CONSENT} WHERE c.client_id = $1 AND c.purpose = $2 ORDER BY c.seq DESC LIMIT 1"
LIST_CONSENTS = f"""
{CONSENT}
WHERE ($1::uuid IS NULL OR c.client_id = (SELECT id FROM crm.clients WHERE public_id = $1))
  AND ($2::text IS NULL OR c.purpose = $2) AND ($3::bigint IS NULL OR c.id < $3)
ORDER BY c.id DESC LIMIT $4
"""  # noqa: S608 - ours
FIND_CLIENT = "SELECT id FROM crm.clients WHERE public_id = $1"
FIND_NOTICE = "SELECT id FROM crm.notices WHERE public_id = $1 AND purpose = $2"
# Nobody's consent is proven by a stranger's word.
FIND_EVENT = "SELECT id FROM crm.ingest_events WHERE public_id = $1 AND client_id = $2"
FIND_MESSAGE = """
SELECT public_id AS event_id, source::text, received_at, body_sealed
FROM crm.ingest_events WHERE public_id = $1
"""
FIND_EVIDENCE = """
SELECT v.salt, v.body_sealed, c.evidence_digest
FROM crm.consent_evidence v JOIN crm.consents c ON c.id = v.consent_id WHERE c.public_id = $1
"""
LAST_SHOWN = """
SELECT d.channel, d.shown_at AS at FROM crm.notice_deliveries d
JOIN crm.consents c ON c.notice_id = d.notice_id AND d.shown_at < c.decided_at
JOIN crm.clients s ON s.id = d.client_id
WHERE c.public_id = $1 AND (s.id = c.client_id OR s.merged_into_id = c.client_id)
ORDER BY d.shown_at DESC LIMIT 1
"""


async def find_consent(connection: Connection, consent_id: UUID) -> Found | None:
    """The row of that id."""
    row = await connection.fetchrow(FIND_CONSENT, consent_id)
    return None if row is None else dict(row)


async def get_latest(connection: Connection, client: int, purpose: str) -> Found:
    """The latest row of a client who decided."""
    row = await connection.fetchrow(LATEST, client, purpose)
    assert row is not None, "asked for after a decision"
    return dict(row)


async def list_consents(
    connection: Connection, client_id: UUID | None, purpose: str | None, *, before: int | None, limit: int
) -> Sequence[Found]:
    """Rows, newest first, before the key `before`."""
    rows = await connection.fetch(LIST_CONSENTS, client_id, purpose, before, limit)
    return [dict(row) for row in rows]


async def find_client(connection: Connection, client_id: UUID) -> int | None:
    """The client's internal id."""
    key: int | None = await connection.fetchval(FIND_CLIENT, client_id)
    return key


async def find_notice(connection: Connection, notice_id: UUID, purpose: str) -> int | None:
    """The internal id of a notice of this purpose."""
    key: int | None = await connection.fetchval(FIND_NOTICE, notice_id, purpose)
    return key


async def find_event(connection: Connection, event_id: UUID, client: int) -> int | None:
    """The internal id of a message of the client's."""
    key: int | None = await connection.fetchval(FIND_EVENT, event_id, client)
    return key


async def find_message(connection: Connection, event_id: UUID) -> Record | None:
    """A message, sealed."""
    return await connection.fetchrow(FIND_MESSAGE, event_id)


async def find_evidence(connection: Connection, consent_id: UUID) -> Record | None:
    """What was noted down, sealed."""
    return await connection.fetchrow(FIND_EVIDENCE, consent_id)


async def find_shown(connection: Connection, consent_id: UUID) -> Record | None:
    """The last time the notice was shown before the decision."""
    return await connection.fetchrow(LAST_SHOWN, consent_id)


async def list_ledger(connection: Connection, client_id: UUID) -> Sequence[Record]:
    """The whole ledger of a client, as it is hashed."""
    return await connection.fetch(OF_ONE, client_id)
