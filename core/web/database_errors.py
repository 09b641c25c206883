"""What a database error means to the caller, by SQLSTATE; never its text, which quotes rows and SQL."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.db import sqlstate
from core.errors import Conflict, DomainError, Invalid, Unavailable

_INVALID = "a value is out of the range or encoding that can be stored"
_BUSY = "somebody else is changing the same thing; try again"
_DOWN = "the database does not answer; try again shortly"
_FULL = "the database has no room left for now"
_SLOW = "the database took too long; try again"

# PostgreSQL, appendix A. A two-character entry speaks for its whole class.
PROBLEMS: dict[str, tuple[type[Invalid | Conflict | Unavailable], str]] = {
    "22001": (Invalid, "a text is longer than its column"),
    "22003": (Invalid, "a number is out of range"),
    "22021": (Invalid, _INVALID),
    "22P05": (Invalid, _INVALID),
    "22": (Invalid, _INVALID),
    "23503": (Conflict, "something this refers to does not exist, or is still referred to"),
    "23505": (Conflict, "such a thing exists already"),
    "23514": (Invalid, "a value breaks a rule of its table"),
    "23": (Invalid, "a value breaks a rule of its table"),
    "25P03": (Unavailable, _SLOW),
    "40": (Unavailable, _BUSY),
    "55P03": (Unavailable, _BUSY),
    "57014": (Unavailable, _SLOW),
    "53": (Unavailable, _FULL),
    "57P": (Unavailable, _DOWN),
    "08": (Unavailable, _DOWN),
    "58": (Unavailable, _DOWN),
    "28": (Unavailable, _DOWN),
    "3D": (Unavailable, _DOWN),
}


def domain_error(error: BaseException) -> DomainError | None:
    """The refusal a database or network failure amounts to; None when it is a bug of ours."""
    if isinstance(error, PoolTimeout):
        return Unavailable("every database connection is busy; try again shortly")
    if isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError):
        return Unavailable(_DOWN)
    if isinstance(error, asyncpg.PostgresError):
        return _of_state(error.sqlstate)
    if isinstance(error, DBAPIError):
        lost = error.connection_invalidated or isinstance(error.__cause__, asyncpg.InterfaceError)
        return Unavailable(_DOWN) if lost else _of_state(sqlstate(error))
    return None


def _of_state(state: str | None) -> DomainError | None:
    for length in (5, 3, 2):
        if state is not None and (found := PROBLEMS.get(state[:length])):
            kind, detail = found
            return kind(detail)
    return None
