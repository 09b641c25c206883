"""All that proves a decision in one document, which a stranger can check with any SHA-256."""

from uuid import UUID

from asyncpg import Record

from agent_service.consents import evidence, queries
from agent_service.consents.schemas import LinkOut, MessageOut, ProofOut, ShownOut
from agent_service.consents.service import shown
from agent_service.privacy.service import get_notice_in
from core.access import Principal
from core.audit import record_read
from core.consents.verification import link_of
from core.contacts import Message
from core.contacts.linking import body_context
from core.db import Connection, Database
from core.errors import NotFound
from core.vault import Unreadable, Vault


async def get_proof(database: Database, vault: Vault, caller: Principal, consent_id: UUID) -> ProofOut:
    """The proof of a decision; that it was read is noted. Raises NotFound."""
    async with database.connection() as connection, connection.transaction():
        row = await queries.find_consent(connection, consent_id)
        if row is None:
            raise NotFound("there is no such consent")
        await record_read(
            connection, principal=caller.id, subject=f"client/{row['client_id']}", what="consent_proof"
        )
        seen = await queries.find_shown(connection, consent_id)
        return ProofOut(
            consent=shown(row),
            notice=await get_notice_in(connection, row["notice_id"]),
            shown=None if seen is None else ShownOut.model_validate(dict(seen)),
            message=await _message(connection, vault, row["event_id"]),
            evidence=evidence.read(vault, await queries.find_evidence(connection, consent_id)),
            chain=[_link(link) for link in await queries.list_ledger(connection, row["client_id"])],
        )


async def _message(connection: Connection, vault: Vault, event_id: UUID | None) -> MessageOut | None:
    row = None if event_id is None else await queries.find_message(connection, event_id)
    if row is None:
        return None
    return MessageOut.model_validate({**row, "content": _content(vault, row)})


def _content(vault: Vault, row: Record) -> str | None:
    """What was written; None once it was erased or its key is gone."""
    try:
        body = vault.open(row["body_sealed"], context=body_context(row["event_id"]))
        return Message.model_validate_json(body).content
    except (Unreadable, ValueError):
        return None


def _link(row: Record) -> LinkOut:
    """The payload as the columns give it; whether the stored hash is its hash, the reader can see."""
    return LinkOut(seq=row["seq"], payload=link_of(row).payload(), hash=row["hash"].hex())
