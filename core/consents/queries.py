"""The SQL of consents. Its order is the protocol: the client's lock, their latest rows, the new row.

Every writer of a ledger holds its client's row (FOR NO KEY UPDATE): linking a message does not wait for that,
merges do.
"""

from asyncpg import Record

from core.consents.chain import Link
from core.db import Connection

# The client that a merged one is part of by now, through however many merges.
ROOT = """
WITH RECURSIVE up AS (
    SELECT id, merged_into_id FROM crm.clients WHERE id = $1
    UNION ALL
    SELECT c.id, c.merged_into_id FROM up JOIN crm.clients c ON c.id = up.merged_into_id
)
SELECT id FROM up WHERE merged_into_id IS NULL
"""
LOCK_FREE = "SELECT true FROM crm.clients WHERE id = $1 AND status = 'ACTIVE' FOR NO KEY UPDATE SKIP LOCKED"
LOCK = "SELECT status = 'ACTIVE' FROM crm.clients WHERE id = $1 FOR NO KEY UPDATE"
STATE = """
SELECT c.id, c.purpose, c.action::text, c.cause::text, c.notice_id, c.channel, c.event_id, c.decided_at,
       EXISTS (SELECT FROM crm.notices n JOIN crm.notices given ON given.id = c.notice_id
               WHERE n.purpose = c.purpose AND n.asks_again AND n.version > given.version) AS outdated
FROM crm.consents c
"""
LATEST = f"{STATE} WHERE c.client_id = $1 AND c.purpose = $2 ORDER BY c.seq DESC LIMIT 1"
# Of each purpose the latest decision, of those rows after the first and up to the last given.
LATEST_EACH = f"""
SELECT DISTINCT ON (purpose) * FROM (
    {STATE} WHERE c.client_id = $1 AND c.seq > $2 AND ($3::bigint IS NULL OR c.seq <= $3)
) AS theirs ORDER BY purpose, id DESC
"""  # noqa: S608 - ours
LENGTH = "SELECT length FROM crm.consent_heads WHERE client_id = $1"
GROUND = """
SELECT c.public_id AS client, n.public_id AS notice, n.purpose, n.sha256, e.public_id AS event,
       coalesce(h.length, 0) + 1 AS seq, coalesce(h.hash, $4) AS prev, clock_timestamp() AS at
FROM crm.clients c JOIN crm.notices n ON n.id = $2
LEFT JOIN crm.ingest_events e ON e.id = $3
LEFT JOIN crm.consent_heads h ON h.client_id = c.id
WHERE c.id = $1
"""
APPEND = """
WITH made AS (
    INSERT INTO crm.consents (public_id, client_id, seq, purpose, action, cause, notice_id, notice_sha256,
                              channel, event_id, evidence_digest, principal_id, decided_at, prev_hash, hash)
    VALUES ($1, $2, $3, $4, $5::text::crm.consent_action, $6::text::crm.consent_cause, $7, $8,
            $9, $10, $11, $12, $13, $14, $15)
    RETURNING id, client_id, seq, hash
), head AS (
    INSERT INTO crm.consent_heads (client_id, length, hash) SELECT client_id, seq, hash FROM made
    ON CONFLICT (client_id) DO UPDATE SET length = excluded.length, hash = excluded.hash
)
SELECT id FROM made
"""
INSERT_EVIDENCE = "INSERT INTO crm.consent_evidence (consent_id, salt, body_sealed) VALUES ($1, $2, $3)"


async def find_root(connection: Connection, client: int) -> int | None:
    """The client itself, or whom it was merged into."""
    root: int | None = await connection.fetchval(ROOT, client)
    return root


async def lock_free_client(connection: Connection, client: int) -> bool:
    """Be the only one to write the client's ledger. False when somebody else is, or the client was merged."""
    return bool(await connection.fetchval(LOCK_FREE, client))


async def lock_client(connection: Connection, client: int) -> bool:
    """The same, after whoever is. False when the client was merged meanwhile: held, and of no use."""
    return bool(await connection.fetchval(LOCK, client))


async def find_latest(connection: Connection, client: int, purpose: str) -> Record | None:
    """The last row of the client about the purpose."""
    return await connection.fetchrow(LATEST, client, purpose)


async def list_latest(
    connection: Connection, client: int, *, after: int = 0, until: int | None = None
) -> list[Record]:
    """The last row of each purpose among the client's rows numbered `after` < seq <= `until`."""
    return await connection.fetch(LATEST_EACH, client, after, until)


async def ledger_length(connection: Connection, client: int) -> int:
    """How many rows the client's ledger has."""
    return await connection.fetchval(LENGTH, client) or 0


async def find_ground(
    connection: Connection, client: int, notice: int, event: int | None, genesis: bytes
) -> Record | None:
    """What a new row stands on; None without such a client or notice."""
    return await connection.fetchrow(GROUND, client, notice, event, genesis)


async def append(connection: Connection, link: Link, *, client: int, notice: int, event: int | None) -> int:
    """Write the row and the ledger's new end; the row's id."""
    row: int = await connection.fetchval(
        APPEND,
        link.id,
        client,
        link.seq,
        link.purpose,
        link.action,
        link.cause,
        notice,
        link.notice_sha256,
        link.channel,
        event,
        link.evidence,
        link.actor,
        link.at,
        link.prev,
        link.hash(),
    )
    return row


async def insert_evidence(connection: Connection, consent: int, salt: bytes, sealed: bytes) -> None:
    """Keep what proves a decision, apart from it."""
    await connection.execute(INSERT_EVIDENCE, consent, salt, sealed)
