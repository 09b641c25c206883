"""The commands, and the one place where an error becomes a sentence and an exit code."""

import sys

import typer
from asyncpg import PostgresError
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from ops.cli import lifecycle
from ops.cli.say import complain
from ops.embedded import FolderInUse, ServerError
from ops.up import CannotStart

EXPECTED = (CannotStart, ServerError, FolderInUse, PermissionError)
DATABASE = (OSError, SQLAlchemyError, PostgresError)

app = typer.Typer(
    name="cogep",
    help="COGEP Assist: documents in, cited answers out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(lifecycle.up)
app.command()(lifecycle.stop)
app.command()(lifecycle.migrate)


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except EXPECTED as error:
        complain(str(error))
    except DATABASE as error:
        complain(f"The database cannot be used: {getattr(error, 'orig', error)}")
    except ValidationError as error:
        complain("\n".join(f"Setting {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()))
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(1)
