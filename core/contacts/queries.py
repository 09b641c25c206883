"""The SQL of linking. Its order is the protocol: the keys' locks, their owners, the writes.

Where nothing but the event is written, because all keys are one client's, no key needs its lock.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Self
from uuid import UUID

from asyncpg import Record

from core.contacts.keys import Key, Known
from core.db import Connection
from core.ids import uuid7
from core.matching import IdentityKind
from core.models import ClientStatus, EventType

GET_EVENT = "SELECT public_id, body_sealed FROM crm.ingest_events WHERE id = $1"
GET_CONTACT = """
SELECT c.public_id FROM crm.ingest_events e JOIN crm.clients c ON c.id = e.client_id WHERE e.id = $1
"""
# Both ways of linking tell of it in the same statement: a round trip for it would be felt at the door.
_TOLD = """
INSERT INTO ops.outbox_events (public_id, type, subject, data)
SELECT $1, $2, public_id, jsonb_build_object('event_id', public_id, 'contact_id', contact) FROM linked
"""
# Waits for a merge of the owner, and then does not see an owner whose status it changed.
LINK_KNOWN = f"""
WITH owners AS (
    SELECT c.id, c.public_id
    FROM unnest($4::text[], $5::text[]) AS given (kind, match_key)
    JOIN crm.identities i ON i.kind = given.kind::crm.identity_kind AND i.match_key = given.match_key
    JOIN crm.clients c ON c.id = i.client_id
    WHERE i.valid_to IS NULL AND c.status = 'ACTIVE' AND ($6::text IS NULL OR c.name IS NOT NULL)
      AND i.last_seen_at > now() - interval '1 day'
    FOR KEY SHARE OF c
), owner AS (
    SELECT min(id) AS id, (array_agg(public_id))[1] AS contact FROM owners
    HAVING count(*) = cardinality($4) AND min(id) = max(id)
), linked AS (
    UPDATE crm.ingest_events e
    SET status = 'LINKED', client_id = owner.id, linked_at = now(), error_code = NULL, next_at = NULL
    FROM owner WHERE e.id = $3 AND e.status <> 'LINKED' RETURNING e.public_id, owner.contact
), told AS ({_TOLD})
SELECT contact FROM linked
"""  # noqa: S608 - both parts are constants
LOCK_KEYS = "SELECT count(pg_advisory_xact_lock(key)) FROM unnest($1::bigint[]) AS given (key)"
# Waits for a merge of an owner, and then tells its new status beside the identity as it was before.
FIND_OWNERS = """
SELECT i.kind::text, i.match_key, i.id AS identity, c.id, c.public_id, c.status::text,
       i.last_seen_at < now() - interval '1 day' AS is_unnoted,
       i.kind = 'phone' AND i.last_seen_at < now() - interval '12 months' AS is_silent,
       (SELECT match_key FROM crm.identities t
        WHERE t.client_id = c.id AND t.kind = 'cpf' AND t.valid_to IS NULL) AS cpf
FROM unnest($1::text[], $2::text[]) AS given (kind, match_key)
JOIN crm.identities i ON i.kind = given.kind::crm.identity_kind AND i.match_key = given.match_key
JOIN crm.clients c ON c.id = i.client_id
WHERE i.valid_to IS NULL FOR KEY SHARE OF c
"""
INSERT_CLIENT = """
WITH client AS (
    INSERT INTO crm.clients (public_id, name) VALUES ($1, $2) RETURNING id, public_id
), told AS (
    INSERT INTO ops.outbox_events (public_id, type, subject, data)
    SELECT $3, $4, public_id, jsonb_build_object('client_id', public_id) FROM client
)
SELECT id, public_id FROM client
"""
NAME_CLIENT = """
UPDATE crm.clients SET name = $2, version = version + 1, updated_at = now() WHERE id = $1 AND name IS NULL
"""
INSERT_IDENTITIES = """
INSERT INTO crm.identities (client_id, event_id, kind, match_key, raw, raw_sealed)
SELECT $1, $2, kind::crm.identity_kind, match_key, raw, raw_sealed
FROM unnest($3::text[], $4::text[], $5::text[], $6::bytea[]) AS given (kind, match_key, raw, raw_sealed)
"""
END_IDENTITY = """
UPDATE crm.identities SET valid_to = now()
WHERE client_id = $1 AND kind = $2::text::crm.identity_kind AND match_key = $3 AND valid_to IS NULL
"""
NOTE_SEEN = "UPDATE crm.identities SET last_seen_at = now() WHERE id = ANY($1)"
RETIRE = "UPDATE crm.identities SET valid_to = now() WHERE id = ANY($1)"
# Those a human said to be several people stay several, whoever says otherwise.
INSERT_CONFLICT = """
INSERT INTO crm.identity_conflicts (public_id, client_ids, chosen_id, event_id)
SELECT $1, $2, $3, $4 WHERE NOT EXISTS (
    SELECT FROM crm.identity_conflicts WHERE client_ids = $2 AND status = 'DISMISSED')
ON CONFLICT (client_ids) WHERE status = 'OPEN'
DO UPDATE SET occurrences = identity_conflicts.occurrences + 1,
              event_id = COALESCE(excluded.event_id, identity_conflicts.event_id)
"""
MARK_LINKED = f"""
WITH linked AS (
    UPDATE crm.ingest_events
    SET status = 'LINKED', client_id = $4, linked_at = now(), error_code = NULL, next_at = NULL
    WHERE id = $3 AND status <> 'LINKED' RETURNING public_id, $5::uuid AS contact
)
{_TOLD} RETURNING id
"""  # noqa: S608 - both parts are constants
# Waits 5 s, 10 s, 20 s, up to 15 min, each shortened by up to a half so that a crowd spreads.
MARK_FAILED = """
UPDATE crm.ingest_events
SET status = 'ERROR', error_code = $2, attempts = attempts + 1,
    next_at = CASE WHEN $3 AND attempts + 1 < $4 THEN now() + make_interval(
        secs => least(900, 5 * 2 ^ least(attempts, 10)) * (0.5 + random() / 2)) END
WHERE id = $1 AND status <> 'LINKED'
"""


class Owner(NamedTuple):
    """Whose a key is, and the CPF they have.

    `is_unnoted`: its use was last noted over a day ago. `is_silent`: a phone nobody has used for a year.
    """

    key: Key
    identity: int
    client: int
    contact: UUID
    cpf: Key | None
    is_unnoted: bool
    is_silent: bool

    @classmethod
    def of(cls, row: Record) -> Self:
        """A row of FIND_OWNERS."""
        cpf = Key(IdentityKind.CPF, row["cpf"]) if row["cpf"] else None
        return cls(
            Key(IdentityKind(row["kind"]), row["match_key"]),
            row["identity"],
            row["id"],
            row["public_id"],
            cpf,
            row["is_unnoted"],
            row["is_silent"],
        )


async def get_event(connection: Connection, event: int) -> Record:
    """The event's public id and sealed body."""
    row = await connection.fetchrow(GET_EVENT, event)
    assert row is not None, "an event is never deleted under its own link"
    return row


async def find_contact(connection: Connection, event: int) -> UUID | None:
    """Whose the event is, once it is linked."""
    contact: UUID | None = await connection.fetchval(GET_CONTACT, event)
    return contact


async def link_known(
    connection: Connection, event: int, keys: Sequence[Key], name: str | None
) -> UUID | None:
    """Link to the one client who has all of these keys already, and a name if one is told: one round trip.

    None when there is no such client, or when somebody else linked the event.
    """
    contact: UUID | None = await connection.fetchval(LINK_KNOWN, *_told(), event, *_columns(keys), name)
    return contact


async def lock_keys(connection: Connection, keys: Collection[Key]) -> None:
    """Be the only one to say whose these are. In one order, so that nobody waits in a circle."""
    await connection.execute(LOCK_KEYS, sorted(key.lock for key in keys))


async def find_owners(connection: Connection, keys: Sequence[Key]) -> list[Owner]:
    """The client of each key somebody has, held: a merge of theirs waits until we are done."""
    while True:
        rows = await connection.fetch(FIND_OWNERS, *_columns(keys))
        if all(
            row["status"] == ClientStatus.ACTIVE for row in rows
        ):  # else merged while we waited: look again
            return [Owner.of(row) for row in rows]


async def insert_client(connection: Connection, name: str | None) -> tuple[int, UUID]:
    """A new person; this is told."""
    row = await connection.fetchrow(INSERT_CLIENT, uuid7(), name, uuid7(), EventType.CLIENT_CREATED.value)
    assert row is not None, "RETURNING returns"
    return row["id"], row["public_id"]


async def name_client(connection: Connection, client: int, name: str) -> None:
    """Give a client without a name the one they go by."""
    await connection.execute(NAME_CLIENT, client, name)


async def insert_identities(
    connection: Connection, client: int, event: int | None, identities: Sequence[Known]
) -> None:
    """From now on the client is known by these, too."""
    keys = _columns([item.key for item in identities])
    raws, sealed = [item.raw for item in identities], [item.raw_sealed for item in identities]
    await connection.execute(INSERT_IDENTITIES, client, event, *keys, raws, sealed)


async def end_identity(connection: Connection, client: int, key: Key) -> None:
    """The client is not known by this any more; that they were is kept."""
    await connection.execute(END_IDENTITY, client, key.kind, key.match_key)


async def note_seen(connection: Connection, identities: Collection[int]) -> None:
    """They were used today."""
    await connection.execute(NOTE_SEEN, identities)


async def retire(connection: Connection, identities: Collection[int]) -> None:
    """From now on nobody is known by these."""
    await connection.execute(RETIRE, identities)


async def note_conflict(
    connection: Connection, clients: Collection[int], chosen: int, event: int | None
) -> None:
    """Put these clients before a human; an open case of the same ones is counted up."""
    await connection.execute(INSERT_CONFLICT, uuid7(), sorted(clients), chosen, event)


async def mark_linked(connection: Connection, event: int, client: int, contact: UUID) -> bool:
    """The event is the client's, and this is told; False when it is linked already."""
    return await connection.fetchval(MARK_LINKED, *_told(), event, client, contact) is not None


async def mark_failed(connection: Connection, event: int, code: str, *, again: bool, most: int) -> None:
    """The event waits for its next attempt, or for a human when `again` is false or `most` were made."""
    await connection.execute(MARK_FAILED, event, code, again, most)


def _columns(keys: Sequence[Key]) -> tuple[list[str], list[str]]:
    return [key.kind for key in keys], [key.match_key for key in keys]


def _told() -> tuple[UUID, str]:
    return uuid7(), EventType.MESSAGE_LINKED.value
