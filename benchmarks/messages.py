"""A message, from request to answer: ours beside a bare handler with the same two commits, in turns."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import asyncpg
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.contenders.bare_messages import MessageIn, take
from benchmarks.http_load import latencies
from benchmarks.serving import admin_key, serving
from core import log
from core.db import Database
from core.migrations import upgrade
from ops.embedded import EphemeralServers, ephemeral_servers

ROUNDS, SECONDS = 9, 3.0
QUICK_ROUNDS, QUICK_SECONDS = 3, 1.5
CONNECTIONS = (1, 8)
PEOPLE = 200
PATH = "/ingest/message"
APPS = {"cogep": "ingestion_service.main:app", "bare FastAPI": "benchmarks.contenders.bare_messages:app"}
RAW = "raw asyncpg"

Round = Callable[[int, float], Coroutine[Any, Any, list[float]]]


@dataclass(frozen=True, slots=True)
class Row:
    """Milliseconds until the answer: medians over the rounds of each round's percentiles."""

    name: str
    connections: int
    p50: float
    p95: float
    p99: float


def run(*, quick: bool = False) -> list[Row]:
    """Measure all of them in turns, over one connection and over eight; ours comes first."""
    log.configure(level="ERROR")
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    with ephemeral_servers(durable=True) as servers, ExitStack() as stack:
        contenders = _contenders(servers, stack)
        return [
            row
            for connections in CONNECTIONS
            for row in uvloop.run(_measured(contenders, connections, rounds, seconds))
        ]


def _contenders(servers: EphemeralServers, stack: ExitStack) -> dict[str, Round]:
    """Each with a database of its own on the one server."""
    found: dict[str, Round] = {}
    for name, app in APPS.items():
        url = _database(servers, name)
        key = asyncio.run(_key(url))
        found[name] = _over_http(stack.enter_context(serving(app, url, servers)).port, key)
    return {**found, RAW: _over_asyncpg(_database(servers, RAW))}


def _over_http(port: int, key: str) -> Round:
    async def measure(connections: int, seconds: float) -> list[float]:
        return await latencies(port, PATH, key, messages, connections=connections, seconds=seconds)

    messages = _messages()
    return measure


def _over_asyncpg(url: str) -> Round:
    """The statements of the bare handler, and nothing else."""

    async def ask(until: float) -> list[float]:
        connection = await asyncpg.connect(url)
        waits = []
        while perf_counter() < until:
            message = MessageIn(**next(messages))
            asked = perf_counter()
            await take(connection, message)
            waits.append(perf_counter() - asked)
        await connection.close()
        return waits

    async def measure(connections: int, seconds: float) -> list[float]:
        until = perf_counter() + seconds
        waits = await asyncio.gather(*(ask(until) for _ in range(connections)))
        return [wait for one in waits for wait in one]

    messages = _messages()
    return measure


def _messages() -> Iterator[dict[str, str]]:
    """New messages, of people in turns."""
    for number in count():
        yield {
            "source": "whatsapp",
            "sender_id": f"55119{80_000_000 + number % PEOPLE}",
            "content": "Bom dia! Como tiro a segunda via do boleto?",
            "external_id": f"wamid.{number}",
        }


async def _measured(contenders: dict[str, Round], connections: int, rounds: int, seconds: float) -> list[Row]:
    percentiles: dict[str, list[list[float]]] = {name: [] for name in contenders}
    for measure in contenders.values():
        await _warm_up(measure, connections, seconds)
    for _ in range(rounds):
        for name, measure in contenders.items():
            cuts = quantiles(await measure(connections, seconds), n=100)
            percentiles[name].append([cuts[49], cuts[94], cuts[98]])
    return [
        Row(name, connections, *(1000 * median(cuts) for cuts in zip(*found, strict=True)))
        for name, found in percentiles.items()
    ]


async def _warm_up(measure: Round, connections: int, seconds: float) -> None:
    """Until everybody is known."""
    asked = 0
    while asked < PEOPLE:
        asked += len(await measure(connections, seconds))


def _database(servers: EphemeralServers, name: str) -> str:
    servers.postgres.create_database(name)
    url = servers.postgres.url(name)
    upgrade(url)
    return url


async def _key(url: str) -> str:
    database = Database(url)
    key = await admin_key(database)
    await database.dispose()
    return key


def table(rows: list[Row]) -> Table:
    """The rows for people, with how many times longer ours takes."""
    ours = {row.connections: row for row in rows if row.name == rows[0].name}
    shown = Table(title="POST /ingest/message of known senders (one process each, ms, fsync on)")
    for column in ("", "connections", "p50", "p95", "p99", "cogep's p50 is"):
        shown.add_column(column, justify="right" if column else "left")
    for row in rows:
        waits = (f"{wait:.2f}" for wait in (row.p50, row.p95, row.p99))
        times = f"{ours[row.connections].p50 / row.p50:.2f}x"
        shown.add_row(row.name, str(row.connections), *waits, times)
    return shown


if __name__ == "__main__":
    Console().print(table(run(quick="--quick" in sys.argv)))
