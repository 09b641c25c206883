import asyncio
import os
import random
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from agent_service.knowledge.service import delete_document
from core.access import Permission, Principal, PrincipalKind, Role
from core.db import Database
from core.errors import DomainError
from core.settings import Environment, Settings
from ingestion_service.documents import service
from tests.worker_service.documents.desk import Desk, ring, working

BUSY = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, DBAPIError)
"""What callers read as 503."""

SEED = int(os.environ.get("COGEP_CHAOS_SEED", "1"))
CLIENTS, STEPS, SOURCES = 16, 15, 4
ADMIN = Principal(1, "test", PrincipalKind.KEY, Role.SERVICE, frozenset(Permission))
UNDONE = "SELECT count(*) FROM ai.ingestion_queue WHERE status IN ('PENDING', 'PROCESSING')"
# Each must find nothing.
FAULTS = {
    "frequencies": """
        SELECT term FROM ai.terms t FULL JOIN (
            SELECT term, count(*) AS df FROM ai.chunks, unnest(tsvector_to_array(lexemes)) AS term
            WHERE term NOT LIKE '#%' GROUP BY term) AS x USING (term)
        WHERE t.document_frequency IS DISTINCT FROM x.df""",
    "counts": "SELECT id FROM ai.namespaces WHERE chunk_count <> (SELECT count(*) FROM ai.chunks)",
    "documents": """
        SELECT d.id FROM ai.documents d WHERE (d.deleted_at IS NULL) <> EXISTS (
            SELECT FROM ai.chunks c WHERE c.document_id = d.id AND c.version_id = d.current_version_id)""",
    "stale chunks": """
        SELECT c.id FROM ai.chunks c JOIN ai.documents d ON d.id = c.document_id
        WHERE c.version_id IS DISTINCT FROM d.current_version_id""",
    "results": """
        SELECT q.id FROM ai.ingestion_queue q LEFT JOIN ai.ingestion_results r ON r.job_id = q.id
        WHERE (q.status = 'COMPLETED') <> (r.job_id IS NOT NULL)""",
    "attempts": "SELECT id FROM ai.ingestion_queue WHERE attempt > max_attempts OR dedupe_key IS NOT NULL",
    "keys": """
        SELECT idempotency_key FROM ai.ingestion_payload WHERE idempotency_key IS NOT NULL
        GROUP BY 1 HAVING count(*) > 1""",
    "codes": "SELECT job_id FROM ai.ingestion_attempts WHERE code <> 'cancelled'",
    "what came last": """
        SELECT d.source FROM ai.documents d
        JOIN LATERAL (
            SELECT p.blob_sha256, p.created_at
            FROM ai.ingestion_payload p JOIN ai.ingestion_queue q USING (id)
            WHERE p.source = d.source AND q.status = 'COMPLETED' ORDER BY id DESC LIMIT 1) p ON true
        JOIN ai.blobs b ON b.sha256 = p.blob_sha256
        LEFT JOIN ai.document_versions v ON v.id = d.current_version_id
        WHERE CASE WHEN d.deleted_at IS NULL
                   THEN v.canonical_text <> trim(convert_from(b.data, 'UTF8'))
                   ELSE p.created_at > d.deleted_at END""",
}


class Clients:
    """They hand in, delete, cancel and retry, all over the same few documents."""

    def __init__(self, desk: Desk, database: Database) -> None:
        self._desk = desk
        self._database = database
        self._random = random.Random(SEED)
        self._jobs: list[UUID] = []

    async def one(self) -> None:
        for _ in range(STEPS):
            with suppress(DomainError, *BUSY):
                await self._random.choices(self._moves, [14, 3, 2, 1])[0]()
            await asyncio.sleep(self._random.uniform(0, 0.02))

    @property
    def _moves(self) -> list[Callable[[], Any]]:
        return [self._hand_in, self._delete, self._cancel, self._retry]

    async def _hand_in(self) -> None:
        body = f"Texto {self._random.randrange(3)} sobre prazos e normas.".encode()
        key = self._random.choice([None] * 4 + [f"k{self._random.randrange(20)}"])
        priority = self._random.choice([1, 100])
        self._jobs.append(
            await self._desk.hand_in(body, self._source(), idempotency_key=key, priority=priority)
        )

    async def _delete(self) -> None:
        async with self._database.transaction() as session:
            found = await session.scalar(
                text("SELECT public_id FROM ai.documents WHERE deleted_at IS NULL AND source = :source"),
                {"source": self._source()},
            )
        if found:
            await delete_document(self._database, found, actor=None)

    async def _cancel(self) -> None:
        if self._jobs:
            await service.cancel_job(self._database, ADMIN, self._random.choice(self._jobs))

    async def _retry(self) -> None:
        if self._jobs:
            await service.retry_job(self._database, ADMIN, self._random.choice(self._jobs), ring)

    def _source(self) -> str:
        return f"doc{self._random.randrange(SOURCES)}.txt"


async def until(condition: Callable[[], Any]) -> None:
    deadline = monotonic() + 90
    while not await condition():
        assert monotonic() < deadline, "it never became true"
        await asyncio.sleep(0.05)


async def test_whatever_clients_do_at_once_the_index_is_exact_and_what_came_last_wins(
    database_url: str,
) -> None:
    settings = Settings(
        _env_file=None,
        env=Environment.TEST,
        DATABASE_URL=database_url,
        REDIS_URL=None,
        queue_poll_seconds=0.05,
    )
    database = Database(database_url, pool_size=CLIENTS)
    desk = Desk(database, until)
    clients = Clients(desk, database)

    async def drained() -> bool:
        return bool((await desk.one(UNDONE))[0] == 0)

    async with working(settings), working(settings):
        await asyncio.gather(*(clients.one() for _ in range(CLIENTS)))
        await until(drained)
    async with database.transaction() as session:
        found = {name: (await session.execute(text(sql))).all() for name, sql in FAULTS.items()}
    await database.dispose()
    assert found == {name: [] for name in FAULTS}
