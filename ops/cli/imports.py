"""`cogep imports`: arquivos de exemplo, de pessoas que não existem."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ops.cli.say import out
from ops.samples import inetconsig, leads

MOST = 200_000


class Sample(StrEnum):
    """What can be made up."""

    INETCONSIG = "inetconsig"
    LEADS = "leads"
    LEADS_XLSX = "leads-xlsx"


MAKERS = {
    Sample.INETCONSIG: inetconsig.sample,
    Sample.LEADS: leads.sample_csv,
    Sample.LEADS_XLSX: leads.sample_xlsx,
}

app = typer.Typer(help="Cria arquivos de exemplo para importar.", no_args_is_help=True)


@app.callback()
def _imports() -> None:
    """Keeps `sample` a command of its own while it is the only one."""


@app.command()
def sample(
    path: Annotated[Path, typer.Argument(metavar="ARQUIVO", help="Onde gravar.")],
    layout: Annotated[Sample, typer.Option(help="Que arquivo.")] = Sample.INETCONSIG,
    rows: Annotated[int, typer.Option(min=1, max=MOST, help="Quantas linhas de dados.")] = 100,
    seed: Annotated[int, typer.Option(help="A mesma semente dá o mesmo arquivo.")] = 1,
) -> None:
    """Grava um arquivo com nomes e CPFs inventados."""
    path.write_bytes(MAKERS[layout](rows, seed=seed))
    out.print(f"{path}: {rows} linhas de pessoas que não existem.")
