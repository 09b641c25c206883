"""A race for cases between processes that are killed, and what must be true after it."""

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.core.cases.office import Office

SKEWS = (0.0, 300.0, -300.0, 60.0)
SEED_CASES = """
WITH opened AS (
    INSERT INTO crm.clients (public_id, name) SELECT gen_random_uuid(), 'Cliente ' || n
    FROM generate_series(1, $1) n RETURNING id
), made AS (
    INSERT INTO crm.cases (public_id, client_id, entity, priority, data, queue_at)
    SELECT gen_random_uuid(), id, 'prefeitura', 'normal', '{}', now() FROM opened RETURNING id
)
INSERT INTO crm.case_events (public_id, case_id, version, change, to_status, token, acted_as)
SELECT gen_random_uuid(), id, 1, 'opened', 'disponivel', 0, 'system' FROM made
"""
UNDONE = "SELECT count(*) AS n FROM crm.cases WHERE status <> 'calculista_pendente'"
WON = """
SELECT public_id::text AS case, token, a.owner_id
FROM crm.case_assignments a JOIN crm.cases c ON c.id = case_id
"""


class Race:
    """Processes of agents, over one database."""

    def __init__(self, office: Office, folder: Path, *, processes: int, agents: int) -> None:
        self.office = office
        self.folder = folder
        self.each = agents // processes
        self.running: list[asyncio.subprocess.Process | None] = [None] * processes
        self.kills = self.started = 0

    async def run(self, cases: int, *, kill_every: float) -> None:
        """Until every case is sent on; a process is killed, and started again, every so many seconds."""
        await self.office.rules(max_active=1_000_000, retake_after_hours=0)
        for first in range(0, cases, 500):
            await self.office.fetch(SEED_CASES, min(500, cases - first))
        await asyncio.gather(*(self._start(place) for place in range(len(self.running))))
        while (await self.office.fetch(UNDONE))[0]["n"]:
            await asyncio.sleep(kill_every * random.uniform(0.5, 1.5))
            await self._restart(random.randrange(len(self.running)))
        for process in self.running:
            if process is not None:
                await process.wait()

    async def _restart(self, place: int) -> None:
        process = self.running[place]
        assert process is not None
        if process.returncode is None:
            process.kill()
            self.kills += 1
        await process.wait()
        await self._start(place)

    async def _start(self, place: int) -> None:
        self.started += 1
        arguments = [self.office.database.url, 1 + place * self.each, self.each, SKEWS[place % len(SKEWS)]]
        with (self.folder / f"{self.started}.txt").open("wb") as told:
            self.running[place] = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.core.cases.race_agents",
                *map(str, arguments),
                stdout=told,
            )

    def told(self, word: str) -> list[tuple[str, int, int]]:
        """What agents told of: (case, token, owner). A line cut by a kill tells nothing."""
        lines = [line.split() for file in self.folder.glob("*.txt") for line in file.read_text().splitlines()]
        return [(line[1], int(line[2]), int(line[3])) for line in lines if line[0] == word and len(line) == 4]

    async def verdict(self) -> dict[str, Any]:
        """What is wrong: nothing may be."""
        leases = {tuple(row.values()) for row in await self.office.fetch(WON)}
        won = set(self.told("won"))
        winners = Counter((case, token) for case, token, _ in won)
        found = {
            **await self.office.faults(),
            "two winners": [key for key, count in winners.items() if count > 1],
            "won and not written": sorted(won - leases),
            "late writes": self.told("late"),
        }
        return {name: faults for name, faults in found.items() if faults}
