"""Many people at once who are told by their CPF only: what `resolve` promises, in a few statements."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from asyncpg import Record

from core.contacts import queries
from core.contacts.keys import Key, Known
from core.db import Connection
from core.ids import uuid7
from core.models import EventType

INSERT_CLIENTS = """
WITH client AS (
    INSERT INTO crm.clients (public_id, name)
    SELECT id, name FROM unnest($1::uuid[], $2::text[]) AS given (id, name)
    RETURNING id, public_id
), told AS (
    INSERT INTO ops.outbox_events (public_id, type, subject, data)
    SELECT given.event, $4, client.public_id, jsonb_build_object('client_id', client.public_id)
    FROM client JOIN unnest($1::uuid[], $3::uuid[]) AS given (id, event) ON given.id = client.public_id
)
SELECT id, public_id FROM client
"""
INSERT_CPFS = """
INSERT INTO crm.identities (client_id, kind, match_key, raw_sealed)
SELECT client, 'cpf', match_key, raw FROM unnest($1::bigint[], $2::text[], $3::bytea[])
    AS given (client, match_key, raw)
"""
NAME_CLIENTS = """
UPDATE crm.clients c SET name = given.name, version = c.version + 1, updated_at = now()
FROM unnest($1::bigint[], $2::text[]) AS given (id, name), crm.clients before
WHERE c.id = given.id AND before.id = c.id AND c.name IS NULL
RETURNING c.id, c.version, before.updated_at
"""


class Told(NamedTuple):
    """Somebody with a CPF, and what they are called if that is known."""

    cpf: Known
    name: str | None


class People(NamedTuple):
    """The client of each key. `made` are new; `named` had no name: rows of (id, version, updated_at)."""

    clients: dict[Key, int]
    made: frozenset[int]
    named: Sequence[Record]


async def find_people(connection: Connection, told: Mapping[Key, Told]) -> dict[Key, int]:
    """The clients known by these CPFs, held: a merge of theirs waits until we are done."""
    owners = await queries.find_owners(connection, list(told))
    return {owner.key: owner.client for owner in owners}


async def resolve_people(connection: Connection, told: Mapping[Key, Told]) -> People:
    """The client of every CPF, made where there was none; in the caller's transaction.

    Only the keys that are nobody's yet are locked: for the others nothing about whose they are is written.
    """
    found = await find_people(connection, told)
    unknown = {key: person for key, person in told.items() if key not in found}
    if unknown:
        await queries.lock_keys(connection, list(unknown))
        found |= await find_people(connection, unknown)  # somebody came through another door meanwhile
    absent = {key: person for key, person in unknown.items() if key not in found}
    made = await _insert(connection, absent) if absent else {}
    return People(found | made, frozenset(made.values()), await _name(connection, told, found))


async def _insert(connection: Connection, people: Mapping[Key, Told]) -> dict[Key, int]:
    ids = [uuid7() for _ in people]
    names, events = [person.name for person in people.values()], [uuid7() for _ in people]
    rows = await connection.fetch(INSERT_CLIENTS, ids, names, events, EventType.CLIENT_CREATED.value)
    by_id = {row["public_id"]: row["id"] for row in rows}
    clients = {key: by_id[public] for key, public in zip(people, ids, strict=True)}
    sealed = [person.cpf.raw_sealed for person in people.values()]
    await connection.execute(INSERT_CPFS, list(clients.values()), [key.match_key for key in clients], sealed)
    return clients


async def _name(
    connection: Connection, told: Mapping[Key, Told], found: Mapping[Key, int]
) -> Sequence[Record]:
    """A client without a name gets the one that is told; one with a name keeps it."""
    names = {found[key]: person.name for key, person in told.items() if key in found and person.name}
    return await connection.fetch(NAME_CLIENTS, list(names), list(names.values())) if names else []
