"""Errors an operator can do something about, as sentences."""

from pydantic import ValidationError

from ops.embedded import FolderInUse, ServerError
from ops.errors import CannotStart, LogBroken, NoSuchKey, NotDone, Refused

SENTENCES = (CannotStart, Refused, NoSuchKey, NotDone, LogBroken, ServerError, FolderInUse, PermissionError)
UNDEFINED_TABLE = "42P01"


def explain(error: Exception) -> str | None:
    """What to tell the person, None when the error is a fault of ours."""
    if isinstance(error, SENTENCES):
        return str(error)
    if isinstance(error, ValidationError):
        wrong = (f"Configuração {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return "\n".join(wrong)
    return _about_the_database(error)


def _about_the_database(error: Exception) -> str | None:
    from asyncpg import PostgresError
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    from core.db import sqlstate

    if isinstance(error, DBAPIError) and sqlstate(error) == UNDEFINED_TABLE:
        return "O banco ainda não tem o esquema: rode `cogep migrate`."
    if isinstance(error, (OSError, SQLAlchemyError, PostgresError)):
        return f"O banco de dados não pode ser usado: {getattr(error, 'orig', error)}"
    return None
