"""The second transaction of a message: find or make its sender, and tie it to them.

Whoever changes whose a match key is holds the key's advisory lock; whoever merges clients locks their rows.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg
import structlog
from asyncpg import Record, UniqueViolationError
from sqlalchemy.exc import SQLAlchemyError

from core.contacts import queries
from core.contacts.decision import Decision, decide
from core.contacts.keys import Key, Known, known
from core.contacts.message import Message
from core.db import Connection, Database, driver_connection
from core.matching import IdentityKind
from core.models import EventStatus
from core.vault import Unreadable, Vault

log = structlog.get_logger(__name__)

RACES = 3
MOST_ATTEMPTS = 12
DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError, OSError)


async def try_link(database: Database, vault: Vault, event: int) -> UUID | None:
    """The contact of the event, linked now if it was not; None when it failed and waits for its retry."""
    try:
        return await link(database, vault, event)
    except (Unreadable, ValueError) as error:
        await _note_failure(database, event, "unreadable", error, again=False)
    except DATABASE_ERRORS as error:
        await _note_failure(database, event, "database", error)
    except Exception as error:
        log.exception("linking_failed", event_id=event)
        await _note_failure(database, event, "internal_error", error)
    return None


async def link(database: Database, vault: Vault, event: int) -> UUID:
    """The contact of the event, in one transaction. Linking twice changes nothing."""
    for _ in range(RACES):
        try:
            async with database.transaction() as session:
                return await _link(await driver_connection(session), vault, event)
        except UniqueViolationError:
            continue  # two messages gave one client a CPF at once: now one of them is seen
    raise asyncpg.UniqueViolationError


def body_context(event: UUID) -> str:
    """Where the sealed body of an event belongs."""
    return f"event/{event}"


async def _link(connection: Connection, vault: Vault, event: int) -> UUID:
    row = await queries.lock_event(connection, event)
    if row["status"] == EventStatus.LINKED:
        return await queries.get_contact(connection, row["client_id"])
    body = vault.open(row["body_sealed"], context=body_context(row["public_id"]))
    message = Message.model_validate_json(body)
    identities = {item.key: item for item in (known(vault, found) for found in message.identities())}
    await queries.lock_keys(connection, identities)
    owners, clients = await _owners(connection, list(identities))
    decision = decide(list(identities), owners, _cpfs(clients))
    client, contact = await _client(connection, decision, clients, message.sender_name)
    await _write(connection, event, client, decision, identities)
    return contact


async def _owners(connection: Connection, keys: Sequence[Key]) -> tuple[dict[Key, int], dict[int, Record]]:
    """Whose the keys are. A merge that ends meanwhile hands them over: then they are looked up again."""
    while True:
        owners = await queries.find_owners(connection, keys)
        clients = await queries.hold_clients(connection, set(owners.values())) if owners else {}
        if set(owners.values()) == set(clients):
            return owners, clients


def _cpfs(clients: Mapping[int, Record]) -> dict[int, Key]:
    return {client: Key(IdentityKind.CPF, row["cpf"]) for client, row in clients.items() if row["cpf"]}


async def _client(
    connection: Connection, decision: Decision, clients: Mapping[int, Record], name: str | None
) -> tuple[int, UUID]:
    if decision.client is None:
        return await queries.insert_client(connection, name)
    if name is not None:
        await queries.name_client(connection, decision.client, name)
    return decision.client, clients[decision.client]["public_id"]


async def _write(
    connection: Connection, event: int, client: int, decision: Decision, identities: Mapping[Key, Known]
) -> None:
    if decision.attach:
        await queries.insert_identities(
            connection, client, event, [identities[key] for key in decision.attach]
        )
    if decision.is_conflict:
        await queries.note_conflict(connection, decision.rivals | {client}, client, event)
    await queries.mark_linked(connection, event, client)


async def _note_failure(
    database: Database, event: int, code: str, error: Exception, *, again: bool = True
) -> None:
    """The database may be away for this, too; then the event stays RECEIVED, and the worker finds it."""
    log.warning("message_not_linked", event_id=event, code=code, error=type(error).__name__)
    try:
        async with database.connection() as connection:
            await queries.mark_failed(connection, event, code, again=again, most=MOST_ATTEMPTS)
    except DATABASE_ERRORS as second:
        log.warning("failure_not_noted", event_id=event, error=type(second).__name__)
