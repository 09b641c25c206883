"""`cogep audit`: is the log of acts what it was? Asked of the database, so that no API need be trusted."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.api import agent_api
from ops.cli.say import out
from ops.errors import LogBroken, Refused
from ops.settings import OpsSettings

if TYPE_CHECKING:
    from core.audit.queries import Head
    from core.audit.verification import Break, Verdict

FAULTS = {
    "altered": "foi alterado",
    "removed": "vem depois de um registro removido",
    "cut_off": "a cadeia termina antes do fim que foi anotado",
    "never_sealed": "foi acrescentado por fora",
    "not_in_chain": "não confere com o fim guardado: a cadeia foi refeita ou cortada",
}

app = typer.Typer(help="Confere o registro de auditoria.", no_args_is_help=True)


@app.command()
def verify(
    head: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Fim guardado antes (saída de `audit head`)."),
    ] = None,
) -> None:
    """Percorre a cadeia inteira e aponta o primeiro registro que não confere."""
    from ops.up import reach_database

    known = None if head is None else _kept(head)
    with reach_database(OpsSettings()) as url:
        verdict = asyncio.run(_walk(url, known))
    if verdict.first_break is not None:
        raise LogBroken(_sentence(verdict.first_break, verdict))
    out.print(
        f"Íntegro: {verdict.checked} registro(s) conferido(s), {verdict.tail.entries} à espera do selo."
    )


@app.command()
def head() -> None:
    """Mostra o fim assinado da cadeia, em JSON. Guarde-o fora daqui: ele prova tudo o que veio antes."""
    with agent_api(OpsSettings()) as api:
        signed = api.get("/audit/head")
    out.print_json(json.dumps(signed), indent=2)


async def _walk(url: str, known: "Head | None") -> "Verdict":
    from core.audit.verification import verify as walk
    from core.db import Database

    database = Database(url, application="cogep-cli", pool_size=1)
    try:
        return await walk(database, known=known)
    finally:
        await database.dispose()


def _kept(file: Path) -> "Head":
    from core.audit.queries import Head

    try:
        kept = json.loads(file.read_text())
        return Head(int(kept["position"]), bytes.fromhex(kept["hash"]))
    except (ValueError, KeyError, TypeError):
        raise Refused(f"{file} não é um fim guardado por `cogep audit head`.") from None


def _sentence(found: "Break", verdict: "Verdict") -> str:
    what = "" if found.entry is None else f"registro {found.entry} "
    return (
        f"VIOLADO na posição {found.position}: {what}{FAULTS[found.fault]}. "
        f"Os {verdict.checked} registro(s) anteriores conferem."
    )
