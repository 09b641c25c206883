"""The SQL that reads clients, and changes what is written about them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.contacts.keys import Key

Found = dict[str, Any]
"""A row by its column names."""

CLIENT = """
SELECT c.id AS key, c.public_id AS id, c.name, c.notes_sealed, c.status::text, c.created_at, c.updated_at,
       c.version, w.public_id AS merged_into
FROM crm.clients c LEFT JOIN crm.clients w ON w.id = c.merged_into_id
"""
FIND = text(f"{CLIENT} WHERE c.public_id = :id")
IDENTITIES = text(
    "SELECT i.public_id AS id, i.kind::text, match_key, raw, raw_sealed, valid_from, last_seen_at, valid_to"
    " FROM crm.identities i WHERE client_id = :key ORDER BY i.kind, i.id"
)
# For the statement after it, too: Postgres takes a rare word for a frequent one, and would read everybody in
# their order rather than ask the index of words.
WORDS = text(
    "SELECT word, set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'off', true)"
    " FROM unnest(crm.name_words(:q)) AS word"
)
OF_STATUS = "c.status = CAST(CAST(:status AS text) AS crm.client_status)"
BEFORE = "(CAST(:before AS bigint) IS NULL OR c.id < :before)"
# A word of the name, its beginning, or either with one letter wrong.
BY_WORD = "c.name_terms && crm.name_guesses(:{})"
BY_KEYS = """
c.id IN (SELECT i.client_id FROM crm.identities i
         JOIN unnest(CAST(:kinds AS text[]), CAST(:keys AS text[])) AS given (kind, match_key)
           ON i.kind = CAST(given.kind AS crm.identity_kind) AND i.match_key = given.match_key
         WHERE i.valid_to IS NULL)
"""
UPDATE = text(
    "UPDATE crm.clients SET name = :name, notes_sealed = :notes, version = version + 1, updated_at = now()"
    " WHERE id = :key"
)
# Of each kind no more than a page is read. A new kind of moment is one more member, and a TimelineKind.
MOMENTS = {
    "consent": """
        SELECT decided_at AS at, id AS key, public_id AS id, jsonb_build_object(
            'purpose', purpose, 'action', action, 'cause', cause, 'channel', channel) AS data
        FROM crm.consents WHERE client_id = :client""",
    "merge": """
        SELECT m.created_at AS at, m.id AS key, m.public_id AS id, jsonb_build_object(
            'winner', w.public_id, 'loser', l.public_id, 'undone_at', m.undone_at) AS data
        FROM crm.client_merges m
        JOIN crm.clients w ON w.id = m.winner_id
        JOIN crm.clients l ON l.id = m.loser_id
        WHERE :client IN (m.winner_id, m.loser_id)""",
    "message": """
        SELECT received_at AS at, id AS key, public_id AS id, jsonb_build_object(
            'source', source, 'account', account) AS data
        FROM crm.ingest_events WHERE client_id = :client""",
    "ticket": """
        SELECT opened_at AS at, id AS key, public_id AS id, jsonb_build_object(
            'number', number, 'status', status, 'priority', priority) AS data
        FROM crm.tickets WHERE client_id = :client
          AND (CAST(:owner AS bigint) IS NULL OR assignee_id IS NULL OR assignee_id = :owner)""",
}
MOMENT = """
(SELECT '{kind}' AS kind, at, key, id, data, CAST(EXTRACT(epoch FROM at) * 1000000 AS bigint) AS micros
 FROM ({source}) AS {kind}s
 WHERE CAST(:micros AS bigint) IS NULL
    OR (CAST(EXTRACT(epoch FROM at) * 1000000 AS bigint), '{kind}', key)
       < (CAST(:micros AS bigint), CAST(:kind AS text), CAST(:place AS bigint))
 ORDER BY at DESC, key DESC LIMIT :limit)
"""
TIMELINE = text(
    " UNION ALL ".join(MOMENT.format(kind=kind, source=source) for kind, source in MOMENTS.items())
    + " ORDER BY micros DESC, kind DESC, key DESC LIMIT :limit"
)


async def find_client(session: AsyncSession, client: UUID) -> Found | None:
    """The client."""
    row = (await session.execute(FIND, {"id": client})).mappings().one_or_none()
    return None if row is None else dict(row)


async def list_identities(session: AsyncSession, client: int) -> Sequence[Found]:
    """What the client is and was known by, strongest first."""
    return [dict(row) for row in (await session.execute(IDENTITIES, {"key": client})).mappings()]


async def list_words(session: AsyncSession, q: str) -> list[str]:
    """The words of a name as the search compares them; what is looked up next goes by its index."""
    return list(await session.scalars(WORDS, {"q": q}))


async def list_clients(
    session: AsyncSession,
    status: str,
    *,
    keys: Sequence[Key],
    words: Sequence[str],
    before: int | None,
    limit: int,
) -> Sequence[Found]:
    """Clients, newest first, before the key `before`: who have one of `keys` (if any) and all `words`."""
    values = {f"w{place}": word for place, word in enumerate(words)}
    conditions = [OF_STATUS, BEFORE, *(BY_WORD.format(name) for name in values), *([BY_KEYS] if keys else [])]
    given: Found = {"kinds": [key.kind.value for key in keys], "keys": [key.match_key for key in keys]}
    statement = text(f"{CLIENT} WHERE {' AND '.join(conditions)} ORDER BY c.id DESC LIMIT :limit")
    wanted = {**values, **(given if keys else {}), "status": status, "before": before, "limit": limit}
    return [dict(row) for row in (await session.execute(statement, wanted)).mappings()]


async def update_client(session: AsyncSession, client: int, name: str | None, notes: bytes | None) -> None:
    """Write a locked client as their next version."""
    await session.execute(UPDATE, {"key": client, "name": name, "notes": notes})


async def list_moments(
    session: AsyncSession,
    client: int,
    owner: int | None,
    *,
    after: Sequence[int | str] | None,
    limit: int,
) -> Sequence[Found]:
    """What happened with a client, newest first, after the place (microseconds, kind, key)."""
    micros, kind, key = after or (None, None, None)
    place = {"micros": micros, "kind": kind, "place": key}
    values = {"client": client, "owner": owner, "limit": limit, **place}
    return [dict(row) for row in (await session.execute(TIMELINE, values)).mappings()]
