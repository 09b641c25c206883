"""The SQL that reads cases, as they are now: a lease that is over counts no more, be that noted or not.

Whose a case is lies in the statement: what another has is not found.
"""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

Found = dict[str, Any]
"""A row by its column names."""

FREE = "(c.owner_id IS NULL OR c.lease_expires_at <= now())"
STATUS = f"CASE WHEN c.status = 'em_atendimento' AND {FREE} THEN 'disponivel' ELSE c.status END"
WHO = """
CASE WHEN {0} IS NULL THEN NULL ELSE COALESCE(
    (SELECT jsonb_build_object('id', public_id, 'name', name) FROM ops.people WHERE id = {0}),
    (SELECT jsonb_build_object('id', public_id, 'name', name) FROM ops.api_keys WHERE id = {0})) END
"""
HOLDER = f"CASE WHEN {FREE} THEN NULL ELSE c.owner_id END"
HELD_BY = "c.owner_id = (SELECT id FROM ops.people WHERE public_id = :somebody)"
CASE = f"""
SELECT c.id AS key, c.public_id AS id, c.number, p.public_id AS client_id, c.entity,
       ({STATUS})::text AS status, c.priority::text, {WHO.format(f"({HOLDER})")} AS owner,
       c.lease_token AS token, CASE WHEN {FREE} THEN NULL ELSE c.lease_expires_at END AS expires_at,
       c.data, c.opened_at, c.updated_at, c.version
FROM crm.cases c JOIN crm.clients p ON p.id = c.client_id
WHERE (CAST(:owner AS bigint) IS NULL OR {FREE} OR c.owner_id = :owner)
"""  # noqa: S608 - our own words
CONDITIONS = {
    "status": f"({STATUS}) = CAST(CAST(:status AS text) AS crm.case_status)",
    "entity": "c.entity = :entity",
    "priority": "c.priority = CAST(CAST(:priority AS text) AS crm.case_priority)",
    "client_id": "c.client_id = (SELECT id FROM crm.clients WHERE public_id = :client_id)",
    "me": f"(c.owner_id = :me AND NOT {FREE})",
    "nobody": FREE,
    "somebody": f"({HELD_BY} AND NOT {FREE})",
    "pool": f"({STATUS}) = 'disponivel'",
    "taken": f"({STATUS}) <> 'disponivel'",
    "before": "c.id < :before",
}
ASSIGNMENTS = f"""
SELECT a.token AS key, a.token, {WHO.format("a.owner_id")} AS owner, a.taken_at, a.expires_at,
       COALESCE(a.ended_at, CASE WHEN a.expires_at <= now() THEN a.expires_at END) AS ended_at,
       COALESCE(a.reason::text, CASE WHEN a.expires_at <= now() THEN 'EXPIRED' END) AS reason
FROM crm.case_assignments a
WHERE a.case_id = :case AND (CAST(:before AS bigint) IS NULL OR a.token < :before)
ORDER BY a.token DESC LIMIT :limit
"""  # noqa: S608 - our own words
EVENTS = f"""
SELECT e.version AS key, e.public_id AS id, e.version, e.change::text, e.from_status::text,
       e.to_status::text, {WHO.format("e.owner_id")} AS owner, e.token, e.expires_at,
       {WHO.format("e.actor_id")} AS actor, e.acted_as::text, e.reason_sealed, e.at
FROM crm.case_events e
WHERE e.case_id = :case AND (CAST(:before AS bigint) IS NULL OR e.version < :before)
ORDER BY e.version DESC LIMIT :limit
"""  # noqa: S608 - our own words
HOLD_CLIENT = text("SELECT id, status::text FROM crm.clients WHERE public_id = :id FOR KEY SHARE")
FIND_PERSON = text("SELECT id FROM ops.people WHERE active AND role::text = ANY(:roles) AND public_id = :id")


async def find_case(session: AsyncSession, case: UUID, owner: int | None) -> Found | None:
    """The case, if it is the owner's or nobody's; any case when `owner` is None."""
    statement = text(f"{CASE} AND c.public_id = :id")
    row = (await session.execute(statement, {"id": case, "owner": owner})).mappings().one_or_none()
    return None if row is None else dict(row)


async def list_cases(
    session: AsyncSession, owner: int | None, filters: Found, *, limit: int
) -> Sequence[Found]:
    """Cases, newest first; `filters` names CONDITIONS."""
    conditions = " AND ".join([CASE, *(CONDITIONS[name] for name in filters)])
    statement = text(f"{conditions} ORDER BY c.id DESC LIMIT :limit")
    rows = await session.execute(statement, {**filters, "owner": owner, "limit": limit})
    return [dict(row) for row in rows.mappings()]


async def list_assignments(
    session: AsyncSession, case: int, *, before: int | None, limit: int
) -> Sequence[Found]:
    """Who had the case, last first."""
    values = {"case": case, "before": before, "limit": limit}
    return [dict(row) for row in (await session.execute(text(ASSIGNMENTS), values)).mappings()]


async def list_events(session: AsyncSession, case: int, *, before: int | None, limit: int) -> Sequence[Found]:
    """What became of the case, newest first."""
    values = {"case": case, "before": before, "limit": limit}
    return [dict(row) for row in (await session.execute(text(EVENTS), values)).mappings()]


async def hold_client(session: AsyncSession, client: UUID) -> Found | None:
    """The client's key and status; no merge of theirs until the transaction ends."""
    row = (await session.execute(HOLD_CLIENT, {"id": client})).mappings().one_or_none()
    return None if row is None else dict(row)


async def find_person(session: AsyncSession, roles: Collection[str], person: UUID) -> int | None:
    """The key of an active person in one of these roles."""
    found: int | None = await session.scalar(FIND_PERSON, {"roles": list(roles), "id": person})
    return found
