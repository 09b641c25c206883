"""A place where cases are worked on, and time can be made to pass."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from core import cases
from core.cases import By, Held, OpenedCase
from core.db import Connection, Database
from core.models import CaseActor, CasePriority, CaseStatus
from core.vault import Vault

CLIENT = "INSERT INTO crm.clients (public_id, name) VALUES (gen_random_uuid(), 'Maria') RETURNING id"
# A lease that began and ends so much earlier: the guards are off, for nothing else moves time.
EARLIER = """
UPDATE crm.cases SET lease_expires_at = lease_expires_at - $1::text::interval,
    updated_at = updated_at - $1::text::interval WHERE public_id = '{0}';
UPDATE crm.case_assignments SET taken_at = taken_at - $1::text::interval,
    expires_at = expires_at - $1::text::interval, ended_at = ended_at - $1::text::interval
WHERE case_id = (SELECT id FROM crm.cases WHERE public_id = '{0}');
UPDATE crm.case_events SET expires_at = expires_at - $1::text::interval, at = at - $1::text::interval
WHERE case_id = (SELECT id FROM crm.cases WHERE public_id = '{0}')
"""
GUARDS = ";".join(
    f"ALTER TABLE crm.{table} {{0}} TRIGGER USER" for table in ("cases", "case_assignments", "case_events")
)
FOLD = """
SELECT c.public_id FROM crm.cases c
LEFT JOIN LATERAL (SELECT * FROM crm.case_events e WHERE e.case_id = c.id ORDER BY version DESC LIMIT 1) e
  ON true
LEFT JOIN crm.case_assignments a ON a.case_id = c.id AND a.ended_at IS NULL
WHERE (c.status, c.owner_id, c.lease_token, c.lease_expires_at, c.version) IS DISTINCT FROM
      (e.to_status, e.owner_id, e.token, e.expires_at, e.version)
   OR (c.owner_id, c.lease_expires_at) IS DISTINCT FROM (a.owner_id, a.expires_at)
   OR (c.owner_id IS NOT NULL AND c.lease_token <> a.token)
   OR (SELECT count(*) FROM crm.case_events x WHERE x.case_id = c.id) <> c.version
"""
GAPS = """
SELECT case_id FROM (
    SELECT case_id, from_status, version, token, change, owner_id,
           lag(to_status) OVER w AS before, lag(version) OVER w AS previous, lag(token) OVER w AS older
    FROM crm.case_events WINDOW w AS (PARTITION BY case_id ORDER BY version)) e
WHERE from_status IS DISTINCT FROM before OR version <> COALESCE(previous, 0) + 1 OR token < older
"""
OVERLAPS = """
SELECT a.case_id FROM crm.case_assignments a JOIN crm.case_assignments b
  ON a.case_id = b.case_id AND a.token < b.token
WHERE COALESCE(a.ended_at, a.expires_at) > b.taken_at OR a.ended_at IS NULL
"""
LEASES = """
SELECT COALESCE(a.case_id, e.case_id) FROM crm.case_assignments a
FULL JOIN (SELECT case_id, token, owner_id, expires_at, at FROM crm.case_events
           WHERE change IN ('assigned', 'transferred', 'extended')) e
  ON (a.case_id, a.token, a.owner_id, a.expires_at, a.taken_at)
   = (e.case_id, e.token, e.owner_id, e.expires_at, e.at)
WHERE a.case_id IS NULL OR e.case_id IS NULL
"""
FAULTS = {"fold": FOLD, "gaps": GAPS, "overlaps": OVERLAPS, "leases": LEASES}
"""Each must find nothing."""


def agent(number: int) -> By:
    return By(number, CaseActor.AGENT)


LEAD = By(900, CaseActor.SUPERVISOR, leads=True, sees=True)


class Office:
    """What agents and leads do, each in a transaction of its own."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self.database = database
        self.vault = vault

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with self.database.connection() as connection, connection.transaction():
            yield connection

    async def open(self, *, client: int | None = None, entity: str = "prefeitura", **more: Any) -> OpenedCase:
        async with self.transaction() as connection:
            who = client or await connection.fetchval(CLIENT)
            return await cases.open_case(connection, client=who, entity=entity, by=LEAD, **more)

    async def assign(self, case: UUID, by: By) -> Held:
        async with self.transaction() as connection:
            return await cases.assign(connection, case, by)

    async def next(self, by: By, entity: str | None = None) -> Held | None:
        async with self.transaction() as connection:
            return await cases.assign_next(connection, by, entity=entity)

    async def release(self, case: UUID, by: By, token: int) -> Held:
        async with self.transaction() as connection:
            return await cases.release(
                connection, case, by, token=token, reason="não atende", vault=self.vault
            )

    async def transfer(self, case: UUID, by: By, token: int, owner: int) -> Held:
        async with self.transaction() as connection:
            return await cases.transfer(
                connection, case, by, token=token, owner=owner, reason="férias", vault=self.vault
            )

    async def extend(self, case: UUID, by: By, token: int, hours: int | None = None) -> Held:
        async with self.transaction() as connection:
            return await cases.extend(
                connection, case, by, token=token, hours=hours, reason="viagem", vault=self.vault
            )

    async def move(self, case: UUID, by: By, token: int, to: CaseStatus) -> Held:
        async with self.transaction() as connection:
            return await cases.transition(
                connection, case, by, to=to, token=token, reason=None, vault=self.vault
            )

    async def maintain(self) -> tuple[int, int]:
        async with self.transaction() as connection:
            return tuple(await cases.maintain(connection))  # type: ignore[return-value]

    async def pass_time(self, case: UUID, interval: str) -> None:
        """As if the lease, and those before it, had been taken so much earlier."""
        async with self.transaction() as connection:
            await connection.execute(GUARDS.format("DISABLE"))
            for statement in EARLIER.format(case).split(";"):
                await connection.execute(statement, interval)
            await connection.execute(GUARDS.format("ENABLE"))

    async def fetch(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(statement, *values)]

    async def rules(self, **values: Any) -> None:
        for name, value in values.items():
            await self.fetch(f"UPDATE crm.case_rules SET {name} = $1", value)

    async def faults(self) -> dict[str, list[Any]]:
        return {name: found for name, sql in FAULTS.items() if (found := await self.fetch(sql))}


__all__ = ["LEAD", "CasePriority", "CaseStatus", "Office", "agent"]
