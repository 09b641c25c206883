"""Processes of the ingestion API, each on a port of its own, killed and replaced at random; Postgres, too."""

import asyncio
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from signal import SIGKILL
from subprocess import PIPE

import asyncpg

from core.migrations import ROOT
from core.settings import Settings
from tests.product import free_port

BACKEND = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
ORDER BY random() LIMIT 1"""
BLOWS_PER_BACKEND = 8


class Fleet:
    """`ports` stay the same whoever dies; `blows` counts the dead."""

    def __init__(self, nursery: asyncio.subprocess.Process, size: int, superuser_url: str) -> None:
        self.ports = [free_port() for _ in range(size)]
        self.blows: Counter[str] = Counter()
        self._nursery, self._url = nursery, superuser_url

    async def launch(self) -> None:
        """Start a process for every port."""
        for port in self.ports:
            await self._replace(port)

    async def strike(self, dice: random.Random) -> None:
        """Kill an API process now and then, and sometimes a process of the database instead."""
        while True:
            await asyncio.sleep(dice.uniform(1, 3))
            if self.blows.total() % BLOWS_PER_BACKEND == 1:
                await self._kill_backend()
            else:
                await self._replace(dice.choice(self.ports))
                self.blows["API processes"] += 1

    async def _kill_backend(self) -> None:
        """Postgres then ends all the others, too, and recovers from its log."""
        with suppress(asyncpg.PostgresError, OSError):
            connection = await asyncpg.connect(self._url)
            pid = await connection.fetchval(BACKEND)
            connection.terminate()
            os.kill(pid, SIGKILL)
        self.blows["Postgres backends"] += 1

    async def _replace(self, port: int) -> None:
        """Returns when the process of this port is dead, and its successor is being born."""
        assert self._nursery.stdin
        assert self._nursery.stdout
        self._nursery.stdin.write(f"{port}\n".encode())
        assert await self._nursery.stdout.readline(), "the nursery is gone"


@asynccontextmanager
async def fleet(settings: Settings, size: int, superuser_url: str) -> AsyncIterator[Fleet]:
    """So many processes, ended with the block."""
    command = [sys.executable, "-m", "tests.chaos.nursery"]
    nursery = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, cwd=ROOT, env=os.environ | _environment(settings), process_group=0
    )
    try:
        launched = Fleet(nursery, size, superuser_url)
        await launched.launch()
        yield launched
    finally:
        assert nursery.stdin
        nursery.stdin.close()
        await nursery.wait()


def _environment(settings: Settings) -> dict[str, str]:
    assert settings.field_keys
    assert settings.match_secret
    assert settings.redis_url
    return {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "COGEP_FIELD_KEYS": settings.field_keys.get_secret_value(),
        "COGEP_DATABASE_POOL_SIZE": "4",  # a life is short, and connecting costs more than asking
        "COGEP_LOG_LEVEL": "ERROR",
        "COGEP_MATCH_SECRET": settings.match_secret.get_secret_value(),
    }
