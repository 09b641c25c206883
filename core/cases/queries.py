"""The SQL that changes cases. Times are read after the row is locked, and never run backwards in one case.

`clock_timestamp()`, not `now()`: a transaction that waited for another one must not act in its past.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Record

from core.cases.standing import Held, Note, Standing
from core.db import Connection
from core.ids import uuid7
from core.models import CaseStatus, LeaseEnd

COLUMNS = """
    id AS key, public_id AS id, status::text, owner_id, lease_token, lease_expires_at, version, priority,
    GREATEST(clock_timestamp(), updated_at) AS at,
    (SELECT c.public_id FROM crm.clients c WHERE c.id = client_id) AS client
"""
LOCKED = f"SELECT {COLUMNS} FROM (SELECT * FROM crm.cases WHERE {{}} FOR NO KEY UPDATE {{}}) AS locked"  # noqa: S608 - our own words
LOCK = LOCKED.format("public_id = $1", "")
LOCK_EXPIRED = LOCKED.format(
    "owner_id IS NOT NULL AND lease_expires_at <= now() ORDER BY lease_expires_at LIMIT $1", "SKIP LOCKED"
)
# One claims one case at a time, so that their cases can be counted.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('cases of ' || $1::bigint, 0))"
COUNT = "SELECT count(*) FROM crm.cases WHERE owner_id = $1 AND lease_expires_at > clock_timestamp()"
# In their order: the case, the new owner, the length of the lease, the cap, the wait after an expiry. A lease
# that is over and not ended is two changes: its end, then the new one.
CLAIM = """
WITH before AS MATERIALIZED ({before})
UPDATE crm.cases c
SET owner_id = $2, lease_token = c.lease_token + CASE WHEN c.owner_id IS NULL THEN 1 ELSE 2 END,
    lease_expires_at = b.at + $3,
    status = CASE WHEN c.status = 'calculo_rejeitado' OR c.status = 'disponivel'
             THEN 'em_atendimento' ELSE c.status END,
    version = c.version + CASE WHEN c.owner_id IS NULL THEN 1 ELSE 2 END, updated_at = b.at
FROM before b
WHERE c.id = b.key AND (c.owner_id IS NULL OR c.lease_expires_at <= b.at)
  AND c.status IN ('disponivel', 'em_atendimento', 'calculo_aprovado', 'calculo_rejeitado',
                   'fechamento_pendente')
  AND (SELECT count(*) FROM crm.cases o WHERE o.owner_id = $2 AND o.lease_expires_at > b.at) < $4
  AND NOT {let_expire}
RETURNING b.*, c.status::text AS status_after, c.lease_token AS token_after,
          c.lease_expires_at AS expires_after, c.version AS version_after
"""
LET_EXPIRE = """
(c.owner_id IS NOT DISTINCT FROM $2 AND c.lease_expires_at > {at} - $5::interval
 OR EXISTS (SELECT FROM crm.case_assignments a WHERE a.case_id = c.id AND a.owner_id = $2
            AND a.reason = 'EXPIRED' AND a.ended_at > {at} - $5::interval))
"""
CLAIM_ONE = CLAIM.format(before=LOCK, let_expire=LET_EXPIRE.format(at="b.at"))
NEXT = LOCKED.format(
    f"""id = (SELECT c.id FROM crm.cases c
      WHERE c.status IN ('disponivel', 'em_atendimento')
        AND (c.owner_id IS NULL OR c.lease_expires_at <= now())
        AND ($1::text IS NULL OR c.entity = $1)
        AND NOT {LET_EXPIRE.format(at="now()")}
      ORDER BY c.queue_at, c.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)""",  # noqa: S608 - our own words
    "SKIP LOCKED",
)
CLAIM_NEXT = CLAIM.format(before=NEXT, let_expire=LET_EXPIRE.format(at="b.at"))
HAS_LET_EXPIRE = f"SELECT {LET_EXPIRE.format(at='clock_timestamp()')} FROM crm.cases c WHERE c.public_id = $1"  # noqa: S608 - our own words
UPDATE = """
UPDATE crm.cases SET status = $2::text::crm.case_status, owner_id = $3, lease_token = $4,
    lease_expires_at = $5, version = version + 1, updated_at = $6
WHERE id = $1
"""
# What expired ended when it expired, however late that is written down.
END = """
UPDATE crm.case_assignments SET ended_at = LEAST($2, expires_at), reason = $3::text::crm.lease_end
WHERE case_id = $1 AND ended_at IS NULL
"""
TAKE = """
INSERT INTO crm.case_assignments (case_id, token, owner_id, taken_at, expires_at) VALUES ($1, $2, $3, $4, $5)
"""
INSERT_EVENT = """
INSERT INTO crm.case_events (public_id, case_id, version, change, from_status, to_status, owner_id, token,
                             expires_at, actor_id, acted_as, reason_sealed, at)
VALUES ($1, $2, $3, $4::text::crm.case_change, $5::text::crm.case_status, $6::text::crm.case_status, $7, $8,
        $9, $10, $11::text::crm.case_actor, $12, $13)
"""
HAD = "SELECT EXISTS (SELECT FROM crm.case_assignments WHERE case_id = $1 AND token = $2 AND owner_id = $3)"
# Waits for a merge of the client, and then tells who has what was theirs.
HOLD_CLIENT = """
SELECT id, public_id, COALESCE(merged_into_id, id) AS holder FROM crm.clients WHERE id = $1 FOR KEY SHARE
"""
INSERT = """
INSERT INTO crm.cases (public_id, client_id, entity, priority, data, opened_by, queue_at)
VALUES ($1, $2, $3, $4::text::crm.case_priority, $5::text::jsonb, $6, now() - $7::interval)
ON CONFLICT (client_id, entity)
WHERE status NOT IN ('contrato_efetivado', 'encerrado', 'sem_contato', 'cancelado') DO NOTHING
RETURNING id AS key, public_id AS id, number, opened_at
"""
OPEN_ONE = """
SELECT id AS key, public_id AS id, number FROM crm.cases WHERE client_id = $1 AND entity = $2
AND status NOT IN ('contrato_efetivado', 'encerrado', 'sem_contato', 'cancelado')
"""
# Thresholds that a lease has passed since it began; what is noted once is not noted again.
ALERT = """
WITH near AS (
    SELECT c.id, c.public_id, c.lease_token, c.owner_id, c.client_id, c.lease_expires_at, a.taken_at
    FROM crm.cases c
    JOIN crm.case_assignments a ON a.case_id = c.id AND a.token = c.lease_token AND a.ended_at IS NULL
    WHERE c.owner_id IS NOT NULL AND c.lease_expires_at > now()
      AND c.lease_expires_at <= now() + make_interval(hours => (SELECT max(h) FROM unnest($1::smallint[]) h))
      AND EXISTS (SELECT FROM unnest($1::smallint[]) h
                  WHERE c.lease_expires_at <= now() + make_interval(hours => h)
                    AND a.taken_at < c.lease_expires_at - make_interval(hours => h)
                    AND NOT EXISTS (SELECT FROM crm.case_alerts d
                                    WHERE (d.case_id, d.token, d.threshold_hours) = (c.id, c.lease_token, h)))
    ORDER BY c.lease_expires_at LIMIT $2 FOR NO KEY UPDATE OF c SKIP LOCKED
), noted AS (
    INSERT INTO crm.case_alerts (case_id, token, threshold_hours)
    SELECT n.id, n.lease_token, h FROM near n, unnest($1::smallint[]) h
    WHERE n.lease_expires_at <= now() + make_interval(hours => h)
      AND n.taken_at < n.lease_expires_at - make_interval(hours => h)
    ON CONFLICT DO NOTHING RETURNING case_id, threshold_hours
)
SELECT n.public_id AS id, c.public_id AS client, n.owner_id, n.lease_token, min(x.threshold_hours) AS hours
FROM noted x JOIN near n ON n.id = x.case_id JOIN crm.clients c ON c.id = n.client_id
GROUP BY n.public_id, c.public_id, n.owner_id, n.lease_token
"""


async def lock_case(connection: Connection, case: UUID) -> Held | None:
    """The case, locked."""
    row = await connection.fetchrow(LOCK, case)
    return None if row is None else Held.of(row)


async def lock_expired(connection: Connection, *, limit: int) -> list[Held]:
    """Cases whose lease is over and not ended, longest first; those others work on are left to them."""
    return [Held.of(row) for row in await connection.fetch(LOCK_EXPIRED, limit)]


async def claim(
    connection: Connection,
    which: UUID | str | None,
    owner: int,
    *,
    lease: timedelta,
    max_active: int,
    retake_after: timedelta,
    any_of_entity: bool,
) -> Record | None:
    """The one conditional UPDATE: the case before and after; None when it may not be taken.

    `which` is a case or, with `any_of_entity`, an entity whose best waiting case is meant (None: of any).
    """
    statement = CLAIM_NEXT if any_of_entity else CLAIM_ONE
    return await connection.fetchrow(statement, which, owner, lease, max_active, retake_after)


async def stand_alone(connection: Connection, owner: int) -> None:
    """Until the transaction ends nobody else makes this owner's cases more."""
    await connection.execute(ONE_AT_A_TIME, owner)


async def count_active(connection: Connection, owner: int) -> int:
    """How many cases somebody has."""
    count: int = await connection.fetchval(COUNT, owner)
    return count


async def has_let_expire(connection: Connection, case: UUID, owner: int, retake_after: timedelta) -> bool:
    """Whether they let this case expire so lately that they have to wait."""
    statement = HAS_LET_EXPIRE.replace("$5", "$3")
    return bool(await connection.fetchval(statement, case, owner, retake_after))


async def had_lease(connection: Connection, key: int, token: int, owner: int) -> bool:
    """Whether this token was ever theirs."""
    return bool(await connection.fetchval(HAD, key, token, owner))


async def update_case(connection: Connection, held: Held, after: Standing) -> None:
    """Write a locked case as its next version."""
    await connection.execute(UPDATE, held.key, after.status.value, *after[1:], held.at)


async def end_lease(connection: Connection, key: int, at: datetime, reason: LeaseEnd) -> None:
    """End the lease that runs."""
    await connection.execute(END, key, at, reason.value)


async def insert_lease(connection: Connection, held: Held, after: Standing) -> None:
    """Note who has the case from now on."""
    await connection.execute(TAKE, held.key, after.token, after.owner, held.at, after.expires_at)


async def insert_event(
    connection: Connection,
    event: UUID,
    held: Held,
    after: Standing,
    note: Note,
    reason: bytes | None,
    *,
    start: CaseStatus | None,
) -> None:
    """Note the version of the case after `held`, None as its start when it is the first."""
    by = note.by
    await connection.execute(
        INSERT_EVENT,
        event,
        held.key,
        held.version + 1,
        note.change.value,
        None if start is None else start.value,
        after.status.value,
        *after[1:],
        by.id,
        by.role.value,
        reason,
        held.at,
    )


async def hold_client(connection: Connection, client: int) -> Record:
    """The client, or who they were merged into, held: no merge of theirs until we are done."""
    while row := await connection.fetchrow(HOLD_CLIENT, client):
        if row["holder"] == client:
            return row
        client = row["holder"]
    raise AssertionError("clients are never deleted")


async def insert_case(connection: Connection, *row: Any) -> Record | None:
    """Store a case that is nobody's; None when its client has an open one at its entity."""
    return await connection.fetchrow(INSERT, uuid7(), *row)


async def find_open(connection: Connection, client: int, entity: str) -> Record | None:
    """The client's open case at the entity."""
    return await connection.fetchrow(OPEN_ONE, client, entity)


async def insert_alerts(connection: Connection, hours: Sequence[int], *, limit: int) -> list[Record]:
    """Note which leases passed which threshold; of each, the nearest one that was not noted before."""
    return list(await connection.fetch(ALERT, list(hours), limit))
