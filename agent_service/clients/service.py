"""Open, find or make, read and change clients."""

from collections.abc import Iterable
from uuid import UUID

from asyncpg import UniqueViolationError
from sqlalchemy.ext.asyncio import AsyncSession

from agent_service.clients import queries
from agent_service.clients.schemas import (
    ClientIn,
    ClientOut,
    ClientPatch,
    FindIn,
    FoundOut,
    Scoped,
)
from agent_service.clients.showing import client as client_out
from agent_service.clients.showing import notes_context
from core.access import Principal
from core.audit import record, record_read
from core.contacts import book
from core.contacts.keys import Key, Known, known
from core.contacts.message import Given, scoped
from core.contacts.names import Names
from core.contacts.resolution import Resolved, resolve
from core.db import Connection, Database, driver_connection
from core.errors import NotFound
from core.vault import Vault
from core.web.etags import require_version

RACES = 3


async def open_client(database: Database, vault: Vault, caller: Principal, asked: ClientIn) -> ClientOut:
    """A new client. Raises IdentityTaken."""
    identities = given_identities(vault, asked, asked.identifiers)
    async with database.transaction() as session:
        connection = await driver_connection(session)
        contact = await book.open_client(connection, identities, name=asked.name, actor=caller.id)
        if asked.notes is not None:
            row = await _get(session, contact)
            await queries.update_client(session, row["key"], row["name"], _seal(vault, contact, asked.notes))
        return await shown(session, vault, contact)


async def find_or_create(database: Database, vault: Vault, caller: Principal, asked: FindIn) -> FoundOut:
    """Whom a message with these identifiers would be from; made now if there is nobody."""
    identities = given_identities(vault, asked, asked.identifiers)
    for _ in range(RACES - 1):
        try:
            return await _find_or_create(database, vault, caller, asked.name, identities)
        except UniqueViolationError:
            continue  # two requests gave one client a CPF at once: now one of them is seen
    return await _find_or_create(database, vault, caller, asked.name, identities)


async def get_client(database: Database, vault: Vault, caller: Principal, client_id: UUID) -> ClientOut:
    """The client with their identities, sensitive ones masked; the read is noted. Raises NotFound."""
    async with database.transaction() as session:
        found = await shown(session, vault, client_id)
        connection = await driver_connection(session)
        await record_read(connection, principal=caller.id, subject=f"client/{client_id}", what="client")
    return found


async def change_client(
    database: Database, vault: Vault, caller: Principal, client_id: UUID, if_match: str, asked: ClientPatch
) -> ClientOut:
    """Another name or other notes. Raises NotFound, ClientMerged or PreconditionFailed."""
    async with database.transaction() as session:
        connection = await driver_connection(session)
        key = await book.hold_active(connection, client_id)
        row = await _get(session, client_id)
        require_version(if_match, row["version"])
        given = asked.model_fields_set
        name = asked.name if "name" in given else row["name"]
        notes = _seal(vault, client_id, asked.notes) if "notes" in given else row["notes_sealed"]
        await queries.update_client(session, key, name, notes)
        await _note_change(connection, caller, client_id, given)
        return await shown(session, vault, client_id)


def given_identities(vault: Vault, asked: Scoped, items: Iterable[Given]) -> dict[Key, Known]:
    """What somebody is known by, strongest first, each once."""
    found = (
        known(vault, scoped(item.kind, item.value, account=asked.account, source=asked.source))
        for item in items
    )
    by_strength = sorted(found, key=lambda item: (item.key.kind.strength, item.key.match_key))
    return {item.key: item for item in by_strength}


async def shown(session: AsyncSession, vault: Vault, client_id: UUID) -> ClientOut:
    """The client as they are now. Raises NotFound."""
    row = await _get(session, client_id)
    return client_out(vault, row, await queries.list_identities(session, row["key"]))


async def _find_or_create(
    database: Database, vault: Vault, caller: Principal, name: str | None, identities: dict[Key, Known]
) -> FoundOut:
    async with database.transaction() as session:
        connection = await driver_connection(session)
        found: Resolved = await resolve(connection, Names(identities), name=name)
        if found.is_new:
            subject = f"client/{found.contact}"
            await record(connection, actor=caller.id, action="client.created", subject=subject)
        client = await shown(session, vault, found.contact)
    return FoundOut(**client.model_dump(), created=found.is_new, conflict=found.is_conflict)


async def _get(session: AsyncSession, client_id: UUID) -> queries.Found:
    row = await queries.find_client(session, client_id)
    if row is None:
        raise NotFound("there is no such client")
    return row


async def _note_change(connection: Connection, caller: Principal, client_id: UUID, what: set[str]) -> None:
    data = {"changed": ",".join(sorted(what))}
    await record(
        connection, actor=caller.id, action="client.updated", subject=f"client/{client_id}", data=data
    )


def _seal(vault: Vault, client_id: UUID, notes: str | None) -> bytes | None:
    return None if notes is None else vault.seal(notes.encode(), context=notes_context(client_id))
