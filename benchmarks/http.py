"""The services in real uvicorn processes beside a bare FastAPI over the same SQL: interleaved, medians."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, cycle
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.corpus import store
from benchmarks.http_load import rate
from benchmarks.question_sets import load
from benchmarks.serving import Service, admin_key, serving
from core import log
from core.db import Database, driver_connection
from core.embeddings.hashed_ngrams import HashedNgrams
from core.migrations import upgrade
from ops.embedded import ephemeral_servers

ROUNDS, SECONDS = 5, 3.0
QUICK_ROUNDS, QUICK_SECONDS = 2, 1.0
APPS = {
    "ingestion": "ingestion_service.main:app",
    "agent": "agent_service.main:app",
    "bare": "benchmarks.contenders.bare_api:app",
}
SET = "faquad"


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked of `app`, again and again, over so many connections."""

    app: str
    path: str
    connections: int
    bodies: Callable[[], Iterator[Any]]


@dataclass(frozen=True, slots=True)
class Row:
    """Medians of requests a second; `megabytes` is what the service's process has in memory at the end."""

    name: str
    connections: int
    ours: float
    bare: float
    megabytes: float


def run(*, quick: bool = False) -> list[Row]:
    """Measure every case, ours and the bare one in turns."""
    log.configure(level="ERROR")
    with ephemeral_servers(durable=True) as servers, ExitStack() as stack:
        servers.postgres.create_database("http")
        url = servers.postgres.url("http")
        upgrade(url)
        key = asyncio.run(_prepared(url))
        services = {name: stack.enter_context(serving(app, url, servers)) for name, app in APPS.items()}
        rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
        return [asyncio.run(_measured(case, services, key, rounds, seconds)) for case in _cases()]


def _cases() -> list[Case]:
    questions = [question for question, _ in load(SET).questions]
    numbers = count()

    def texts() -> Iterator[Any]:
        for number in numbers:
            yield {
                "text": f"O atendimento funciona das 8h às 18h. Protocolo {number}.",
                "source": f"{number}",
            }

    def asked(name: str) -> Callable[[], Iterator[Any]]:
        return lambda: cycle({name: question} for question in questions)

    return [
        Case("ingestion", "/ingest", 1, texts),
        Case("ingestion", "/ingest", 16, texts),
        Case("agent", "/retrieve", 4, asked("query")),
        Case("agent", "/chat", 4, asked("question")),
    ]


async def _measured(case: Case, services: dict[str, Service], key: str, rounds: int, seconds: float) -> Row:
    rates: dict[str, list[float]] = {case.app: [], "bare": []}
    for number in range(rounds + 1):
        for name, found in rates.items():
            measured = await rate(
                services[name].port,
                case.path,
                key,
                case.bodies(),
                connections=case.connections,
                seconds=seconds,
            )
            if number:  # the first round is to get warm
                found.append(measured)
    ours, bare = (median(found) for found in rates.values())
    return Row(f"POST {case.path}", case.connections, ours, bare, services[case.app].megabytes)


async def _prepared(url: str) -> str:
    """A key; and the passages that are asked about."""
    database = Database(url)
    key = await admin_key(database)
    async with database.transaction() as session:
        await store(await driver_connection(session), "default", load(SET).passages, HashedNgrams())
    async with database.connection() as connection:
        await connection.execute("ANALYZE")
    await database.dispose()
    return key


def table(rows: list[Row]) -> Table:
    """The rows for people."""
    shown = Table(
        title="HTTP: our services beside a bare FastAPI over the same SQL (one process each, fsync on)"
    )
    for column in ("", "connections", "requests/s", "bare FastAPI", "of bare", "RSS"):
        shown.add_column(column, justify="right" if column else "left")
    for row in rows:
        rates = (f"{row.ours:,.0f}", f"{row.bare:,.0f}", f"{row.ours / row.bare:.2f}x")
        shown.add_row(row.name, str(row.connections), *rates, f"{row.megabytes:.0f} MB")
    return shown


if __name__ == "__main__":
    Console().print(table(run(quick="--quick" in sys.argv)))
