import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.errors import Conflict, DomainError, Invalid, Unavailable
from core.web.database_errors import domain_error


def raised(state: str) -> asyncpg.PostgresError:
    error = asyncpg.PostgresError("Key (email)=(someone) in SELECT secret")
    error.sqlstate = state
    return error


def wrapped(state: str) -> DBAPIError:
    return DBAPIError("SELECT secret", {}, raised(state))


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("22001", Invalid),
        ("22003", Invalid),
        ("22021", Invalid),
        ("22P05", Invalid),
        ("22008", Invalid),
        ("23503", Conflict),
        ("23505", Conflict),
        ("23514", Invalid),
        ("23502", Invalid),
        ("40001", Unavailable),
        ("40P01", Unavailable),
        ("55P03", Unavailable),
        ("57014", Unavailable),
        ("53100", Unavailable),
        ("53300", Unavailable),
        ("57P01", Unavailable),
        ("57P03", Unavailable),
        ("08006", Unavailable),
        ("28P01", Unavailable),
    ],
)
def test_each_state_is_a_refusal_without_its_text(state: str, kind: type[DomainError]) -> None:
    for error in (raised(state), wrapped(state)):
        refusal = domain_error(error)
        assert refusal is not None
        assert type(refusal) is kind
        assert "secret" not in refusal.detail
        assert "someone" not in refusal.detail


@pytest.mark.parametrize("state", ["42601", "42P01", "XX000", ""])
def test_our_own_bugs_stay_bugs(state: str) -> None:
    assert domain_error(wrapped(state)) is None


def test_a_lost_or_absent_server_is_unavailable() -> None:
    for error in (
        ConnectionRefusedError(),
        FileNotFoundError(),
        TimeoutError(),
        asyncpg.InterfaceError("connection is closed"),
        PoolTimeout(),
        DBAPIError("SELECT", {}, raised("57P01"), connection_invalidated=True),
    ):
        refusal = domain_error(error)
        assert isinstance(refusal, Unavailable)
        assert refusal.retry_after >= 1


def test_an_ordinary_exception_is_not_the_databases() -> None:
    assert domain_error(ValueError()) is None
