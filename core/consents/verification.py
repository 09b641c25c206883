"""Proof that no decision was changed, removed or slipped in: each client's chain, from first row to head."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from asyncpg import Record

from core.consents.chain import GENESIS, Link
from core.db import Connection

MOST_FAULTS = 100
CHUNK = 1_000
# A full join: a head without rows and rows without a head are both faults.
_ROWS = """
SELECT r.public_id AS client, coalesce(h.length, 0) AS length, h.hash AS head,
       c.public_id AS id, c.seq, c.purpose, c.action::text, c.cause::text, n.public_id AS notice,
       c.notice_sha256, n.sha256 = sha256(convert_to(n.body, 'UTF8')) AND n.sha256 = c.notice_sha256
       AND n.purpose = c.purpose AS notice_intact, c.channel, e.public_id AS event, c.evidence_digest,
       c.principal_id, c.decided_at, c.prev_hash, c.hash
FROM (SELECT * FROM crm.consents {of}) c
FULL JOIN (SELECT * FROM crm.consent_heads {of}) h ON h.client_id = c.client_id
LEFT JOIN crm.clients r ON r.id = coalesce(c.client_id, h.client_id)
LEFT JOIN crm.notices n ON n.id = c.notice_id
LEFT JOIN crm.ingest_events e ON e.id = c.event_id
ORDER BY r.public_id, c.seq, c.id
"""
OF_ALL = _ROWS.format(of="")
OF_ONE = _ROWS.format(of="WHERE client_id = (SELECT id FROM crm.clients WHERE public_id = $1)")
# What the audit log recorded of the ledger: its own chain guards it (`core.audit`).
CONTRADICTED = """
SELECT coalesce(r.public_id, (a.data ->> 'client_id')::uuid) AS client, c.public_id AS id,
       c.id IS NULL AS missing
FROM (SELECT subject, data FROM ops.audit_log
      WHERE action IN ('consent.granted', 'consent.revoked') AND subject LIKE 'consent/%') a
FULL JOIN crm.consents c
    ON a.subject = 'consent/' || c.public_id AND a.data ->> 'hash' = encode(c.hash, 'hex')
LEFT JOIN crm.clients r ON r.id = c.client_id
WHERE (a.subject IS NULL OR c.id IS NULL)
  AND ($1::uuid IS NULL OR $1 = coalesce(r.public_id, (a.data ->> 'client_id')::uuid))
ORDER BY c.id LIMIT $2
"""


class FaultCode(StrEnum):
    """What is wrong at one place of a ledger."""

    ALTERED = "altered"
    BROKEN = "broken"
    NOTICE_ALTERED = "notice_altered"
    HEAD_DIFFERS = "head_differs"
    MISSING = "missing"
    UNRECORDED = "unrecorded"


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a ledger is not what it was: the row, or the ledger's end when `consent` is None."""

    code: FaultCode
    client: UUID | None
    consent: UUID | None


@dataclass(slots=True)
class Verification:
    """What was found. `digest` stands for all ledgers at once: equal digests, equal ledgers."""

    rows: int = 0
    clients: int = 0
    digest: bytes = GENESIS
    faults: list[Fault] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def note(self, code: FaultCode, row: Record, *, consent: UUID | None = None) -> None:
        """Keep a fault; beyond `MOST_FAULTS` there is nothing more to learn."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(code, row["client"], consent))


async def verify(connection: Connection, client: UUID | None = None) -> Verification:
    """Check the ledger of a client, or all of them, in one snapshot, read in pieces.

    A ledger written anew to its very head is found out by the audit log, which has the hash of every row:
    `missing` is recorded there and not here, `unrecorded` the other way round.
    """
    found = Verification()
    before: Record | None = None
    async with connection.transaction():
        async for row in _rows(connection, client):
            if before is not None and before["client"] != row["client"]:
                _end(found, before)
                before = None
            _check(found, row, before)
            before = row
        if before is not None:
            _end(found, before)
        for row in await connection.fetch(CONTRADICTED, client, MOST_FAULTS):
            code = FaultCode.MISSING if row["missing"] else FaultCode.UNRECORDED
            found.note(code, row, consent=row["id"])
    return found


async def _rows(connection: Connection, client: UUID | None) -> AsyncIterator[Record]:
    statement, values = (OF_ALL, ()) if client is None else (OF_ONE, (client,))
    async for row in connection.cursor(statement, *values, prefetch=CHUNK):
        yield row


def link_of(row: Record) -> Link:
    """A row of `OF_ALL` or `OF_ONE` as it is hashed."""
    return Link(
        id=row["id"],
        client=row["client"],
        seq=row["seq"],
        purpose=row["purpose"],
        action=row["action"],
        cause=row["cause"],
        notice=row["notice"],
        notice_sha256=row["notice_sha256"],
        channel=row["channel"],
        event=row["event"],
        evidence=row["evidence_digest"],
        actor=row["principal_id"],
        at=row["decided_at"],
        prev=row["prev_hash"],
    )


def _check(found: Verification, row: Record, before: Record | None) -> None:
    if row["id"] is None:
        return
    found.rows += 1
    expected = (1, GENESIS) if before is None else (before["seq"] + 1, before["hash"])
    if (row["seq"], row["prev_hash"]) != expected:
        found.note(FaultCode.BROKEN, row, consent=row["id"])
    if link_of(row).hash() != row["hash"]:
        found.note(FaultCode.ALTERED, row, consent=row["id"])
    if not row["notice_intact"]:
        found.note(FaultCode.NOTICE_ALTERED, row, consent=row["id"])


def _end(found: Verification, last: Record) -> None:
    """The last row of a client is the one its head names."""
    found.clients += 1
    if (last["length"], last["head"]) != (last["seq"], last["hash"]):
        found.note(FaultCode.HEAD_DIFFERS, last)
    found.digest = hashlib.sha256(
        found.digest + str(last["client"]).encode() + (last["hash"] or last["head"])
    ).digest()
