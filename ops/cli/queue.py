"""`cogep queue` and `cogep retry`: what waits, what failed, and once more."""

import time
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ops.cli.api import Api, ingestion_api
from ops.cli.ingest import reason
from ops.cli.say import out
from ops.settings import OpsSettings

STATUSES = {
    "PENDING": "na fila",
    "PROCESSING": "em andamento",
    "COMPLETED": "concluídos",
    "FAILED": "com falha",
}
FAILURES_SHOWN = 10
PAGE = 100
WATCH_SECONDS = 1.0


def queue(watch: Annotated[bool, typer.Option("--watch", help="Atualizar a cada segundo.")] = False) -> None:
    """Mostra quantos trabalhos há, o mais antigo e as últimas falhas."""
    with ingestion_api(OpsSettings()) as api:
        if not watch:
            out.print(_picture(api))
            return
        with Live(_picture(api), console=out, auto_refresh=False) as live:
            while True:
                time.sleep(WATCH_SECONDS)
                live.update(_picture(api), refresh=True)


def retry(
    job: Annotated[str | None, typer.Argument(metavar="ID", help="Um trabalho que falhou.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Todos os que falharam.")] = False,
) -> None:
    """Põe de novo na fila um trabalho que falhou, ou todos."""
    if (job is None) == (not failed):
        raise typer.BadParameter("diga um ID, ou --failed para todos")
    with ingestion_api(OpsSettings()) as api:
        chosen = [job] if job else [row["id"] for row in _failed(api)]
        for identifier in chosen:
            api.post(f"/ingest/{identifier}/retry")
    out.print(f"{len(chosen)} trabalho(s) de volta à fila.")


def _failed(api: Api) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = api.get("/ingest", status="FAILED", limit=PAGE, cursor=cursor)
        rows += page["items"]
        cursor = page.get("next_cursor")
        if not cursor:
            return rows


def _picture(api: Api) -> RenderableType:
    stats = api.get("/ingest/stats")
    counts = Table("", "Trabalhos", box=None, pad_edge=False)
    for status, label in STATUSES.items():
        counts.add_row(label, str(stats["counts"].get(status, 0)))
    parts: list[RenderableType] = [counts]
    if (oldest := stats.get("oldest_pending_seconds")) is not None:
        parts.append(Text(f"\nO mais antigo espera há {_duration(oldest)}."))
    if stats["counts"].get("FAILED"):
        parts += [Text(), _failures(api)]
    return Group(*parts)


def _failures(api: Api) -> Table:
    table = Table("ID", "Origem", "Motivo", title="Últimas falhas", title_justify="left")
    for job in api.get("/ingest", status="FAILED", limit=FAILURES_SHOWN)["items"]:
        cells = (job["id"], job.get("source") or job.get("title") or "", reason(job))
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _duration(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}".replace(".", ",")
    return f"{seconds:.0f} s"
