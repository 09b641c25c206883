import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text

from core.db import Database
from core.models import JobKind
from core.settings import Settings
from ingestion_service.documents.service import accept_documents
from ingestion_service.documents.submission import Submission
from worker_service.drain.worker import QueueWorker
from worker_service.handlers import HANDLERS

JOB = """
SELECT q.status::text, r.outcome, r.chunk_count, r.embedded_count, d.title,
       (SELECT code FROM ai.ingestion_attempts a WHERE a.job_id = p.id ORDER BY a.id DESC LIMIT 1) AS code,
       (SELECT count(*) FROM ai.ingestion_attempts a WHERE a.job_id = p.id) AS failures
FROM ai.ingestion_payload p JOIN ai.ingestion_queue q USING (id)
LEFT JOIN ai.ingestion_results r ON r.job_id = p.id LEFT JOIN ai.documents d ON d.id = r.document_id
WHERE p.public_id = :id"""

Eventually = Callable[..., Awaitable[None]]


async def ring() -> None:
    await asyncio.sleep(0)


def _submission(blob: bytes | None, source: str, **fields: Any) -> Submission:
    kind = JobKind.URL if blob is None else JobKind.FILE
    values: dict[str, Any] = {
        "principal_id": 1,
        "kind": kind,
        "namespace": "default",
        "source": source,
        "title": None,
    }
    values |= {"metadata": {}, "priority": 100, "run_at": None, "idempotency_key": None, "blob": blob}
    return Submission(**values | {"filename": None if blob is None else source} | fields)


class Desk:
    """Hands documents in and waits for their end."""

    def __init__(self, database: Database, eventually: Eventually) -> None:
        self._database = database
        self._eventually = eventually

    async def hand_in(self, blob: bytes | None, source: str, **fields: Any) -> Any:
        [job] = await self.hand_in_all(source, [(blob, fields)], together=True)
        return job

    async def hand_in_all(
        self, source: str, items: Sequence[tuple[bytes | None, dict[str, Any]]], *, together: bool
    ) -> list[Any]:
        """Versions of one source, in one batch or one after the other."""
        submissions = [_submission(blob, source, **fields) for blob, fields in items]
        batches = [submissions] if together else [[submission] for submission in submissions]
        accepted = [
            await accept_documents(self._database, batch, max_attempts=2, ring=ring) for batch in batches
        ]
        return [job.id for batch in accepted for job in batch.jobs]

    async def job(self, identifier: Any) -> Any:
        async with self._database.transaction() as session:
            return (await session.execute(text(JOB), {"id": identifier})).one()

    async def ended(self, identifier: Any) -> Any:
        async def over() -> bool:
            return (await self.job(identifier)).status in {"COMPLETED", "FAILED"}

        await self._eventually(over)
        return await self.job(identifier)

    async def ingest(self, blob: bytes | None, source: str, **fields: Any) -> Any:
        return await self.ended(await self.hand_in(blob, source, **fields))

    async def one(self, statement: str, **parameters: Any) -> Any:
        async with self._database.transaction() as session:
            return (await session.execute(text(statement), parameters)).one()


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    worker = QueueWorker(settings, HANDLERS)
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await worker.stop(5)


def handbook(**changed: str) -> bytes:
    sections = {
        f"Seção {n}": f"O procedimento {n} leva {n + 2} dias úteis. " * 20 for n in range(12)
    } | changed
    return "\n\n".join(f"## {title}\n\n{body}" for title, body in sections.items()).encode()
