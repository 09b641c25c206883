"""Schema versions: upgrade, the checks every service makes at its start, and enums that tell of drift."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from alembic import command, op
from core.db import Database
from core.settings import Environment

ROOT = Path(__file__).resolve().parent.parent
IS_SUPERUSER = "SELECT bool_or(rolsuper) FROM pg_roles WHERE rolname IN (session_user, current_user)"
UPGRADE_COMMAND = "cogep migrate"


class DatabaseUnfit(RuntimeError):
    """No service works on this database as it is; the message says what to do."""


class SchemaOutdated(DatabaseUnfit):
    """The database is not at the schema this code was written for."""


class RoleTooPowerful(DatabaseUnfit):
    """The services connect as a superuser: one injected statement would own the machine."""


class EnumDrift(RuntimeError):
    """A type of this name exists with labels that adding cannot reconcile."""


def config(url: str) -> Config:
    """Alembic's configuration for a database, whatever the working directory."""
    configuration = Config(ROOT / "alembic.ini")
    configuration.set_main_option("script_location", str(ROOT / "alembic"))
    configuration.attributes["url"] = url
    return configuration


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to `revision`. Safe when several start at once: they take an advisory lock."""
    command.upgrade(config(url), revision)


@lru_cache(maxsize=1)
def head() -> str:
    """The revision this code expects."""
    revision = ScriptDirectory(str(ROOT / "alembic")).get_current_head()
    assert revision is not None, "there is always a first revision"
    return revision


async def current(database: Database) -> str | None:
    """The revision the database is at; None before the first."""
    try:
        async with database.transaction() as session:
            revision: str | None = await session.scalar(
                text("SELECT version_num FROM public.alembic_version")
            )
            return revision
    except ProgrammingError:
        return None


async def require_head(database: Database) -> None:
    """Raise SchemaOutdated unless the database is at `head()`."""
    found = await current(database)
    if found != head():
        raise SchemaOutdated(
            f"the database is at revision {found or 'none'} and this code needs {head()}: "
            f"run `{UPGRADE_COMMAND}`"
        )


async def require_fit(database: Database, env: Environment) -> None:
    """Raise SchemaOutdated unless at `head()`; in production RoleTooPowerful when we are a superuser."""
    await require_head(database)
    if env is not Environment.PROD:
        return
    async with database.connection() as connection:
        if await connection.fetchval(IS_SUPERUSER):
            raise RoleTooPowerful("DATABASE_URL names a superuser: connect as a role without that right")


def ensure_enum(schema: str, name: str, labels: Sequence[str]) -> None:
    """Inside a migration: make the type exist with exactly these ordered labels, or fail loudly.

    Absent: created. Equal: nothing. Missing labels at the end: added, in an autocommit block, since a
    label may not be used in the transaction that adds it. Anything else raises EnumDrift.
    """
    found = _labels(schema, name)
    if not found:
        quoted = ", ".join(f"'{label}'" for label in labels)
        op.execute(f"CREATE TYPE {schema}.{name} AS ENUM ({quoted})")
        return
    if found != list(labels[: len(found)]):
        raise EnumDrift(f"type {schema}.{name} has labels {found}, expected {list(labels)}")
    with op.get_context().autocommit_block():
        for label in labels[len(found) :]:
            op.execute(f"ALTER TYPE {schema}.{name} ADD VALUE IF NOT EXISTS '{label}'")


def _labels(schema: str, name: str) -> list[str]:
    rows = op.get_bind().execute(
        text(
            "SELECT e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid "
            "JOIN pg_namespace n ON n.oid = t.typnamespace "
            "WHERE n.nspname = :schema AND t.typname = :name ORDER BY e.enumsortorder"
        ),
        {"schema": schema, "name": name},
    )
    return [row.enumlabel for row in rows]
