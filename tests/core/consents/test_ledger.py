import asyncio
import json
from itertools import pairwise

import asyncpg
import pytest

from core.consents import (
    SERVICE_DESK,
    NoticeVersion,
    current,
    current_notice,
    grant,
    last_shown,
    note_shown,
    publish,
    verify,
)
from core.db import Connection, Database
from core.errors import NotFound
from tests.core.consents.people import People


async def test_the_latest_decides(people: People, notice: NoticeVersion) -> None:
    client = await people.new()
    assert await people.state(client) is None
    assert await people.agrees(client, notice)
    state = await people.state(client)
    assert state is not None
    assert (state.holds, state.notice, state.channel) == (True, notice.id, "whatsapp")
    assert not await people.agrees(client, notice)
    assert await people.refuses(client, notice)
    assert not await people.refuses(client, notice)
    state = await people.state(client)
    assert state is not None
    assert not state.holds
    assert await people.agrees(client, notice)
    assert await people.rows(client) == [(action, "DECISION") for action in ("GRANT", "REVOKE", "GRANT")]


async def test_a_decision_is_told_and_recorded_without_personal_data(
    people: People, notice: NoticeVersion, connection: Connection
) -> None:
    client = await people.new()
    await people.agrees(client, notice, actor=7)
    await people.agrees(client, notice, actor=7)
    await people.refuses(client, notice)
    told = await connection.fetch("SELECT type, subject, data::text FROM ops.outbox_events ORDER BY id")
    assert [event["type"] for event in told] == ["consent.granted", "consent.revoked"]
    entries = await connection.fetch(
        "SELECT actor, action, subject, data ->> 'hash' AS hash FROM ops.audit_log"
    )
    rows = await connection.fetch("SELECT public_id, hash FROM crm.consents ORDER BY id")
    assert [event["subject"] for event in told] == [row["public_id"] for row in rows]
    assert [(entry["actor"], entry["subject"], entry["hash"]) for entry in entries] == [
        (actor, f"consent/{row['public_id']}", row["hash"].hex())
        for actor, row in zip((7, None), rows, strict=True)
    ]
    contact = str(await people.contact(client))
    expected = {"client_id": contact, "purpose": "LGPD_V1", "cause": "DECISION"}
    assert [json.loads(event["data"]) for event in told] == [expected] * 2


async def test_fifty_simultaneous_yes_are_one_row(
    people: People, notice: NoticeVersion, connection: Connection
) -> None:
    client = await people.new()
    changed = await asyncio.gather(*(people.agrees(client, notice) for _ in range(50)))
    assert sorted(changed) == [False] * 49 + [True]
    assert await people.rows(client) == [("GRANT", "DECISION")]
    assert (await verify(connection)).intact


async def test_racing_decisions_come_in_one_order(
    people: People, notice: NoticeVersion, connection: Connection
) -> None:
    """Each that changed something is one row, the rows alternate, and the chain holds."""
    clients = [await people.new() for _ in range(4)]
    says = [(who, verb) for _ in range(15) for who in clients for verb in (people.agrees, people.refuses)]
    changed = await asyncio.gather(*(verb(who, notice) for who, verb in says))
    for client in clients:
        rows = await people.rows(client)
        assert len(rows) == sum(did for (who, _), did in zip(says, changed, strict=True) if who == client)
        assert all(before != after for before, after in pairwise(rows))
        assert await people.stands(client) == rows[-1][0]
    assert (await verify(connection)).intact


async def test_a_decision_waits_for_whoever_acts_on_the_one_before(
    database: Database, people: People, notice: NoticeVersion
) -> None:
    client = await people.new()
    await people.agrees(client, notice)
    async with database.connection() as acting, acting.transaction():
        state = await current(acting, client, SERVICE_DESK, lock=True)
        assert state is not None
        assert state.holds
        revoking = asyncio.create_task(people.refuses(client, notice))
        other = await people.new()
        assert await people.agrees(other, notice)  # nobody else waits
        assert not revoking.done()
        again = await current(acting, client, SERVICE_DESK)
        assert again == state
    assert await revoking
    assert await people.stands(client) == "REVOKE"


async def test_nobody_consents_to_what_is_not_there(
    people: People, notice: NoticeVersion, connection: Connection
) -> None:
    client = await people.new()
    for who, purpose, number in (
        (-1, SERVICE_DESK, notice.id),
        (client, "ADS", notice.id),
        (client, SERVICE_DESK, -1),
    ):
        with pytest.raises(NotFound):
            async with connection.transaction():
                await grant(
                    connection,
                    client=who,
                    purpose=purpose,
                    notice=number,
                    channel="web",
                    event=None,
                    actor=None,
                )
    assert await current(connection, -1, SERVICE_DESK) is None
    assert await current_notice(connection, "ADS") is None
    assert await people.rows(client) == []


async def test_what_is_rolled_back_was_never_said(
    database: Database, people: People, notice: NoticeVersion, connection: Connection
) -> None:
    client = await people.new()
    with pytest.raises(ZeroDivisionError):
        async with database.connection() as doomed, doomed.transaction():
            await grant(
                doomed,
                client=client,
                purpose=SERVICE_DESK,
                notice=notice.id,
                channel="web",
                event=None,
                actor=None,
            )
            raise ZeroDivisionError
    assert await people.state(client) is None
    assert await people.agrees(client, notice)
    assert (await verify(connection)).intact


async def test_a_notice_that_asks_again_ends_what_was_agreed_to_before(
    people: People, notice: NoticeVersion, connection: Connection
) -> None:
    client = await people.new()
    await people.agrees(client, notice)
    worded = await publish(
        connection, purpose=SERVICE_DESK, language="pt-BR", body="Mais claro", asks_again=False, actor=1
    )
    state = await people.state(client)
    assert state is not None
    assert state.holds
    async with connection.transaction():
        other = await publish(
            connection, purpose=SERVICE_DESK, language="pt-BR", body="Outra coisa", asks_again=True, actor=1
        )
    assert (worded.version, other.version) == (2, 3)
    assert await current_notice(connection, SERVICE_DESK) == other
    state = await people.state(client)
    assert state is not None
    assert not state.holds
    assert await people.agrees(client, other)
    state = await people.state(client)
    assert state is not None
    assert state.holds


async def test_versions_published_at_once_are_numbered_in_turn(database: Database) -> None:
    async def one(number: int) -> int:
        async with database.connection() as connection, connection.transaction():
            made = await publish(
                connection, purpose="NEWS", language="pt-BR", body=f"{number}", asks_again=False, actor=None
            )
            return made.version

    assert sorted(await asyncio.gather(*map(one, range(8)))) == list(range(1, 9))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE crm.notices SET body = 'x', sha256 = sha256('x')",
        "DELETE FROM crm.notices",
        "TRUNCATE crm.notices CASCADE",
        "UPDATE crm.consents SET action = 'GRANT'",
        "DELETE FROM crm.consents",
        "TRUNCATE crm.consents CASCADE",
        "UPDATE crm.notice_deliveries SET shown_at = now()",
        "DELETE FROM crm.notice_deliveries",
    ],
)
async def test_what_was_said_is_never_unsaid(connection: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute(statement)


async def test_the_database_knows_the_hash_of_a_notice(connection: Connection) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(
            "INSERT INTO crm.notices (public_id, purpose, version, language, body, sha256)"
            " VALUES (gen_random_uuid(), 'LGPD_V1', 2, 'pt-BR', 'a', sha256('b'))"
        )


async def test_only_what_was_shown_before_the_answer_was_answered(
    people: People, notice: NoticeVersion, connection: Connection
) -> None:
    client = await people.new()
    early = await connection.fetchval("SELECT clock_timestamp()")
    assert await last_shown(connection, client, SERVICE_DESK) is None
    await note_shown(connection, client=client, notice=notice.id, channel="console")
    shown = await last_shown(connection, client, SERVICE_DESK)
    assert shown is not None
    assert (shown.notice, shown.channel, shown.is_current) == (notice.id, "console", True)
    assert await last_shown(connection, client, SERVICE_DESK, before=early) is None
    assert await last_shown(connection, await people.new(), SERVICE_DESK) is None
    await publish(
        connection, purpose=SERVICE_DESK, language="pt-BR", body="Novo", asks_again=False, actor=None
    )
    shown = await last_shown(connection, client, SERVICE_DESK)
    assert shown is not None
    assert not shown.is_current
