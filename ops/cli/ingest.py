"""`cogep ingest`: send, then watch until everything is searchable."""

import json
import time
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ops.cli.api import Api, ingestion_api
from ops.cli.say import err, out
from ops.cli.sources import Source, sources
from ops.errors import Refused
from ops.settings import OpsSettings

POLL_SECONDS = 0.3
POLLED_AT_ONCE = 32
PATIENCE_LOOKS = 50
FINAL = {"COMPLETED", "FAILED"}


@dataclass(frozen=True)
class Failure:
    """Something that did not become searchable, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Sending:
    """What is said of every source sent."""

    namespace: str
    title: str | None
    metadata: str | None
    priority: int | None

    def fields(self) -> dict[str, Any]:
        """The members of a JSON body that were given."""
        metadata = json.loads(self.metadata) if self.metadata else None
        optional = {"title": self.title, "metadata": metadata, "priority": self.priority}
        given = {name: value for name, value in optional.items() if value is not None}
        return {"namespace": self.namespace, **given}

    def form(self) -> dict[str, str]:
        """The same as form fields."""
        return {name: _form_value(value) for name, value in self.fields().items()}


def _form_value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def ingest(
    what: Annotated[list[str], typer.Argument(metavar="CAMINHO_OU_URL...", help="Arquivos, pastas ou URLs.")],
    namespace: Annotated[str, typer.Option(help="Onde os documentos ficam.")] = "default",
    title: Annotated[str | None, typer.Option(help="Título, em vez do nome do arquivo.")] = None,
    metadata: Annotated[str | None, typer.Option(help="Objeto JSON guardado com cada documento.")] = None,
    priority: Annotated[int | None, typer.Option(help="Menor é mais urgente.")] = None,
    wait: Annotated[bool, typer.Option(help="Esperar até que tudo possa ser pesquisado.")] = True,
) -> None:
    """Envia documentos e espera até que possam ser pesquisados."""
    _require_object(metadata)
    sending = Sending(namespace, title, metadata, priority)
    with ingestion_api(OpsSettings()) as api, _progress() as progress:
        try:
            failures = _Run(api, progress, sending, wait=wait).all(sources(what))
        except KeyboardInterrupt:
            err.print("Interrompido. O que já foi enviado continua na fila: veja com `cogep queue`.")
            raise typer.Exit(130) from None
    if failures:
        _show(failures)
        raise typer.Exit(1)


class _Run:
    """One run of the command: sent jobs, what became of them, and the bar that shows it."""

    def __init__(self, api: Api, progress: Progress, sending: Sending, *, wait: bool) -> None:
        self._api, self._progress, self._sending, self._wait = api, progress, sending, wait
        self._waiting: dict[str, str] = {}
        self._failures: list[Failure] = []
        self._done = self._silent = 0

    def all(self, found: list[Source]) -> list[Failure]:
        """Sends everything, waits if asked to, and answers with what failed."""
        bar = self._progress.add_task("enviando", total=len(found))
        for source in found:
            self._send(source)
            self._progress.update(bar, completed=self._done + len(self._failures))
        self._progress.update(bar, description="processando")
        while self._waiting:
            time.sleep(POLL_SECONDS)
            self._look()
            self._progress.update(bar, completed=self._done + len(self._failures))
        verb = "pesquisável(is)" if self._wait else "na fila"
        out.print(f"{self._done} documento(s) {verb}, {len(self._failures)} falha(s).")
        return self._failures

    def _send(self, source: Source) -> None:
        try:
            job = self._accepted(source)
        except Refused as refusal:
            self._failures.append(Failure(source.name, str(refusal)))
            return
        self._waiting[job["id"]] = source.name
        self._settle(job)

    def _accepted(self, source: Source) -> dict[str, Any]:
        if source.missing:
            raise Refused(source.missing)
        if source.file is None:
            body = {"source_uri": source.name, **self._sending.fields()}
            return dict(self._api.post("/ingest", body))
        try:
            name = PurePath(source.name).name
            form = self._sending.form() | ({"source": source.lasting} if source.lasting else {})
            return dict(self._api.upload("/ingest/file", source.file, name, form))
        except OSError as error:
            raise Refused(f"não pode ser lido: {error.strerror}") from None

    def _look(self) -> None:
        """An API that restarts meanwhile is waited for, within reason."""
        try:
            for job_id in list(self._waiting)[:POLLED_AT_ONCE]:
                self._settle(self._api.get(f"/ingest/{job_id}"))
            self._silent = 0
        except Refused:
            self._silent += 1
            if self._silent > PATIENCE_LOOKS:
                raise

    def _settle(self, job: dict[str, Any]) -> None:
        if self._wait and job["status"] not in FINAL:
            return
        name = self._waiting.pop(job["id"])
        if job["status"] == "FAILED":
            self._failures.append(Failure(name, reason(job)))
        else:
            self._done += 1


def reason(job: dict[str, Any]) -> str:
    """Why a job failed: its sentence and its stable code."""
    error = job.get("error") or {}
    return f"{error.get('detail', 'falhou')} ({error.get('code', 'unknown')})"


def _require_object(metadata: str | None) -> None:
    try:
        is_object = metadata is None or isinstance(json.loads(metadata), dict)
    except ValueError:
        is_object = False
    if not is_object:
        raise typer.BadParameter('--metadata deve ser um objeto JSON, como {"setor": "RH"}')


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def _show(failures: list[Failure]) -> None:
    table = Table("Origem", "Motivo", title="Falhas", title_justify="left")
    for failure in failures:
        table.add_row(failure.name, failure.reason)
    err.print(table, markup=False)
