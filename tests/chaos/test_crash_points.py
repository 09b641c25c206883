import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP
from time import monotonic
from typing import Any

import psutil
import pytest

from core.db import Database
from core.migrations import ROOT
from core.settings import Environment, Settings
from tests.worker_service.documents.desk import Desk, working

LEASE = 1.5
PATIENCE = 90.0
STATE = """
SELECT (SELECT array_agg(number ORDER BY number) FROM ai.document_versions) AS versions,
       (SELECT count(*) FROM ai.ingestion_results) AS results,
       (SELECT count(*) FROM ai.ingestion_lease) AS leases,
       (SELECT bool_and(c.version_id = d.current_version_id) FROM ai.chunks c
        JOIN ai.documents d ON d.id = c.document_id) AS current,
       (SELECT count(*) = count(DISTINCT (document_id, ordinal)) FROM ai.chunks) AS single,
       (SELECT array_agg(chunk_count) FROM ai.namespaces)
           = (SELECT array[count(*)] FROM ai.chunks) AS counted,
       (SELECT count(*) FROM ai.chunks) = (SELECT count(*) FROM ai.embeddings) AS embedded"""
WRONG = """
SELECT count(*) FROM ai.terms t FULL JOIN (
    SELECT term, count(*) AS df FROM ai.chunks, unnest(tsvector_to_array(lexemes)) AS term
    WHERE term NOT LIKE '#%' GROUP BY term) AS x USING (term)
WHERE t.document_frequency IS DISTINCT FROM x.df"""
JOB = "SELECT status::text, attempt, lease_id FROM ai.ingestion_queue ORDER BY id DESC LIMIT 1"

Worker = Callable[[str, int], "subprocess.Popen[bytes]"]


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(
        _env_file=None,
        env=Environment.TEST,
        DATABASE_URL=database_url,
        REDIS_URL=None,
        queue_poll_seconds=0.1,
        queue_lease_seconds=LEASE,
    )


@pytest.fixture
def worker(database_url: str, tmp_path: Path) -> Iterator[Worker]:
    started: list[subprocess.Popen[bytes]] = []

    def start(step: str, number: int) -> "subprocess.Popen[bytes]":
        environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
        environment |= {
            "DATABASE_URL": database_url,
            "COGEP_ENV": "test",
            "COGEP_QUEUE_LEASE_SECONDS": str(LEASE),
            "COGEP_QUEUE_POLL_SECONDS": "0.1",
        }
        with (tmp_path / "worker.log").open("ab") as log:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.chaos.crash_worker", step, str(number)],
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                )
            )
        return started[-1]

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database, until)


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    deadline = monotonic() + PATIENCE
    while not await condition():
        assert monotonic() < deadline, "it never became true"
        await asyncio.sleep(0.05)


def page(*paragraphs: str) -> bytes:
    body = "".join(f"<h2>Item {n}</h2><p>{text}</p>" for n, text in enumerate(paragraphs))
    return f"<html><title>Regimento</title><body>{body}</body></html>".encode()


OLD = page(*(f"O prazo antigo número {n} é de trinta dias. " * 9 for n in range(8)))
NEW = page(*(f"O prazo novo número {n} é de quarenta dias. " * 9 for n in range(5)))


@pytest.mark.parametrize(
    ("step", "attempts"),
    [
        ("claimed", 2),
        ("fetched", 2),
        ("reading", 2),
        ("read", 2),
        ("embedded", 2),
        ("indexed", 2),
        ("commit sent", 1),
        ("committed", 1),
    ],
)
async def test_a_worker_killed_at_any_step_leaves_the_job_to_be_done_once(
    desk: Desk, settings: Settings, worker: Worker, step: str, attempts: int
) -> None:
    async with working(settings):
        await desk.ingest(OLD, "regimento.html")
    job = await desk.hand_in(NEW, "regimento.html")
    victim = worker(step, SIGKILL)
    await until(lambda: _ended(victim))
    assert victim.returncode == -SIGKILL
    async with working(settings):
        ended = await desk.ended(job)
        await until(lambda: _no_leases(desk))
    assert (ended.status, ended.outcome, ended.failures) == ("COMPLETED", "indexed", attempts - 1)
    assert tuple(await desk.one(JOB)) == ("COMPLETED", attempts, None)
    await _all_is_exact(desk)
    assert not _parsers_of(victim.pid)


@pytest.mark.parametrize("step", ["reading", "indexed"])
async def test_a_worker_frozen_past_its_lease_changes_nothing_when_it_wakes(
    desk: Desk, settings: Settings, worker: Worker, step: str
) -> None:
    """Frozen while it holds locks, too: the server ends a transaction that idles."""
    async with working(settings):
        await desk.ingest(OLD, "regimento.html")
    job = await desk.hand_in(NEW, "regimento.html")
    neighbour = await desk.hand_in(OLD, "vizinho.html")
    zombie = worker(step, SIGSTOP)
    await until(lambda: _frozen(zombie))
    async with working(settings):
        ended = [await desk.ended(one) for one in (job, neighbour)]
        zombie.send_signal(SIGCONT)
        assert zombie.stdin is not None
        zombie.stdin.close()
        await until(lambda: _ended(zombie))
        await until(lambda: _no_leases(desk))
    assert {(one.status, one.outcome) for one in ended} == {("COMPLETED", "indexed")}
    assert await desk.one("SELECT count(*) FROM ai.ingestion_results") == (3,)
    assert await desk.one(WRONG) == (0,)
    assert {code for (code,) in [await desk.one("SELECT DISTINCT code FROM ai.ingestion_attempts")]} == {
        "worker_died"
    }


async def _all_is_exact(desk: Desk) -> None:
    state: Any = await desk.one(STATE)
    assert state._asdict() == {
        "versions": [1, 2],
        "results": 2,
        "leases": 0,
        "current": True,
        "single": True,
        "counted": True,
        "embedded": True,
    }
    assert await desk.one(WRONG) == (0,)


async def _no_leases(desk: Desk) -> bool:
    return tuple(await desk.one("SELECT count(*) FROM ai.ingestion_lease")) == (0,)


async def _ended(process: "subprocess.Popen[bytes]") -> bool:
    return process.poll() is not None


async def _frozen(process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None
    return psutil.Process(process.pid).status() == psutil.STATUS_STOPPED


def _parsers_of(parent: int) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["ppid", "cmdline"])
        if process.info["ppid"] == parent
        and "worker_service.documents.child" in (process.info["cmdline"] or [])
    ]
