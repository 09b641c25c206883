"""Decisions of clients, appended to their own hash chain. The latest decides.

A decision is written under the lock of its client's row, in the transaction of the caller: whoever asks
`current(..., lock=True)` and acts on the answer in the same transaction cannot be overtaken by a revocation.
"""

from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record

from core import audit, outbox
from core.consents import queries
from core.consents.chain import GENESIS, Link, evidence_digest
from core.consents.state import ConsentState, decided
from core.db import Connection
from core.errors import NotFound
from core.ids import uuid7
from core.models import ConsentAction, ConsentCause, EventType


class _MergedMeanwhile(Exception):
    """Rolls the savepoint back."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was noted down to prove a decision: its text, the salt of its digest, and the text sealed."""

    text: bytes
    salt: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be written. `notice`, `event` and `actor` are internal ids."""

    action: ConsentAction
    notice: int
    channel: str
    event: int | None = None
    actor: int | None = None
    cause: ConsentCause = ConsentCause.DECISION
    evidence: Evidence | None = None


async def current(
    connection: Connection, client: int, purpose: str, *, lock: bool = False
) -> ConsentState | None:
    """The latest decision of the client; None when they never decided. A merged client is who they became.

    `lock` keeps it the latest until the transaction ends. Only `ConsentState.holds` allows processing.
    """
    root = await hold(connection, client) if lock else await queries.find_root(connection, client)
    row = None if root is None else await queries.find_latest(connection, root, purpose)
    return None if row is None else state(row)


async def standing(connection: Connection, client: int) -> list[ConsentState]:
    """The latest decision of the client about each purpose they ever decided on."""
    root = await queries.find_root(connection, client)
    rows = [] if root is None else await queries.list_latest(connection, root)
    return [known for row in rows if (known := state(row)) is not None]


async def grant(
    connection: Connection,
    *,
    client: int,
    purpose: str,
    notice: int,
    channel: str,
    event: int | None,
    actor: int | None,
) -> bool:
    """The client agrees to the notice; False when they had agreed to this very version. Raises NotFound."""
    decision = Decision(ConsentAction.GRANT, notice, channel, event, actor)
    return await decide(connection, client, purpose, decision) is not None


async def revoke(
    connection: Connection,
    *,
    client: int,
    purpose: str,
    notice: int,
    channel: str,
    event: int | None,
    actor: int | None,
) -> bool:
    """The client refuses or withdraws; False when that stands already. Raises NotFound."""
    decision = Decision(ConsentAction.REVOKE, notice, channel, event, actor)
    return await decide(connection, client, purpose, decision) is not None


async def decide(connection: Connection, client: int, purpose: str, decision: Decision) -> UUID | None:
    """The id of the new row; None when the latest says so already. Simultaneous ones make one row.

    Raises NotFound for a client or a notice of that purpose that does not exist.
    """
    root = await hold(connection, client)
    latest = await queries.find_latest(connection, root, purpose)
    known = None if latest is None else state(latest)
    if known is not None and known.says(decision.action, decision.notice):
        return None
    return await append(connection, root, purpose, decision)


async def hold(connection: Connection, client: int) -> int:
    """The client, or whom they became, locked against other decisions and merges. Raises NotFound."""
    while (root := await queries.find_root(connection, client)) is not None:
        if await queries.lock_free_client(connection, root) or await _wait_for(connection, root):
            return root
    raise NotFound("there is no such client")


async def _wait_for(connection: Connection, client: int) -> bool:
    """Whether the client is held now. Who was merged while we waited is let go of, by way of a savepoint.

    Merges lock both clients in order: to keep the one and ask for the other would be to wait in a circle.
    """
    try:
        async with connection.transaction():
            await _lock(connection, client)
    except _MergedMeanwhile:
        return False
    return True


async def _lock(connection: Connection, client: int) -> None:
    if not await queries.lock_client(connection, client):
        raise _MergedMeanwhile


async def append(connection: Connection, client: int, purpose: str, decision: Decision) -> UUID:
    """Write a row to the ledger of a client who is held; its id. Raises NotFound."""
    ground = await queries.find_ground(connection, client, decision.notice, decision.event, GENESIS)
    if ground is None or ground["purpose"] != purpose:
        raise NotFound("there is no such notice of this purpose")
    link = _link(ground, decision)
    row = await queries.append(connection, link, client=client, notice=decision.notice, event=decision.event)
    if decision.evidence is not None:
        await queries.insert_evidence(connection, row, decision.evidence.salt, decision.evidence.sealed)
    await _tell(connection, link)
    return link.id


async def _tell(connection: Connection, link: Link) -> None:
    """The audit log keeps the hash: a ledger written anew, head and all, contradicts it."""
    granted = link.action == ConsentAction.GRANT
    event = EventType.CONSENT_GRANTED if granted else EventType.CONSENT_REVOKED
    what = {"client_id": str(link.client), "purpose": link.purpose, "cause": str(link.cause)}
    await outbox.emit(connection, event, subject=link.id, data=what)
    entry = {**what, "hash": link.hash().hex()}
    await audit.record(
        connection, actor=link.actor, action=event.value, subject=f"consent/{link.id}", data=entry
    )


def state(row: Record) -> ConsentState | None:
    """What a row of `queries` says; None when it says that nothing is decided."""
    action = ConsentAction(row["action"])
    if not decided(action, ConsentCause(row["cause"])):
        return None
    return ConsentState(
        row["id"],
        row["purpose"],
        action,
        row["notice_id"],
        row["channel"],
        row["event_id"],
        row["decided_at"],
        row["outdated"],
    )


def _link(ground: Record, decision: Decision) -> Link:
    evidence = decision.evidence
    return Link(
        id=uuid7(),
        client=ground["client"],
        seq=ground["seq"],
        purpose=ground["purpose"],
        action=decision.action,
        cause=decision.cause,
        notice=ground["notice"],
        notice_sha256=ground["sha256"],
        channel=decision.channel,
        event=ground["event"],
        evidence=None if evidence is None else evidence_digest(evidence.salt, evidence.text),
        actor=decision.actor,
        at=ground["at"],
        prev=ground["prev"],
    )
