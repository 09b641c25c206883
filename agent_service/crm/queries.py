"""The SQL of clients, conflicts and merges. A merge locks both clients; linking waits, and looks again."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.ids import uuid7
from core.models import ConflictStatus

Found = dict[str, Any]
"""A row by its column names."""

CONFLICT = """
    SELECT f.id AS key, f.public_id AS id, f.status::text, f.occurrences, f.created_at, f.resolved_at,
           e.public_id AS event_id, c.public_id AS linked_to,
           ARRAY(SELECT public_id FROM crm.clients WHERE id = ANY(f.client_ids) ORDER BY id) AS clients
    FROM crm.identity_conflicts f
    LEFT JOIN crm.ingest_events e ON e.id = f.event_id
    JOIN crm.clients c ON c.id = f.chosen_id
    """
CONFLICTS = text(
    f"""
    {CONFLICT} WHERE f.status = CAST(CAST(:status AS text) AS crm.conflict_status)
      AND (CAST(:before AS bigint) IS NULL OR f.id < :before)
    ORDER BY f.id DESC LIMIT :limit
    """
)
GET_CONFLICT = text(f"{CONFLICT} WHERE f.public_id = :id")
DISMISS = text(
    "UPDATE crm.identity_conflicts SET status = 'DISMISSED', resolved_at = now(), resolved_by = :principal"
    " WHERE public_id = :id AND status = 'OPEN' RETURNING id"
)
LOCK_PAIR = text(
    "SELECT id AS key, public_id AS id, name, status::text, merged_into_id FROM crm.clients"
    " WHERE public_id = ANY(:ids) ORDER BY id FOR UPDATE"
)
# Turns hold their conversation first and then its client: so does a merge.
HOLD_TALKS = text(
    "SELECT t.id FROM crm.conversations t JOIN crm.clients c ON c.id = t.client_id"
    " WHERE c.public_id = ANY(:ids) ORDER BY t.id FOR NO KEY UPDATE OF t"
)
# Where a person answers the one, the assistant does not answer both.
HAND_OVER = text(
    """
    INSERT INTO crm.conversations AS c
        (public_id, client_id, account, source, mode, assigned_id, last_inbound_at)
    SELECT gen_random_uuid(), :winner, account, source, mode, assigned_id, last_inbound_at
    FROM crm.conversations WHERE client_id = :loser AND mode = 'human'
    ON CONFLICT (client_id, account, source) DO UPDATE
    SET mode = 'human', assigned_id = coalesce(c.assigned_id, excluded.assigned_id), version = c.version + 1
    WHERE c.mode <> 'human'
    """
)
CPFS = text(
    "SELECT count(*) FROM crm.identities WHERE client_id = ANY(:keys) AND kind = 'cpf' AND valid_to IS NULL"
)
OPEN_CASES = text(
    "SELECT entity FROM crm.cases WHERE client_id = ANY(:keys)"
    " AND status NOT IN ('contrato_efetivado', 'encerrado', 'sem_contato', 'cancelado')"
    " GROUP BY entity HAVING count(*) > 1"
)
THEIRS = text(
    """
    SELECT ARRAY(SELECT id FROM crm.identities WHERE client_id = :key ORDER BY id) AS identities,
           ARRAY(SELECT id FROM crm.ingest_events WHERE client_id = :key ORDER BY id) AS events,
           ARRAY(SELECT id FROM crm.tickets WHERE client_id = :key ORDER BY id) AS tickets,
           ARRAY(SELECT id FROM crm.cases WHERE client_id = :key ORDER BY id) AS cases,
           ARRAY(SELECT id FROM crm.enrollments e WHERE client_id = :key AND NOT EXISTS (
               SELECT FROM crm.enrollments same WHERE same.client_id = :winner
                 AND same.entity = e.entity AND same.number = e.number) ORDER BY id) AS enrollments
    """
)
# What changes hands in a merge, as `client_merges.moved` calls it.
MOVE = {
    name: text(
        f"UPDATE {table} SET client_id = :target WHERE id = ANY(:ids) AND client_id = :origin"  # noqa: S608 - ours
    )
    for name, table in {
        "identities": "crm.identities",
        "events": "crm.ingest_events",
        "tickets": "crm.tickets",
        "cases": "crm.cases",
        "enrollments": "crm.enrollments",
    }.items()
}
MARK_MERGED = text(
    "UPDATE crm.clients SET status = 'MERGED', merged_into_id = :winner, version = version + 1,"
    " updated_at = now() WHERE id = :loser"
)
MARK_ACTIVE = text(
    "UPDATE crm.clients SET status = 'ACTIVE', merged_into_id = NULL, version = version + 1,"
    " updated_at = now() WHERE id = :loser"
)
NAME = text("UPDATE crm.clients SET name = :name, version = version + 1, updated_at = now() WHERE id = :key")
INSERT_MERGE = text(
    "INSERT INTO crm.client_merges (public_id, winner_id, loser_id, moved, principal_id)"
    " VALUES (:id, :winner, :loser, CAST(:moved AS jsonb), :principal)"
)
LOCK_MERGE = text(
    """
    SELECT m.id AS key, m.public_id AS id, m.moved, m.undone_at, w.public_id AS winner, l.public_id AS loser
    FROM crm.client_merges m
    JOIN crm.clients w ON w.id = m.winner_id
    JOIN crm.clients l ON l.id = m.loser_id
    WHERE m.public_id = :id FOR UPDATE OF m
    """
)
MARK_UNDONE = text(
    "UPDATE crm.client_merges SET undone_at = now(), undone_by = :principal WHERE id = :key"
    " RETURNING undone_at"
)
# A conflict is over once all its clients are one, through however many merges.
RESOLVE = text(
    """
    UPDATE crm.identity_conflicts f SET status = 'RESOLVED', resolved_at = now()
    WHERE f.status = 'OPEN' AND :loser = ANY(f.client_ids) AND NOT EXISTS (
        SELECT FROM crm.clients c WHERE c.id = ANY(f.client_ids) AND c.id <> :winner
        AND c.merged_into_id IS DISTINCT FROM :winner)
    """
)
REOPEN = text(
    """
    UPDATE crm.identity_conflicts f SET status = 'OPEN', resolved_at = NULL
    WHERE f.id = (
        SELECT max(id) FROM crm.identity_conflicts o WHERE o.status = 'RESOLVED'
        AND :winner = ANY(o.client_ids) AND :loser = ANY(o.client_ids)
        AND NOT EXISTS (SELECT FROM crm.identity_conflicts p
                        WHERE p.status = 'OPEN' AND p.client_ids = o.client_ids))
    """
)


async def list_conflicts(
    session: AsyncSession, status: ConflictStatus, *, before: int | None, limit: int
) -> Sequence[Found]:
    """Conflicts, newest first, before the key `before`."""
    values = {"status": status.value, "before": before, "limit": limit}
    return [dict(row) for row in (await session.execute(CONFLICTS, values)).mappings()]


async def dismiss(session: AsyncSession, conflict: UUID, principal: int) -> bool:
    """Decide that these are several people; False when it was not open."""
    values = {"id": conflict, "principal": principal}
    return await session.scalar(DISMISS, values) is not None


async def find_conflict(session: AsyncSession, conflict: UUID) -> Found | None:
    """The conflict."""
    return await _one(session, GET_CONFLICT, id=conflict)


async def lock_clients(session: AsyncSession, *ids: UUID) -> dict[UUID, Found]:
    """These clients, locked in one order until the transaction ends."""
    rows = (await session.execute(LOCK_PAIR, {"ids": list(ids)})).mappings()
    return {row["id"]: dict(row) for row in rows}


async def hold_talks(session: AsyncSession, *ids: UUID) -> None:
    """No turn ends in a conversation of these clients until the transaction ends."""
    await session.execute(HOLD_TALKS, {"ids": list(ids)})


async def hand_over(session: AsyncSession, winner: int, loser: int) -> None:
    """Who answers the loser answers the winner from now on."""
    await session.execute(HAND_OVER, {"winner": winner, "loser": loser})


async def count_cpfs(session: AsyncSession, *clients: int) -> int:
    """How many CPFs these clients have together."""
    return await session.scalar(CPFS, {"keys": list(clients)}) or 0


async def has_two_open_cases(session: AsyncSession, *clients: int) -> bool:
    """Whether these clients together have two open cases at one entity."""
    return (await session.execute(OPEN_CASES, {"keys": list(clients)})).first() is not None


async def list_theirs(session: AsyncSession, client: int, *, winner: int) -> dict[str, list[int]]:
    """The client's rows that a merge hands over, by what they are; an enrollment both have stays."""
    return await _one(session, THEIRS, key=client, winner=winner) or {}


async def move(session: AsyncSession, rows: dict[str, Any], origin: int, target: int) -> None:
    """Hand rows over, those that still are the origin's."""
    for name, statement in MOVE.items():
        if ids := rows.get(name):
            await session.execute(statement, {"ids": ids, "origin": origin, "target": target})


async def insert_merge(
    session: AsyncSession, winner: int, loser: int, moved: dict[str, Any], principal: int
) -> UUID:
    """Mark the loser merged and note what was moved."""
    merge = uuid7()
    await session.execute(MARK_MERGED, {"winner": winner, "loser": loser})
    await session.execute(RESOLVE, {"winner": winner, "loser": loser})
    values = {"id": merge, "winner": winner, "loser": loser, "principal": principal}
    await session.execute(INSERT_MERGE, {**values, "moved": json.dumps(moved)})
    return merge


async def lock_merge(session: AsyncSession, merge_id: UUID) -> Found | None:
    """The merge, locked."""
    return await _one(session, LOCK_MERGE, id=merge_id)


async def mark_undone(session: AsyncSession, merge: int, winner: int, loser: int, principal: int) -> Any:
    """The loser is a client again; when that was."""
    await session.execute(MARK_ACTIVE, {"loser": loser})
    await session.execute(REOPEN, {"winner": winner, "loser": loser})
    return await session.scalar(MARK_UNDONE, {"key": merge, "principal": principal})


async def rename(session: AsyncSession, client: int, name: str | None) -> None:
    """Change the name of a client."""
    await session.execute(NAME, {"key": client, "name": name})


async def _one(session: AsyncSession, statement: Any, **values: Any) -> Found | None:
    row = (await session.execute(statement, values)).mappings().one_or_none()
    return None if row is None else dict(row)
