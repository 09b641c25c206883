"""Alembic on asyncpg: one upgrade at a time, short lock waits, enums compared as well."""

import asyncio
from typing import Any

import alembic_postgresql_enum
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from alembic import context
from core.db import async_url
from core.models import SCHEMAS, Base
from core.settings import get_settings

UPGRADE_LOCK = 7_236_401  # any constant will do; all upgrades of this product share it

alembic_postgresql_enum.set_configuration(alembic_postgresql_enum.Config(drop_unused_enums=False))


def _include_name(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "schema" or name in SCHEMAS


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_schemas=True,
        include_name=_include_name,
        compare_type=True,
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _upgrade(url: str) -> None:
    engine = create_async_engine(
        async_url(url), poolclass=pool.NullPool, connect_args={"server_settings": {"lock_timeout": "5000"}}
    )
    async with engine.connect() as guard, engine.connect() as connection:
        await guard.execute(text("SET lock_timeout = 0"))
        await guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": UPGRADE_LOCK})
        await connection.run_sync(_run)
    await engine.dispose()


asyncio.run(_upgrade(context.config.attributes.get("url") or get_settings().database_url.get_secret_value()))
