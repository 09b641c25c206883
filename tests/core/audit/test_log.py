import asyncio

import asyncpg
import pytest
import structlog

from core import audit
from core.audit.queries import get_head
from core.audit.sealing import seal, seal_batch
from core.audit.verification import verify
from core.db import Database


async def write(database: Database, number: int, *, fail: bool = False) -> None:
    async with database.connection() as connection, connection.transaction():
        await audit.record(
            connection,
            actor=number,
            action="ticket.assigned",
            subject=f"ticket/{number}",
            data={"to": number},
        )
        if fail:
            raise ZeroDivisionError


async def test_an_act_that_is_rolled_back_leaves_no_entry(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await write(database, 1, fail=True)
    assert await seal(database) == 0


async def test_fifty_writers_and_many_sealers_make_one_unbroken_chain(database: Database) -> None:
    async def writer(number: int) -> None:
        for _ in range(4):
            await write(database, number)

    async def sealer() -> None:
        for _ in range(20):
            await seal_batch(database)

    await asyncio.gather(*(writer(number) for number in range(50)), sealer(), sealer(), sealer())
    await seal(database)
    verdict = await verify(database)
    assert (verdict.checked, verdict.first_break, verdict.tail.entries) == (200, None, 0)
    async with database.connection() as connection:
        assert (await get_head(connection)).position == 200


async def test_writers_never_wait_for_each_other_nor_for_the_sealer(database: Database) -> None:
    async with database.connection() as slow, slow.transaction():
        await audit.record(slow, actor=None, action="a.first", subject="x/1")
        await write(database, 2)  # a lock held by the first would never be free
        assert await seal(database) == 1
    assert await seal(database) == 1
    verdict = await verify(database)
    assert (verdict.checked, verdict.first_break) == (2, None)


async def test_what_waits_for_its_seal_is_counted(database: Database) -> None:
    await write(database, 1)
    verdict = await verify(database)
    assert (verdict.checked, verdict.first_break, verdict.tail.entries) == (0, None, 1)
    assert verdict.tail.oldest_seconds is not None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ops.audit_log SET actor = 7",
        "UPDATE ops.audit_log SET position = 9, hash = ''",
        "DELETE FROM ops.audit_log",
        "TRUNCATE ops.audit_log",
    ],
)
async def test_the_log_is_append_only(database: Database, statement: str) -> None:
    await write(database, 1)
    await seal(database)
    async with database.connection() as connection:
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute(statement)


async def test_sealing_may_change_nothing_else(database: Database) -> None:
    await write(database, 1)
    async with database.connection() as connection:
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute("UPDATE ops.audit_log SET position = 1, hash = '', actor = 9")


async def test_an_entry_and_a_read_know_their_request(database: Database) -> None:
    with structlog.contextvars.bound_contextvars(request_id="request-1"):
        async with database.connection() as connection, connection.transaction():
            await audit.record(connection, actor=1, action="a.b", subject="x/1")
            await audit.record_read(connection, principal=1, subject="client/1", what="client")
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT request_id FROM ops.audit_log") == "request-1"
        row = await connection.fetchrow("SELECT * FROM ops.personal_data_reads")
    assert row is not None
    assert (row["principal_id"], row["subject"], row["what"], row["request_id"]) == (
        1,
        "client/1",
        "client",
        "request-1",
    )
