"""`cogep status`: what runs, where, on which schema, and how long the queue is."""

import asyncio
from collections.abc import Iterator

import httpx
import typer
from rich.table import Table
from rich.text import Text

from ops.cli.api import agent_url, ingestion_api, ingestion_url
from ops.cli.queue import STATUSES
from ops.cli.say import out
from ops.embedded import FolderLock
from ops.errors import Refused
from ops.runfile import RunFile
from ops.settings import OpsSettings

Row = tuple[str, str, str]


def status() -> None:
    """Mostra servidores, processos, esquema e fila; código 1 quando as APIs não estão prontas."""
    settings = OpsSettings()
    apis = [("API de ingestão", ingestion_url(settings)), ("API do agente", agent_url(settings))]
    ready = {name: _ready(base) for name, base in apis}
    table = Table("", "Situação", "Onde", box=None, pad_edge=False)
    rows = [
        *_processes(settings),
        *_servers(settings),
        *((name, "pronta" if ready[name] else "não responde", base) for name, base in apis),
        ("esquema", _schema(settings), ""),
        ("fila", _queue(settings), ""),
    ]
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)
    raise typer.Exit(0 if all(ready.values()) else 1)


def _processes(settings: OpsSettings) -> Iterator[Row]:
    supervisor = FolderLock(settings.data).holder()
    yield "cogep up", f"rodando ({supervisor})" if supervisor else "parado", str(settings.data)
    for process in RunFile(settings.data).read():
        state = f"rodando ({process.pid})" if process.alive else "caído"
        again = f", {process.restarts} reinício(s)" if process.restarts else ""
        yield process.name, state + again, ""


def _servers(settings: OpsSettings) -> Iterator[Row]:
    given = {"postgres": settings.database_url, "redis": settings.redis_url}
    for name, url in given.items():
        if url is not None:
            yield name, "externo", ""
            continue
        holder = FolderLock(settings.data / name).holder()
        yield name, "rodando" if holder else "parado", str(settings.data / name)


def _ready(base: str) -> bool:
    try:
        return httpx.get(f"{base}/ready", timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _schema(settings: OpsSettings) -> str:
    if settings.database_url is None and FolderLock(settings.data / "postgres").holder() is None:
        return "desconhecido: o banco está parado"
    from core import migrations
    from ops.up import reach_database

    with reach_database(settings) as url:
        found = asyncio.run(_revision(url))
    head = migrations.head()
    return f"{found}, o mais novo" if found == head else f"{found}, precisa de {head}: rode `cogep migrate`"


async def _revision(url: str) -> str | None:
    from core import migrations
    from core.db import Database

    database = Database(url, application="cogep-cli", pool_size=1)
    try:
        return await migrations.current(database)
    finally:
        await database.dispose()


def _queue(settings: OpsSettings) -> str:
    try:
        with ingestion_api(settings) as api:
            counts = api.get("/ingest/stats")["counts"]
    except Refused as refusal:
        return str(refusal)
    return ", ".join(f"{counts.get(status, 0)} {label}" for status, label in STATUSES.items())
