import asyncio

import httpx
import pytest
from sqlalchemy import text

from agent_service.auth.throttle import ANYWHERE, ONE_NETWORK, Counters, TooManyFailures, admit, counters
from core.db import Database
from core.settings import Settings
from core.tokens import Tokens
from tests.people import PASSWORD, Someone

EARLIER = "UPDATE ops.login_failures SET closed_to = closed_to - interval '1 hour'"


@pytest.fixture
def ana_at_home(settings: Settings) -> Counters:
    return counters(Tokens.of(settings), "ana@example.org", "192.0.2.1")


async def attempt(client: httpx.AsyncClient, email: str, password: str = "wrong") -> httpx.Response:
    return await client.post("/auth/login", json={"email": email, "password": password})


async def waits(database: Database, counted: Counters, times: int) -> list[int | None]:
    """What each of so many failures has to wait, each made as soon as it may be."""
    found: list[int | None] = []
    for _ in range(times):
        try:
            await admit(database, counted)
        except TooManyFailures as refused:
            found.append(refused.retry_after)
            async with database.transaction() as session:
                await session.execute(text(EARLIER))
            await admit(database, counted)
        else:
            found.append(None)
    return found


@pytest.mark.parametrize("email", ["ana@example.org", "nobody@example.org"])
async def test_the_sixth_guess_waits_whether_there_is_such_a_person_or_not(
    client: httpx.AsyncClient, ana: Someone, email: str
) -> None:
    assert ana.email
    answers = [await attempt(client, email) for _ in range(ONE_NETWORK.free + 1)]
    assert [answer.status_code for answer in answers] == [401] * ONE_NETWORK.free + [429]
    assert answers[-1].json()["code"] == "too_many_failures"
    assert answers[-1].headers["retry-after"] == "1"


async def test_the_right_password_has_to_wait_too_and_then_ends_the_waiting(
    client: httpx.AsyncClient, ana: Someone, database: Database
) -> None:
    for _ in range(ONE_NETWORK.free):
        await attempt(client, ana.email)
    assert (await attempt(client, ana.email, PASSWORD)).status_code == 429
    async with database.transaction() as session:
        await session.execute(text(EARLIER))
    assert (await attempt(client, ana.email, PASSWORD)).status_code == 200
    assert (await attempt(client, ana.email)).status_code == 401


async def test_many_guesses_at_once_are_no_way_around(client: httpx.AsyncClient, ana: Someone) -> None:
    answers = await asyncio.gather(*(attempt(client, ana.email) for _ in range(12)))
    assert sum(answer.status_code == 401 for answer in answers) == ONE_NETWORK.free


async def test_waits_double_up_to_their_longest(database: Database, ana_at_home: Counters) -> None:
    assert await waits(database, ana_at_home, 18) == [
        *[None] * 5,
        *(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
        *[ONE_NETWORK.longest] * 3,
    ]


async def test_who_guesses_elsewhere_does_not_stop_the_owner_at_home(
    database: Database, settings: Settings, ana_at_home: Counters
) -> None:
    elsewhere = counters(Tokens.of(settings), "ana@example.org", "198.51.100.7")
    await waits(database, elsewhere, 10)
    await admit(database, ana_at_home)


async def test_many_networks_together_wait_for_each_other_but_not_long(
    database: Database, settings: Settings, ana_at_home: Counters
) -> None:
    tokens = Tokens.of(settings)
    for number in range(ANYWHERE.free):
        await admit(database, counters(tokens, "ana@example.org", f"198.51.100.{number}"))
    with pytest.raises(TooManyFailures):
        await admit(database, ana_at_home)
    assert max(wait or 0 for wait in await waits(database, ana_at_home, 4)) <= ANYWHERE.longest


def test_a_household_is_one_network_and_nothing_is_told(settings: Settings) -> None:
    def at(address: str) -> Counters:
        return counters(Tokens.of(settings), "ana@example.org", address)

    assert at("2001:db8::1") == at("2001:db8::ffff") != at("2001:db8:0:1::1")
    assert at("192.0.2.1").anywhere == at("198.51.100.7").anywhere
    assert at("testclient") != at("")
    assert b"ana" not in at("192.0.2.1").one_network


async def test_a_day_later_all_is_forgotten(database: Database, ana_at_home: Counters) -> None:
    await waits(database, ana_at_home, 7)
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE ops.login_failures SET last_at = last_at - interval '1 day', closed_to = NULL")
        )
    assert await waits(database, ana_at_home, 5) == [None] * 5
