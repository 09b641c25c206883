import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from core.db import Connection
from core.queue import INGESTION, Link, NewJob, Stats, enqueue, stats
from tests.patience import until

COLD = """
INSERT INTO ai.ingestion_payload (public_id, kind, namespace, source)
SELECT gen_random_uuid(), $1, 'default', 'inline' FROM generate_series(1, $2::int) RETURNING id"""
EFFECTS = """
CREATE TABLE IF NOT EXISTS public.effects (
    job_id bigint, what text, pid int, at timestamptz DEFAULT clock_timestamp())"""
HERE = Path(__file__).parent
ROOT = HERE.parent.parent


class Queue:
    """The ingestion queue as a test sees it; survives restarts of the server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._link = Link(url, application="test")

    async def connection(self) -> Connection:
        return await self._link.connection()

    async def put(self, kind: str, count: int = 1, **fields: int) -> list[int]:
        connection = await self.connection()
        ids = [row["id"] for row in await connection.fetch(COLD, kind, count)]
        await enqueue(connection, INGESTION, [NewJob(id_, **fields) for id_ in ids])
        return ids

    async def stats(self) -> Stats:
        return await stats(await self.connection(), INGESTION)

    async def completed(self) -> int:
        return (await self.stats()).completed

    async def status(self, job: int) -> str:
        connection = await self.connection()
        return str(await connection.fetchval("SELECT status FROM ai.ingestion_queue WHERE id = $1", job))

    async def codes(self, job: int) -> list[str]:
        connection = await self.connection()
        rows = await connection.fetch(
            "SELECT code FROM ai.ingestion_attempts WHERE job_id = $1 ORDER BY id", job
        )
        return [row["code"] for row in rows]

    async def effects(self, what: str, job: int | None = None) -> list[int]:
        """Who did it: process ids, in order."""
        connection = await self.connection()
        rows = await connection.fetch(
            "SELECT pid FROM public.effects "
            "WHERE what = $1 AND ($2::bigint IS NULL OR job_id = $2) ORDER BY at",
            what,
            job,
        )
        return [row["pid"] for row in rows]

    async def execute(self, statement: str) -> None:
        await (await self.connection()).execute(statement)

    async def close(self) -> None:
        await self._link.close()


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    return until


@pytest.fixture
async def queue(database_url: str) -> AsyncIterator[Queue]:
    queue = Queue(database_url)
    await queue.execute(EFFECTS)
    yield queue
    await queue.close()


class CeleryProcess:
    """A `celery` command of the product in a process group of its own."""

    def __init__(self, folder: Path, *command: str, environment: dict[str, str]) -> None:
        self.folder = folder
        self._log = (folder / f"{secrets.token_hex(4)}.log").open("w+")
        executable = Path(sys.executable).with_name("celery")
        self.process = subprocess.Popen(
            [executable, "-A", "probe_worker", *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{ROOT}", **environment},
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def log(self) -> str:
        return Path(self._log.name).read_text()

    def signal_group(self, number: int) -> None:
        os.killpg(self.process.pid, number)

    def close(self) -> None:
        with suppress(ProcessLookupError):
            self.signal_group(signal.SIGKILL)
        self.process.wait()
        self._log.close()


@pytest.fixture
def celery(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Callable[..., CeleryProcess]]:
    started: list[CeleryProcess] = []

    def run(*command: str, **environment: str) -> CeleryProcess:
        defaults = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "COGEP_ENV": "test",
            "PYTHONUNBUFFERED": "1",
            "COGEP_QUEUE_LEASE_SECONDS": "2",
            "COGEP_QUEUE_POLL_SECONDS": "0.2",
            "COGEP_QUEUE_GRACE_SECONDS": "0.5",
        }
        started.append(CeleryProcess(tmp_path, *command, environment=defaults | environment))
        return started[-1]

    yield run
    for process in started:
        process.close()
