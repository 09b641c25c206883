"""Note decisions down, and list and verify what the ledger says."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from agent_service.consents import queries
from agent_service.consents.evidence import noted
from agent_service.consents.schemas import (
    ConsentIn,
    ConsentOut,
    ConsentQuery,
    DecisionOut,
    FaultOut,
    StandingOut,
    VerificationOut,
)
from core import consents
from core.access import Principal
from core.consents import Decision
from core.consents.ledger import hold
from core.db import Connection, Database
from core.errors import Invalid, NotFound
from core.models import ConsentAction
from core.vault import Vault
from core.web.pagination import Page, page_of


class EvidenceRequired(Invalid):
    """A consent is granted by somebody who can prove it: name the message, or say what proves it."""

    code = "evidence_required"


async def list_consents(database: Database, query: ConsentQuery) -> Page[ConsentOut]:
    """A page of the ledger, newest first. Raises BadCursor."""
    async with database.connection() as connection:
        rows = await queries.list_consents(
            connection, query.client_id, query.purpose, before=query.before, limit=query.limit + 1
        )
    return page_of(rows, query.limit, shown)


async def list_standing(database: Database, client_id: UUID) -> list[StandingOut]:
    """What the latest decisions allow; a purpose they never decided on is not there. Raises NotFound."""
    async with database.connection() as connection:
        states = await consents.standing(connection, await _client(connection, client_id))
    return [
        StandingOut(
            purpose=state.purpose,
            holds=state.holds,
            action=state.action,
            outdated=state.outdated,
            channel=state.channel,
            decided_at=state.at,
        )
        for state in states
    ]


async def record_decision(
    database: Database, vault: Vault, caller: Principal, asked: ConsentIn
) -> DecisionOut:
    """Write what the client decided, unless that stands already. Raises NotFound or EvidenceRequired.

    A merged client's decision is that of whom they became.
    """
    if asked.action is ConsentAction.GRANT and asked.event_id is None and asked.evidence is None:
        raise EvidenceRequired("name the `event_id` or the `evidence` of the consent", pointer="/evidence")
    async with database.connection() as connection, connection.transaction():
        client = await hold(connection, await _client(connection, asked.client_id))
        decision = Decision(
            asked.action,
            await _notice(connection, client, asked),
            asked.channel,
            await _event(connection, client, asked.event_id),
            caller.id,
            evidence=None if asked.evidence is None else noted(vault, asked.evidence),
        )
        made = await consents.decide(connection, client, asked.purpose, decision)
        latest = await queries.get_latest(connection, client, asked.purpose)
    return DecisionOut(changed=made is not None, consent=shown(latest))


async def verify_ledgers(database: Database, client_id: UUID | None) -> VerificationOut:
    """Walk the ledger of a client, or all of them."""
    async with database.connection() as connection:
        found = await consents.verify(connection, client_id)
    faults = [
        FaultOut(code=fault.code, client_id=fault.client, consent_id=fault.consent) for fault in found.faults
    ]
    return VerificationOut(
        intact=found.intact,
        rows=found.rows,
        clients=found.clients,
        digest=found.digest.hex(),
        faults=faults,
    )


def shown(row: Mapping[str, Any]) -> ConsentOut:
    """A row of `queries`."""
    return ConsentOut.model_validate(row)


async def _client(connection: Connection, client_id: UUID) -> int:
    client = await queries.find_client(connection, client_id)
    if client is None:
        raise NotFound("there is no such client", pointer="/client_id")
    return client


async def _event(connection: Connection, client: int, event_id: UUID | None) -> int | None:
    if event_id is None:
        return None
    event = await queries.find_event(connection, event_id, client)
    if event is None:
        raise NotFound("this client sent no such message", pointer="/event_id")
    return event


async def _notice(connection: Connection, client: int, asked: ConsentIn) -> int:
    """The notice that is named, the one that is revoked, or the one that is shown by now."""
    if asked.notice_id is not None:
        notice = await queries.find_notice(connection, asked.notice_id, asked.purpose)
        if notice is None:
            raise NotFound("this purpose has no such notice", pointer="/notice_id")
        return notice
    known = await consents.current(connection, client, asked.purpose)
    if known is not None and asked.action is ConsentAction.REVOKE:
        return known.notice
    current = await consents.current_notice(connection, asked.purpose)
    if current is None:
        raise NotFound("this purpose has no notice", pointer="/purpose")
    return current.id
