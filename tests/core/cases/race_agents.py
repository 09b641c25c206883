"""Agents who race for cases until all are sent on, in a process whose clock is wrong.

`python -m tests.core.cases.race_agents URL FIRST COUNT SKEW`; each lease that is won is told on its standard
output as `won CASE TOKEN OWNER`, each late write that is not refused as `late ...`. Leases last for LEASE.
"""

import asyncio
import base64
import random
import sys
import time
from datetime import timedelta
from uuid import UUID

import asyncpg

from core import cases
from core.cases import By, Held
from core.cases.errors import CaseAlreadyAssigned, CaseNotAssigned, StaleToken, TransitionNotAllowed
from core.cases.rules import Rules
from core.db import Database
from core.errors import NotFound
from core.models import CaseActor, CaseStatus
from core.vault import Vault

LEASE = timedelta(seconds=1)
WINDOW = 40
BUSY = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.QueryCanceledError)
UNDONE = "SELECT public_id FROM crm.cases WHERE status <> 'calculista_pendente' ORDER BY id"
VAULT = Vault({"k1": base64.b64encode(bytes(24))}, b"secret")


class Racers:
    """Agents of one process."""

    def __init__(self, database: Database, undone: list[UUID]) -> None:
        self.database = database
        self.undone = undone

    async def run(self, number: int) -> None:
        """One agent, until nothing is left."""
        me = By(number, CaseActor.AGENT)
        while self.undone:
            case = random.choice(self.undone[:WINDOW])
            try:
                await self.work_on(case, me)
            except (CaseAlreadyAssigned, StaleToken, CaseNotAssigned, *BUSY):
                await asyncio.sleep(random.uniform(0, 0.1))
            except TransitionNotAllowed:
                self.undone = [other for other in self.undone if other != case]

    async def work_on(self, case: UUID, me: By) -> None:
        async with self.database.connection() as connection, connection.transaction():
            held = (
                await cases.assign(connection, case, me)
                if random.random() < 0.8
                else await cases.assign_next(connection, me)
            )
        if held is None:
            return
        print("won", held.id, held.standing.token, me.id, flush=True)
        await random.choices([self.send, self.give_back, self.be_late, self.forget], [70, 10, 5, 15])[0](
            held, me
        )

    async def send(self, held: Held, me: By) -> None:
        async with self.database.connection() as connection, connection.transaction():
            await cases.transition(
                connection,
                held.id,
                me,
                to=CaseStatus.CALCULISTA_PENDENTE,
                token=held.standing.token,
                reason=None,
                vault=VAULT,
            )

    async def give_back(self, held: Held, me: By) -> None:
        async with self.database.connection() as connection, connection.transaction():
            await cases.release(connection, held.id, me, token=held.standing.token, reason=None, vault=VAULT)

    async def be_late(self, held: Held, me: By) -> None:
        """Act when the lease is over, whoever has the case by then."""
        await asyncio.sleep(LEASE.total_seconds() * 1.2)
        try:
            await random.choice([self.send, self.give_back])(held, me)
        except (StaleToken, NotFound):
            return
        print("late", held.id, held.standing.token, me.id, flush=True)

    async def forget(self, held: Held, me: By) -> None:
        """Let it expire."""


async def main(url: str, first: int, count: int) -> None:
    database = Database(url, pool_size=8, pool_timeout=120, statement_timeout=30, lock_timeout=10)
    async with database.connection() as connection:
        undone = [row["public_id"] for row in await connection.fetch(UNDONE)]
    racers = Racers(database, undone)
    await asyncio.gather(*(racers.run(number) for number in range(first, first + count)))
    await database.dispose()


def be_wrong_by(seconds: float) -> None:
    """Whatever this process asks the time for, it hears another one."""
    real, real_ns = time.time, time.time_ns
    time.time = lambda: real() + seconds
    time.time_ns = lambda: real_ns() + int(seconds * 1e9)


if __name__ == "__main__":
    Rules.lease = property(lambda _: LEASE)  # type: ignore[assignment, method-assign, misc]
    be_wrong_by(float(sys.argv[4]))
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
