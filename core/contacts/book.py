"""Clients as people keep them: opened by hand, their identities attached, taken away and handed over.

Where somebody new may become known by a key, the key is locked, as it is for messages.
"""

from collections.abc import Mapping
from uuid import UUID

from asyncpg import Record

from core.audit import record
from core.contacts import queries
from core.contacts.errors import ClientMerged, IdentityTaken, SecondCpf
from core.contacts.keys import Key, Known
from core.db import Connection
from core.errors import NotFound
from core.matching import IdentityKind
from core.models import ClientStatus

LOCK_CLIENT = "SELECT id, status::text FROM crm.clients WHERE public_id = $1 FOR NO KEY UPDATE"
HAS_CPF = """
SELECT EXISTS (SELECT FROM crm.identities WHERE client_id = $1 AND kind = 'cpf' AND valid_to IS NULL)
"""
GET_IDENTITY = """
SELECT id, kind::text FROM crm.identities
WHERE client_id = $1 AND public_id = $2 AND valid_to IS NULL FOR NO KEY UPDATE
"""
INSERT_COPY = """
INSERT INTO crm.identities (client_id, kind, match_key, raw, raw_sealed)
SELECT $1, kind, match_key, raw, raw_sealed FROM crm.identities WHERE id = $2
"""


async def open_client(
    connection: Connection, identities: Mapping[Key, Known], *, name: str | None, actor: int
) -> UUID:
    """A new client, known by these. Raises IdentityTaken when one of them is anybody's."""
    await queries.lock_keys(connection, list(identities))
    if await queries.find_owners(connection, list(identities)):
        raise IdentityTaken("somebody is known by one of these already: find_or_create finds them")
    client, contact = await queries.insert_client(connection, name)
    if identities:
        await queries.insert_identities(connection, client, None, list(identities.values()))
    await record(connection, actor=actor, action="client.created", subject=f"client/{contact}")
    return contact


async def attach(connection: Connection, contact: UUID, identity: Known, *, actor: int) -> None:
    """The client is known by this, too; nothing changes if they are already.

    Raises NotFound, ClientMerged, IdentityTaken or SecondCpf.
    """
    await queries.lock_keys(connection, [identity.key])
    client = await hold_active(connection, contact)
    owners = await queries.find_owners(connection, [identity.key])
    if any(owner.client != client for owner in owners):
        raise IdentityTaken("somebody else is known by this")
    if owners:
        return
    await _refuse_second_cpf(connection, client, identity.key.kind)
    await queries.insert_identities(connection, client, None, [identity])
    await _note(connection, actor, "client.identity_attached", contact, identity.key.kind)


async def detach(connection: Connection, contact: UUID, identity: UUID, *, actor: int) -> None:
    """The client is no longer known by this. Raises NotFound or ClientMerged."""
    client = await hold_active(connection, contact)
    row = await _get_identity(connection, client, identity)
    await queries.retire(connection, [row["id"]])
    await _note(connection, actor, "client.identity_detached", contact, IdentityKind(row["kind"]))


async def hand_over(connection: Connection, contact: UUID, identity: UUID, to: UUID, *, actor: int) -> None:
    """It is another client who is known by this. Raises NotFound, ClientMerged or SecondCpf."""
    first, second = sorted((contact, to))
    held = {first: await hold_active(connection, first), second: await hold_active(connection, second)}
    row = await _get_identity(connection, held[contact], identity)
    kind = IdentityKind(row["kind"])
    if contact != to:
        await _refuse_second_cpf(connection, held[to], kind)
        await queries.retire(connection, [row["id"]])
        await _insert_copy(connection, held[to], row["id"])
        await _note(connection, actor, "client.identity_moved", contact, kind, to=str(to))


async def hold_active(connection: Connection, contact: UUID) -> int:
    """The client's key, locked until the transaction ends. Raises NotFound or ClientMerged."""
    row = await _lock_client(connection, contact)
    if row is None:
        raise NotFound("there is no such client")
    if row["status"] != ClientStatus.ACTIVE:
        raise ClientMerged("this client is part of another one")
    key: int = row["id"]
    return key


async def _refuse_second_cpf(connection: Connection, client: int, kind: IdentityKind) -> None:
    if kind is IdentityKind.CPF and await _has_cpf(connection, client):
        raise SecondCpf("this client has another CPF: two CPFs are two people")


async def _note(
    connection: Connection, actor: int, action: str, contact: UUID, kind: IdentityKind, **more: str
) -> None:
    data = {"kind": kind.value, **more}
    await record(connection, actor=actor, action=action, subject=f"client/{contact}", data=data)


async def _lock_client(connection: Connection, contact: UUID) -> Record | None:
    return await connection.fetchrow(LOCK_CLIENT, contact)


async def _has_cpf(connection: Connection, client: int) -> bool:
    return bool(await connection.fetchval(HAS_CPF, client))


async def _get_identity(connection: Connection, client: int, identity: UUID) -> Record:
    row = await connection.fetchrow(GET_IDENTITY, client, identity)
    if row is None:
        raise NotFound("the client is not known by this")
    return row


async def _insert_copy(connection: Connection, client: int, identity: int) -> None:
    await connection.execute(INSERT_COPY, client, identity)
