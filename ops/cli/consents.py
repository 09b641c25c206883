"""`cogep consents`: is the ledger what it was? Asked of the database, so that no API need be trusted."""

import asyncio
from typing import TYPE_CHECKING

import typer

from ops.cli.say import complain, out
from ops.errors import LogBroken
from ops.settings import OpsSettings

if TYPE_CHECKING:
    from core.consents import Fault, Verification

FAULTS = {
    "altered": "foi alterada",
    "broken": "não segue a anterior: uma decisão foi removida, trocada de lugar ou acrescentada",
    "notice_altered": "responde a um aviso cujo texto foi alterado",
    "head_differs": "o livro termina antes ou depois do fim anotado",
    "missing": "está no registro de auditoria e não no livro",
    "unrecorded": "não está no registro de auditoria",
}

app = typer.Typer(help="Confere o livro de consentimentos.", no_args_is_help=True)


@app.callback()
def _ledger() -> None:
    """One command would otherwise lose its name."""


@app.command()
def verify() -> None:
    """Percorre o livro de cada cliente e aponta o que não confere."""
    from ops.up import reach_database

    with reach_database(OpsSettings()) as url:
        found = asyncio.run(_walk(url))
    for fault in found.faults:
        complain(_sentence(fault))
    if not found.intact:
        raise LogBroken(f"VIOLADO: {len(found.faults)} falha(s) em {found.rows} decisão(ões).")
    out.print(f"Íntegro: {found.rows} decisão(ões) de {found.clients} cliente(s) conferida(s).")
    out.print(f"Resumo: {found.digest.hex()}")


async def _walk(url: str) -> "Verification":
    from core.consents import verify as walk
    from core.db import Database

    database = Database(url, application="cogep-cli", pool_size=1, statement_timeout=300)
    try:
        async with database.connection() as connection:
            return await walk(connection)
    finally:
        await database.dispose()


def _sentence(fault: "Fault") -> str:
    decision = "" if fault.consent is None else f", decisão {fault.consent}"
    return f"Cliente {fault.client}{decision}: {FAULTS[fault.code]}."
