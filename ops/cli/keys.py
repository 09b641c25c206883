"""`cogep keys`: API keys, straight in the database."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from core.apikeys import Scope
from ops.cli.say import err, out
from ops.errors import NoSuchKey
from ops.settings import OpsSettings

if TYPE_CHECKING:
    from core.models import ApiKey

app = typer.Typer(help="Cria, lista e revoga chaves de API.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NOME", help="Para que serve a chave.")],
    scope: Annotated[list[Scope], typer.Option(help="O que a chave pode; repetível.")],
    days: Annotated[int | None, typer.Option(min=1, max=36500, help="Validade em dias.")] = None,
) -> None:
    """Cria uma chave e a mostra uma única vez."""
    from ops.keys import create_key
    from ops.up import reach_database

    settings = OpsSettings()
    until = datetime.now(UTC) + timedelta(days=days) if days else None
    with reach_database(settings) as url:
        made = asyncio.run(create_key(url, name, scope, env=settings.env, expires_at=until))
    err.print("Guarde a chave: ela não será mostrada de novo.")
    out.print(made, markup=False)


@app.command("list")
def list_() -> None:
    """Lista as chaves, sem os segredos."""
    from ops.keys import list_keys
    from ops.up import reach_database

    with reach_database(OpsSettings()) as url:
        found = asyncio.run(list_keys(url))
    table = Table("ID", "Nome", "Escopos", "Criada", "Último uso", "Situação")
    for key in found:
        used = _day(key.last_used_at) or "nunca"
        cells = key.public_id, key.name, ", ".join(key.scopes), _day(key.created_at), used, _state(key)
        table.add_row(*(Text(cell) for cell in cells))
    out.print(table)


@app.command()
def revoke(
    public_id: Annotated[str, typer.Argument(metavar="ID", help="Veja em `keys list`.")],
) -> None:
    """Revoga uma chave na hora."""
    from ops.keys import revoke_key
    from ops.up import reach_database

    with reach_database(OpsSettings()) as url:
        found = asyncio.run(revoke_key(url, public_id))
    if not found:
        raise NoSuchKey(f"Não há chave ativa com o ID {public_id}.")
    out.print("Revogada.")


def _state(key: "ApiKey") -> str:
    if key.revoked_at:
        return f"revogada em {_day(key.revoked_at)}"
    if key.expires_at and key.expires_at <= datetime.now(UTC):
        return "expirada"
    return f"vale até {_day(key.expires_at)}" if key.expires_at else "ativa"


def _day(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%d/%m/%Y %H:%M") if moment else ""
