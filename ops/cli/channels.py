"""`cogep channels`: as contas por onde as pessoas escrevem."""

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from core.channels import Secret
from core.models import ChannelKind
from ops.cli.api import agent_api, ingestion_url
from ops.cli.say import err, out
from ops.settings import OpsSettings

PAGE = 100
DOORS = {"whatsapp_cloud": "whatsapp", "evolution": "evoapi", "email": "email"}

app = typer.Typer(help="Cria e lista contas de WhatsApp e de e-mail.", no_args_is_help=True)


@app.command()
def create(
    account: Annotated[str, typer.Argument(metavar="CONTA", help="O nome no endereço do webhook.")],
    kind: Annotated[ChannelKind, typer.Option(help="Como se fala com ela.")],
    name: Annotated[str | None, typer.Option(help="Como aparece para as pessoas.")] = None,
    assistant: Annotated[bool, typer.Option("--assistant", help="O assistente responde nela.")] = False,
    namespace: Annotated[str, typer.Option(help="De que base de conhecimento ele responde.")] = "default",
    setting: Annotated[list[str] | None, typer.Option("--set", help="CAMPO=VALOR; repetível.")] = None,
    secret: Annotated[list[Secret] | None, typer.Option(help="Segredo a perguntar; repetível.")] = None,
) -> None:
    """Cria uma conta e mostra, uma única vez, os segredos criados para ela."""
    settings = OpsSettings()
    body = {
        "account": account,
        "kind": kind.value,
        "name": name or account,
        "assistant_on": assistant,
        "namespace": namespace,
        "config": dict(_setting(item) for item in setting or []),
        "secrets": {item.value: _ask(item) for item in secret or []},
    }
    with agent_api(settings) as api:
        made = api.post("/channels", body)
    _tell(made, ingestion_url(settings))


@app.command("list")
def list_() -> None:
    """Lista as contas, sem os segredos."""
    with agent_api(OpsSettings()) as api:
        rows = api.get("/channels", limit=PAGE)["items"]
    table = Table("Conta", "Tipo", "Nome", "Assistente", "Situação")
    for row in rows:
        assistant = f"responde de {row['namespace']}" if row["assistant_on"] else "desligado"
        cells = (
            row["account"],
            row["kind"],
            row["name"],
            assistant,
            "ativa" if row["is_active"] else "inativa",
        )
        table.add_row(*(Text(cell) for cell in cells))
    out.print(table)


def _tell(made: dict[str, Any], base: str) -> None:
    err.print(f"Conta {made['account']} criada.", markup=False)
    if door := DOORS.get(made["kind"]):
        out.print(f"webhook: {base}/webhooks/{door}/{made['account']}", markup=False)
    for name, value in made["generated"].items():
        out.print(f"{name}: {value}", markup=False)
    if made["generated"]:
        err.print("Guarde os segredos: eles não serão mostrados de novo.")


def _setting(item: str) -> tuple[str, str | int]:
    name, separator, value = item.partition("=")
    if not separator:
        raise typer.BadParameter("escreva CAMPO=VALOR", param_hint="--set")
    return name, int(value) if name == "smtp_port" and value.isdecimal() else value


def _ask(secret: Secret) -> str:
    return str(typer.prompt(secret.value, hide_input=True))
