"""What becomes of consents when clients turn out to be one person, and two after all."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from agent_service.main import create
from core.consents import NoticeVersion, current_notice, publish, verify
from core.db import Database
from core.settings import Settings
from tests.api import make_key, serving
from tests.core.consents.people import People

PAIRS = [
    # winner, loser, one person, the winner again, the loser again
    ("", "", None, None, None),
    ("G", "", "GRANT", "GRANT", None),
    ("", "G", "GRANT", None, "GRANT"),
    ("G", "G", "GRANT", "GRANT", "GRANT"),
    ("R", "", "REVOKE", "REVOKE", None),
    ("", "R", "REVOKE", None, "REVOKE"),
    ("G", "R", "REVOKE", "GRANT", "REVOKE"),
    ("R", "G", "REVOKE", "REVOKE", "GRANT"),
    ("RG", "GR", "REVOKE", "GRANT", "REVOKE"),
    ("GR", "RG", "REVOKE", "REVOKE", "GRANT"),
]


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create(settings), await make_key(database)) as client:
        yield client


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


@pytest.fixture
async def notice(database: Database) -> NoticeVersion:
    async with database.connection() as connection:
        found = await current_notice(connection, "LGPD_V1")
    assert found is not None
    return found


class Desk:
    """Merges and undoes through the API."""

    def __init__(self, client: httpx.AsyncClient, people: People) -> None:
        self._client = client
        self._people = people

    async def merge(self, winner: int, loser: int) -> UUID:
        path = f"/crm/clients/{await self._people.contact(winner)}/merge"
        answer = await self._client.post(path, json={"other": str(await self._people.contact(loser))})
        assert answer.status_code == 200, answer.text
        return UUID(answer.json()["id"])

    async def undo(self, merge: UUID) -> None:
        answer = await self._client.post(f"/crm/merges/{merge}/undo")
        assert answer.status_code == 200, answer.text


@pytest.fixture
def desk(client: httpx.AsyncClient, people: People) -> Desk:
    return Desk(client, people)


async def one_who(people: People, said: str, notice: NoticeVersion) -> int:
    client = await people.new()
    for letter in said:
        assert await (people.agrees if letter == "G" else people.refuses)(client, notice)
    return client


@pytest.mark.parametrize(("winner_said", "loser_said", "one", "winner_again", "loser_again"), PAIRS)
async def test_a_merge_never_allows_what_somebody_refused(
    desk: Desk,
    people: People,
    notice: NoticeVersion,
    database: Database,
    winner_said: str,
    loser_said: str,
    one: str | None,
    winner_again: str | None,
    loser_again: str | None,
) -> None:
    winner, loser = await one_who(people, winner_said, notice), await one_who(people, loser_said, notice)
    merge = await desk.merge(winner, loser)
    assert (await people.stands(winner), await people.stands(loser)) == (one, one)
    await desk.undo(merge)
    assert (await people.stands(winner), await people.stands(loser)) == (winner_again, loser_again)
    async with database.connection() as connection:
        assert (await verify(connection)).intact


async def test_after_a_merge_the_person_may_be_asked_again(
    desk: Desk, people: People, notice: NoticeVersion
) -> None:
    winner, loser = await one_who(people, "G", notice), await one_who(people, "R", notice)
    await desk.merge(winner, loser)
    assert await people.agrees(loser, notice)  # whoever still knows them by the old id
    assert await people.stands(winner) == "GRANT"
    assert await people.rows(winner) == [
        ("GRANT", "DECISION"),
        ("REVOKE", "CARRIED"),
        ("GRANT", "DECISION"),
    ]


@pytest.mark.parametrize(
    ("since", "after"),
    [
        ("R", ("REVOKE", "REVOKE")),
        ("RG", (None, "GRANT")),
        ("GR", ("REVOKE", "REVOKE")),
        ("", (None, "GRANT")),
    ],
)
async def test_what_was_said_as_one_binds_both_only_as_a_refusal(
    desk: Desk, people: People, notice: NoticeVersion, since: str, after: tuple[str | None, str]
) -> None:
    winner, loser = await people.new(), await one_who(people, "G", notice)
    merge = await desk.merge(winner, loser)
    for letter in since:
        await (people.agrees if letter == "G" else people.refuses)(winner, notice)
    await desk.undo(merge)
    assert (await people.stands(winner), await people.stands(loser)) == after
    assert await people.agrees(winner, notice)


async def test_a_refusal_carried_by_another_merge_stays_when_one_is_undone(
    desk: Desk, people: People, notice: NoticeVersion
) -> None:
    one, two, three = [await one_who(people, said, notice) for said in ("G", "G", "R")]
    first = await desk.merge(one, two)
    second = await desk.merge(one, three)
    await desk.undo(first)
    assert (await people.stands(one), await people.stands(three)) == ("REVOKE", "REVOKE")
    await desk.undo(second)
    assert (await people.stands(one), await people.stands(three)) == ("GRANT", "REVOKE")


async def test_through_two_merges_and_back(desk: Desk, people: People, notice: NoticeVersion) -> None:
    one, two, three = [await one_who(people, said, notice) for said in ("", "G", "R")]
    inner = await desk.merge(two, three)
    outer = await desk.merge(one, two)
    assert [await people.stands(who) for who in (one, two, three)] == ["REVOKE"] * 3
    await desk.undo(outer)
    assert [await people.stands(who) for who in (one, two, three)] == [None, "REVOKE", "REVOKE"]
    await desk.undo(inner)
    assert [await people.stands(who) for who in (one, two, three)] == [None, "GRANT", "REVOKE"]


async def test_undoing_does_not_bring_a_newer_notice_to_who_agreed_to_the_older(
    desk: Desk, people: People, notice: NoticeVersion, database: Database
) -> None:
    winner, loser = await one_who(people, "G", notice), await people.new()
    merge = await desk.merge(winner, loser)
    async with database.connection() as connection, connection.transaction():
        newer = await publish(
            connection, purpose="LGPD_V1", language="pt-BR", body="Mais", asks_again=True, actor=None
        )
    assert await people.agrees(winner, newer)
    await desk.undo(merge)
    state = await people.state(winner)
    assert state is not None
    assert not state.holds


async def test_decisions_during_merges_neither_fail_nor_get_lost(
    desk: Desk, people: People, notice: NoticeVersion, database: Database
) -> None:
    one, two = await people.new(), await people.new()

    async def merge_and_undo(winner: int, loser: int) -> None:
        for _ in range(5):
            await desk.undo(await desk.merge(winner, loser))

    async def say() -> int:
        said = 0
        for _ in range(12):
            for who in (two, one):
                said += await people.agrees(who, notice)
                said += await people.refuses(who, notice)
        return said

    _, *said = await asyncio.gather(merge_and_undo(one, two), say(), say(), say())
    async with database.connection() as connection:
        decisions = await connection.fetchval("SELECT count(*) FROM crm.consents WHERE cause = 'DECISION'")
        assert decisions == sum(said)
        assert (await verify(connection)).intact
