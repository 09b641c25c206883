"""`cogep conversations`: o que os clientes escrevem e o que lhes é dito."""

import time
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from ops.cli.api import Api, agent_api
from ops.cli.say import out
from ops.settings import OpsSettings

PAGE = 100
EVERY_SECONDS = 1.0
AUTHORS = {"client": "cliente", "assistant": "assistente", "person": "pessoa", "system": "sistema"}

app = typer.Typer(help="Lê conversas, acompanha ao vivo e responde.", no_args_is_help=True)


@app.command("list")
def list_(
    account: Annotated[str | None, typer.Option(help="Só as desta conta.")] = None,
) -> None:
    """Lista as conversas, as mais recentes primeiro."""
    with agent_api(OpsSettings()) as api:
        rows = api.get("/conversations", limit=PAGE, account=account)["items"]
    table = Table("Conversa", "Conta", "Cliente", "Quem responde", "Sem resposta", "Última mensagem")
    for row in rows:
        cells = (
            row["id"],
            row["account"],
            row["client_name"] or row["client_id"],
            "pessoa" if row["mode"] == "human" else "assistente",
            str(row["unanswered"]),
            row["last_event_at"],
        )
        table.add_row(*(Text(cell) for cell in cells))
    out.print(table)


@app.command()
def tail(
    account: Annotated[str | None, typer.Option(help="Só as desta conta.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Continua, até Ctrl-C.")] = False,
) -> None:
    """Mostra o que foi dito, em ordem; com -f, também o que se diz a seguir."""
    seen: dict[str, int] = {}
    with agent_api(OpsSettings()) as api:
        while True:
            for row in _unseen(api, account, seen):
                _print(row)
            if not follow:
                return
            time.sleep(EVERY_SECONDS)


@app.command()
def reply(
    conversation: Annotated[str, typer.Argument(metavar="CONVERSA")],
    text: Annotated[str, typer.Argument(metavar="TEXTO", help="Entre aspas.")],
) -> None:
    """Responde ao cliente; o assistente se cala nessa conversa."""
    with agent_api(OpsSettings()) as api:
        api.post(f"/conversations/{conversation}/reply", {"text": text})
    out.print("Resposta a caminho. Para devolver a palavra: cogep conversations resume", markup=False)


@app.command()
def resume(conversation: Annotated[str, typer.Argument(metavar="CONVERSA")]) -> None:
    """O assistente volta a responder."""
    with agent_api(OpsSettings()) as api:
        api.post(f"/conversations/{conversation}/resume")
    out.print("O assistente responde a partir da próxima mensagem.", markup=False)


def _unseen(api: Api, account: str | None, seen: dict[str, int]) -> list[dict[str, Any]]:
    """What was said since the last look, in the order of time."""
    found: list[dict[str, Any]] = []
    for conversation in api.get("/conversations", limit=PAGE, account=account)["items"]:
        key = conversation["id"]
        rows = api.get(f"/conversations/{key}/messages", limit=PAGE, after=seen.get(key, 0))["items"]
        seen[key] = max((row["seq"] for row in rows), default=seen.get(key, 0))
        found += [{**row, "who": conversation["client_name"] or key[-6:]} for row in rows]
    return sorted(found, key=lambda row: (row["created_at"], row["seq"]))


def _print(row: dict[str, Any]) -> None:
    author = row["who"] if row["author"] == "client" else AUTHORS[row["author"]]
    moment = row["created_at"][11:19]
    out.out(f"{moment}  {author}: {row['text']}", highlight=False)  # as it was written, not wrapped
