"""Starting, stopping and migrating. What only these need is imported late: `cogep ask` should be quick."""

from typing import Annotated

import typer

from ops.cli.say import out
from ops.settings import OpsSettings

Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Em vez da porta das configurações.")]


def up(
    host: Annotated[str | None, typer.Option(help="Endereço em que as APIs escutam.")] = None,
    ingestion_port: Port = None,
    agent_port: Port = None,
) -> None:
    """Inicia tudo e mantém no ar; Ctrl-C encerra."""
    from ops.console import Console
    from ops.up import up as start

    given = {"host": host, "ingestion_port": ingestion_port, "agent_port": agent_port}
    chosen = {name: value for name, value in given.items() if value is not None}
    start(OpsSettings().model_copy(update=chosen), Console())


def stop() -> None:
    """Encerra, de outro terminal, o que `cogep up` iniciou."""
    from ops.up import stop as end

    out.print("Encerrado." if end(OpsSettings()) else "O COGEP não está rodando.")


def migrate() -> None:
    """Leva o banco ao esquema mais novo."""
    from core import migrations
    from ops.up import reach_database

    with reach_database(OpsSettings()) as url:
        migrations.upgrade(url)
    out.print(f"O banco está na revisão {migrations.head()}.")


def revision(message: str) -> None:
    """Escreve uma migração a partir dos modelos."""
    from alembic import command
    from core import migrations
    from ops.up import reach_database

    with reach_database(OpsSettings()) as url:
        migrations.upgrade(url)
        command.revision(migrations.config(url), message, autogenerate=True)
