import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core.access import PersonRole
from core.db import Database
from core.settings import Settings
from tests.api import make_key
from tests.people import PASSWORD, Someone, make_person


async def login(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> dict[str, Any]:
    answer = await client.post("/auth/login", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/auth/refresh", json={"refresh_token": token})


async def me(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})


async def execute(database: Database, statement: str) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement))


async def test_a_login_opens_what_the_role_allows(client: httpx.AsyncClient, ana: Someone) -> None:
    session = await login(client, "ana@EXAMPLE.org ")
    assert (session["token_type"], session["expires_in"]) == ("Bearer", 600)
    told = (await me(client, session["access_token"])).json()
    assert (told["kind"], told["role"], told["id"]) == ("person", "agent", str(ana.id))
    assert "tickets:write" in told["permissions"]
    assert "people:manage" not in told["permissions"]


async def test_a_key_may_ask_who_it_is(client: httpx.AsyncClient, database: Database) -> None:
    told = (await me(client, (await make_key(database)).plaintext)).json()
    assert (told["kind"], told["role"], told["email"]) == ("key", "service", None)
    assert (await client.get("/auth/me")).status_code == 401


@pytest.mark.parametrize(
    ("email", "password"),
    [("ana@example.org", "wrong"), ("nobody@example.org", PASSWORD), ("no e-mail", PASSWORD)],
)
async def test_a_refusal_does_not_say_what_was_wrong(
    client: httpx.AsyncClient, ana: Someone, email: str, password: str
) -> None:
    answer = await client.post("/auth/login", json={"email": email, "password": password})
    assert (answer.status_code, answer.json()["code"]) == (401, "login_refused")
    assert answer.json()["detail"] == "this e-mail and password do not belong together"
    assert ana.email not in answer.text


async def test_who_was_let_out_cannot_come_in_and_is_out_at_once(
    client: httpx.AsyncClient, ana: Someone, database: Database
) -> None:
    session = await login(client, ana.email)
    await execute(database, "UPDATE ops.people SET active = false")
    assert (await me(client, session["access_token"])).status_code == 401
    assert (await refresh(client, session["refresh_token"])).status_code == 401
    answer = await client.post("/auth/login", json={"email": ana.email, "password": PASSWORD})
    assert answer.json()["code"] == "login_refused"


async def test_a_demotion_works_at_once(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    boss = await make_person(database, settings, PersonRole.ADMIN)
    assert "people:manage" in (await me(client, boss.token)).json()["permissions"]
    await execute(database, "UPDATE ops.people SET role = 'agent'")
    assert "people:manage" not in (await me(client, boss.token)).json()["permissions"]


async def test_a_session_goes_on_by_rotating_its_refresh_token(
    client: httpx.AsyncClient, ana: Someone
) -> None:
    first = await login(client, ana.email)
    second = (await refresh(client, first["refresh_token"])).json()
    third = (await refresh(client, second["refresh_token"])).json()
    assert len({first["refresh_token"], second["refresh_token"], third["refresh_token"]}) == 3
    assert first["session_ends_at"] == third["session_ends_at"]
    assert (await me(client, third["access_token"])).status_code == 200


async def test_who_lost_the_answer_of_a_refresh_asks_again(client: httpx.AsyncClient, ana: Someone) -> None:
    first = await login(client, ana.email)
    answers = await asyncio.gather(*(refresh(client, first["refresh_token"]) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    (successor,) = {answer.json()["refresh_token"] for answer in answers}
    assert (await refresh(client, successor)).status_code == 200


@pytest.mark.parametrize("later", ["used", "old"])
async def test_a_token_used_twice_ends_the_session_of_thief_and_owner(
    client: httpx.AsyncClient, ana: Someone, database: Database, later: str
) -> None:
    first = await login(client, ana.email)
    second = (await refresh(client, first["refresh_token"])).json()
    if later == "used":
        second = (await refresh(client, second["refresh_token"])).json()
    else:
        await execute(database, "UPDATE ops.refresh_tokens SET used_at = used_at - interval '31 seconds'")
    answer = await refresh(client, first["refresh_token"])
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")
    assert (await refresh(client, second["refresh_token"])).status_code == 401
    assert (await me(client, second["access_token"])).status_code == 401


async def test_the_end_of_a_session_is_not_put_off(
    client: httpx.AsyncClient, ana: Someone, database: Database
) -> None:
    session = await login(client, ana.email)
    await execute(database, "UPDATE ops.refresh_tokens SET expires_at = now()")
    assert (await refresh(client, session["refresh_token"])).status_code == 401
    assert (await me(client, session["access_token"])).status_code == 401


async def test_leaving_ends_the_session_at_once_and_only_that_one(
    client: httpx.AsyncClient, ana: Someone
) -> None:
    here, elsewhere = await login(client, ana.email), await login(client, ana.email)
    for token in (here["refresh_token"], here["refresh_token"], "cgr_none_of_ours"):
        answer = await client.post("/auth/logout", json={"refresh_token": token})
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await me(client, here["access_token"])).status_code == 401
    assert (await refresh(client, here["refresh_token"])).status_code == 401
    assert (await me(client, elsewhere["access_token"])).status_code == 200


async def test_a_new_password_ends_the_other_sessions(client: httpx.AsyncClient, ana: Someone) -> None:
    here, elsewhere = await login(client, ana.email), await login(client, ana.email)
    headers = {"Authorization": f"Bearer {here['access_token']}"}
    change = {"current": PASSWORD, "new": "uma senha nova e comprida"}
    assert (await client.post("/auth/password", json=change, headers=headers)).status_code == 204
    assert (await me(client, here["access_token"])).status_code == 200
    assert (await me(client, elsewhere["access_token"])).status_code == 401
    refused = await client.post("/auth/login", json={"email": ana.email, "password": PASSWORD})
    assert refused.status_code == 401
    await login(client, ana.email, change["new"])


async def test_whoever_finds_an_open_screen_cannot_take_the_account(
    client: httpx.AsyncClient, ana: Someone, database: Database
) -> None:
    change = {"current": "another password", "new": "uma senha nova e comprida"}
    answer = await client.post("/auth/password", json=change, headers=ana.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_password")
    short = await client.post("/auth/password", json={**change, "new": "curta"}, headers=ana.headers)
    assert short.status_code == 422
    key = {"X-API-Key": (await make_key(database)).plaintext}
    assert (await client.post("/auth/password", json=change, headers=key)).status_code == 403
    await login(client, ana.email)


async def test_without_a_secret_nobody_comes_in_and_services_go_on(
    settings: Settings, database: Database
) -> None:
    from agent_service.main import create
    from tests.api import serving

    someone = await make_person(database, settings)
    key = await make_key(database)
    async with serving(create(settings.model_copy(update={"token_secret": None}))) as client:
        answer = await client.post("/auth/login", json={"email": someone.email, "password": PASSWORD})
        assert (answer.status_code, answer.json()["code"]) == (503, "login_closed")
        assert (await me(client, someone.token)).status_code == 401
        assert (await me(client, key.plaintext)).status_code == 200
