"""Starting, stopping and migrating."""

from typing import Annotated

import typer

from core import migrations
from ops import up as product
from ops.cli.say import out
from ops.console import Console
from ops.settings import OpsSettings

Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Instead of the port in the settings.")]


def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 unless set.")] = None,
    ingestion_port: Port = None,
    agent_port: Port = None,
) -> None:
    """Start everything and keep it running; Ctrl-C ends it."""
    given = {"host": host, "ingestion_port": ingestion_port, "agent_port": agent_port}
    chosen = {name: value for name, value in given.items() if value is not None}
    product.up(OpsSettings().model_copy(update=chosen), Console())


def stop() -> None:
    """Stop what `cogep up` started, from another terminal."""
    out.print("Stopped." if product.stop(OpsSettings()) else "COGEP is not running.")


def migrate() -> None:
    """Bring the database to the newest schema."""
    with product.reach_database(OpsSettings()) as url:
        migrations.upgrade(url)
    out.print(f"The database is at revision {migrations.head()}.")
