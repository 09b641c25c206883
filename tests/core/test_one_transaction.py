import asyncio

import pytest
from asyncpg import UniqueViolationError
from sqlalchemy import text

from core.db import Database, driver_connection, on_commit


async def insert(database: Database, name: str, rung: list[str] | None = None, *, fail: bool = False) -> None:
    async def ring() -> None:
        assert rung is not None
        rung.append(name)

    async with database.transaction() as session:
        await session.execute(text("INSERT INTO ai.namespaces (name) VALUES (:name)"), {"name": name})
        if rung is not None:
            on_commit(session, ring)
        if fail:
            raise ZeroDivisionError


async def names(database: Database) -> set[str]:
    async with database.connection() as connection:
        return {row["name"] for row in await connection.fetch("SELECT name FROM ai.namespaces")}


async def test_all_or_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.one_transaction():
            await insert(database, "one")
            async with database.connection() as connection:
                await connection.execute("INSERT INTO ai.namespaces (name) VALUES ('two')")
            raise ZeroDivisionError
    assert await names(database) == set()


async def test_a_block_that_fails_takes_back_its_own_work_only(database: Database) -> None:
    rung: list[str] = []
    async with database.one_transaction():
        await insert(database, "one", rung)
        with pytest.raises(ZeroDivisionError):
            await insert(database, "two", rung, fail=True)
        with pytest.raises(UniqueViolationError):
            async with database.connection() as connection:
                await connection.execute("INSERT INTO ai.namespaces (name) VALUES ('one')")
        async with database.transaction() as session:
            raw = await driver_connection(session)
            await raw.execute("INSERT INTO ai.namespaces (name) VALUES ('three')")
        assert rung == []
    assert await names(database) == {"one", "three"}
    assert rung == ["one"]


async def test_a_raw_transaction_inside_is_a_savepoint(database: Database) -> None:
    async with database.one_transaction():
        with pytest.raises(ZeroDivisionError):
            async with database.connection() as connection, connection.transaction():
                await connection.execute("INSERT INTO ai.namespaces (name) VALUES ('one')")
                raise ZeroDivisionError
        await insert(database, "two")
    assert await names(database) == {"two"}


async def test_a_task_started_inside_is_on_its_own(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.one_transaction():
            await insert(database, "joined")
            await asyncio.create_task(insert(database, "alone"))
            raise ZeroDivisionError
    assert await names(database) == {"alone"}


async def test_another_database_is_on_its_own(database: Database) -> None:
    other = Database(database.url)
    with pytest.raises(ZeroDivisionError):
        async with database.one_transaction():
            await insert(other, "other")
            raise ZeroDivisionError
    await other.dispose()
    assert await names(database) == {"other"}


async def test_after_it_everything_is_as_before(database: Database) -> None:
    async with database.one_transaction():
        await insert(database, "one")
    with pytest.raises(ZeroDivisionError):
        await insert(database, "two", fail=True)
    await insert(database, "three")
    assert await names(database) == {"one", "three"}
