"""The commands, and the one place where an error becomes a sentence and an exit code."""

import sys

import typer
from asyncpg import PostgresError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from core.db import sqlstate
from ops.cli import keys, lifecycle
from ops.cli.api import Refused
from ops.cli.ask import ask
from ops.cli.ingest import ingest
from ops.cli.queue import queue, retry
from ops.cli.say import complain
from ops.cli.status import status
from ops.embedded import FolderInUse, ServerError
from ops.up import CannotStart

EXPECTED = (CannotStart, Refused, ServerError, FolderInUse, PermissionError)
DATABASE = (OSError, SQLAlchemyError, PostgresError)
UNDEFINED_TABLE = "42P01"

app = typer.Typer(
    name="cogep",
    help="COGEP Assist: documentos entram, respostas com fontes saem.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (lifecycle.up, lifecycle.stop, status, ingest, ask, queue, retry, lifecycle.migrate):
    app.command()(command)
app.command(hidden=True)(lifecycle.revision)
app.add_typer(keys.app, name="keys")


def _about_the_database(error: Exception) -> str:
    if isinstance(error, DBAPIError) and sqlstate(error) == UNDEFINED_TABLE:
        return "O banco ainda não tem o esquema: rode `cogep migrate`."
    return f"O banco de dados não pode ser usado: {getattr(error, 'orig', error)}"


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except EXPECTED as error:
        complain(str(error))
    except DATABASE as error:
        complain(_about_the_database(error))
    except ValidationError as error:
        wrong = (f"Configuração {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        complain("\n".join(wrong))
    sys.exit(1)
