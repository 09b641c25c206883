import asyncio

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Database, async_url, driver_connection, on_commit
from ops.embedded import EphemeralServers


async def test_a_block_that_ends_well_is_committed(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE public.seen (n int)"))
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM public.seen")) == 0


async def test_an_exception_takes_everything_back_and_rings_nothing(database: Database) -> None:
    rung: list[str] = []
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as session:
            await session.execute(text("CREATE SCHEMA gone"))
            on_commit(session, lambda: _note(rung, "bell"))
            raise ZeroDivisionError
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT to_regnamespace('gone')")) is None
    assert rung == []


async def test_callbacks_run_after_the_commit_and_not_at_a_savepoint(database: Database) -> None:
    seen: list[int] = []

    async def count_committed() -> None:
        async with database.transaction() as other:
            seen.append(await other.scalar(text("SELECT count(*) FROM ai.namespaces")))  # type: ignore[arg-type]

    async with database.transaction() as session:
        async with session.begin_nested():
            await _insert_namespace(session)
            on_commit(session, count_committed)
        assert seen == []
    assert seen == [1]


async def test_a_failing_callback_neither_harms_the_work_nor_the_next_callback(database: Database) -> None:
    rung: list[str] = []
    async with database.transaction() as session:
        await _insert_namespace(session)
        on_commit(session, _fail)
        on_commit(session, lambda: _note(rung, "second"))
    assert rung == ["second"]


async def test_raw_statements_share_the_transaction(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as session:
            driver = await driver_connection(session)
            await driver.execute("INSERT INTO ai.namespaces (name) VALUES ('raw')")
            raise ZeroDivisionError
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM ai.namespaces")) == 0


async def test_a_statement_past_its_time_is_cancelled_by_the_server(database_url: str) -> None:
    database = Database(database_url, statement_timeout=0.05)
    with pytest.raises(Exception, match="statement timeout"):
        async with database.transaction() as session:
            await session.execute(text("SELECT pg_sleep(10)"))
    await database.dispose()


@pytest.mark.parametrize(
    "url", ["postgres://u:p@h/d?sslmode=require", "postgresql://u:p@h/d?sslmode=require"]
)
def test_libpq_urls_are_understood(url: str) -> None:
    assert async_url(url).render_as_string(hide_password=False) == "postgresql+asyncpg://u:p@h/d?ssl=require"


async def _insert_namespace(session: AsyncSession) -> None:
    await session.execute(text("INSERT INTO ai.namespaces (name) VALUES ('one')"))


async def _note(where: list[str], what: str) -> None:
    await asyncio.sleep(0)
    where.append(what)


async def _fail() -> None:
    await asyncio.sleep(0)
    raise RuntimeError("the bell is broken")


async def test_connections_that_the_server_closed_are_replaced_unseen(
    database: Database, servers: EphemeralServers
) -> None:
    async with database.transaction() as session:
        await session.execute(text("SELECT 1"))
    servers.postgres.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cogep'")
    await asyncio.sleep(0.1)  # the farewell is on its way
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT 1")) == 1


async def test_a_raw_connection_is_in_no_transaction(database: Database) -> None:
    async with database.connection() as connection:
        assert not connection.is_in_transaction()
        assert await connection.fetchval("SELECT 1") == 1


async def test_a_server_that_takes_no_connection_says_why(
    database: Database, servers: EphemeralServers
) -> None:
    name = database.engine.url.database
    servers.postgres.psql(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    with pytest.raises(asyncpg.TooManyConnectionsError):
        async with database.connection():
            pass
