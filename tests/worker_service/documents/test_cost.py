"""What a small document may cost, whatever the machine's speed: statements sent to the server."""

import asyncio
from typing import Any

import pytest
from asyncpg.connection import LoggedQuery
from sqlalchemy import event

from core.db import Database
from core.errors import JobError
from core.queue import INGESTION, CancelOutcome, Job, cancel, claim
from core.queue.jobs import CANCELLED
from core.settings import Environment, Settings
from tests.worker_service.documents.desk import Desk, Eventually
from worker_service.documents.pipeline import ingest
from worker_service.drain import context
from worker_service.drain.context import JobContext, Services


def page(title: str, number: int) -> bytes:
    """About 4 kB in three sections."""
    sentence = (
        f"O requerimento {number} de {title.lower()} é respondido pelo setor em até trinta dias úteis. "
    )
    return "\n\n".join(f"# {title} {part}\n\n{sentence * 15}" for part in range(3)).encode()


class Bill:
    """The statements of every connection of a database, while they are counted."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def opened(self, connection: Any, _record: Any) -> None:
        connection.driver_connection.add_query_logger(self._note)

    def _note(self, query: LoggedQuery) -> None:
        self.statements.append(query.query)


@pytest.fixture
def bill(database: Database) -> Bill:
    bill = Bill()
    event.listen(database.engine.sync_engine, "connect", bill.opened)
    return bill


@pytest.fixture
def desk(database: Database, eventually: Eventually) -> Desk:
    return Desk(database, eventually)


@pytest.fixture
def services(database: Database, database_url: str) -> Services:
    settings = Settings(_env_file=None, env=Environment.TEST, DATABASE_URL=database_url, REDIS_URL=None)
    return Services(settings, database, INGESTION, "w")


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine, no step is worth a report."""
    monkeypatch.setattr(context, "QUIET_SECONDS", 3600.0)


async def claimed(database: Database) -> Job:
    async with database.connection() as connection:
        _, [job] = await claim(connection, INGESTION, limit=1, worker="w", ttl=600)
    return job


async def statements(bill: Bill, services: Services) -> list[str]:
    job = await claimed(services.database)
    bill.statements.clear()
    await ingest(job, JobContext(job, services))
    return list(bill.statements)


async def told(desk: Desk) -> tuple[str | None, int]:
    stage, percent = await desk.one("SELECT stage, progress FROM ai.ingestion_queue")
    return stage, percent


async def test_a_small_document_takes_few_round_trips(desk: Desk, bill: Bill, services: Services) -> None:
    await desk.hand_in(page("Férias", 0), "first.md")
    await statements(bill, services)  # makes the namespace and its model
    job = await desk.hand_in(page("Licença", 1), "second.md")
    sent = await statements(bill, services)
    assert (await desk.job(job)).chunk_count == 3
    assert len(sent) <= 11


async def test_a_new_version_takes_two_more_and_known_bytes_half(
    desk: Desk, bill: Bill, services: Services
) -> None:
    await desk.hand_in(page("Férias", 0), "same.md")
    await statements(bill, services)
    await desk.hand_in(page("Férias", 1), "same.md")
    assert len(await statements(bill, services)) <= 13  # reads its vectors, takes out words that are gone
    again = await desk.hand_in(page("Férias", 1), "same.md", metadata={"ano": 2025})
    assert len(await statements(bill, services)) <= 8
    assert (await desk.job(again)).outcome == "unchanged"


async def test_statements_are_prepared_once(desk: Desk, bill: Bill, services: Services) -> None:
    """The same text for every document: a statement that holds a value would be planned anew each time."""
    sent = []
    for number in range(3):
        await desk.hand_in(page("Férias", number), f"{number}.md")
        sent.append(await statements(bill, services))
    assert sent[1] == sent[2]


async def test_a_step_that_takes_long_is_told_and_a_short_one_is_not(
    desk: Desk, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.hand_in(page("Férias", 0), "slow.md")
    job = JobContext(await claimed(services.database), services)
    async with job.step("reading", 20):
        await asyncio.sleep(0)
    await job.milestone("indexing", 90)
    assert await told(desk) == (None, 0)
    monkeypatch.setattr(context, "QUIET_SECONDS", 0.0)
    async with job.step("embedding", 50):
        await asyncio.sleep(0.01)
    assert await told(desk) == ("embedding", 50)
    await job.milestone("indexing", 90)
    assert await told(desk) == ("indexing", 90)


async def test_a_request_to_stop_is_heard_when_a_long_step_ends(
    desk: Desk, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "QUIET_SECONDS", 0.0)
    await desk.hand_in(page("Férias", 0), "slow.md")
    job = JobContext(await claimed(services.database), services)
    async with services.database.connection() as connection:
        assert await cancel(connection, INGESTION, job.job.id) is CancelOutcome.REQUESTED
    with pytest.raises(JobError) as stopped:
        async with job.step("reading", 20):
            await asyncio.sleep(0.01)
    assert stopped.value.code == CANCELLED
