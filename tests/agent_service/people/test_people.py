import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core.access import PersonRole
from core.db import Database
from core.settings import Settings
from tests.people import PASSWORD, Someone, make_person

NEW = {"name": "Rui Lima", "email": "Rui@Example.org", "role": "supervisor"}


async def change(
    client: httpx.AsyncClient, boss: Someone, person: Someone, body: dict[str, Any], etag: str = '"1"'
) -> httpx.Response:
    headers = {**boss.headers, "If-Match": etag}
    return await client.patch(f"/people/{person.id}", json=body, headers=headers)


async def logs_in(client: httpx.AsyncClient, email: str, password: str) -> bool:
    answer = await client.post("/auth/login", json={"email": email, "password": password})
    return answer.status_code == 200


async def test_a_person_is_made_with_a_password_shown_once(client: httpx.AsyncClient, boss: Someone) -> None:
    made = await client.post("/people", json=NEW, headers=boss.headers)
    assert made.status_code == 201
    person = made.json()
    assert await logs_in(client, "rui@example.org", person.pop("password"))
    found = await client.get(f"/people/{person['id']}", headers=boss.headers)
    assert found.headers["etag"] == '"1"'
    assert {**found.json(), "last_login_at": None} == person
    assert found.json()["last_login_at"] is not None


async def test_a_given_password_is_not_shown(client: httpx.AsyncClient, boss: Someone) -> None:
    made = await client.post("/people", json={**NEW, "password": PASSWORD}, headers=boss.headers)
    assert made.json()["password"] is None
    assert PASSWORD not in made.text
    assert await logs_in(client, NEW["email"], PASSWORD)


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"email": "ANA@example.org"}, 409, "email_taken"),
        ({"email": "ana"}, 422, "not_an_email"),
        ({"role": "service"}, 422, "validation_failed"),
        ({"password": "curta"}, 422, "validation_failed"),
    ],
)
async def test_what_cannot_be_made_is_said(
    client: httpx.AsyncClient, boss: Someone, ana: Someone, wrong: dict[str, str], status: int, code: str
) -> None:
    assert ana.email
    answer = await client.post("/people", json={**NEW, **wrong}, headers=boss.headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_the_list_is_newest_first_in_pages(
    client: httpx.AsyncClient, boss: Someone, ana: Someone
) -> None:
    first = (await client.get("/people?limit=1", headers=boss.headers)).json()
    assert [item["id"] for item in first["items"]] == [str(ana.id)]
    second = await client.get(f"/people?limit=1&cursor={first['next_cursor']}", headers=boss.headers)
    assert [item["id"] for item in second.json()["items"]] == [str(boss.id)]
    assert second.json()["next_cursor"] is None


async def test_a_change_works_on_the_next_call(
    client: httpx.AsyncClient, boss: Someone, ana: Someone
) -> None:
    assert (await client.get("/people", headers=ana.headers)).status_code == 403
    changed = await change(client, boss, ana, {"role": "admin", "name": "Ana Maria"})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (changed.json()["role"], changed.json()["name"]) == ("admin", "Ana Maria")
    assert (await client.get("/people", headers=ana.headers)).status_code == 200
    stale = await change(client, boss, ana, {"role": "agent"})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    blind = await client.patch(f"/people/{ana.id}", json={"role": "agent"}, headers=boss.headers)
    assert blind.status_code == 428


async def test_who_is_let_out_stays_out_until_a_new_login(
    client: httpx.AsyncClient, boss: Someone, ana: Someone
) -> None:
    assert (await change(client, boss, ana, {"active": False})).status_code == 200
    assert (await client.get("/auth/me", headers=ana.headers)).status_code == 401
    assert not await logs_in(client, ana.email, PASSWORD)
    assert (await change(client, boss, ana, {"active": True}, '"2"')).status_code == 200
    assert (await client.get("/auth/me", headers=ana.headers)).status_code == 401
    assert await logs_in(client, ana.email, PASSWORD)


@pytest.mark.parametrize("body", [{"role": "agent"}, {"active": False}])
async def test_the_last_active_admin_stays(
    client: httpx.AsyncClient, boss: Someone, ana: Someone, body: dict[str, Any]
) -> None:
    answer = await change(client, boss, boss, body)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    assert (await change(client, boss, ana, {"role": "admin"})).status_code == 200
    assert (await change(client, boss, boss, body)).status_code == 200


async def test_of_admins_who_let_each_other_out_at_once_never_all_go(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    admins = [await make_person(database, settings, PersonRole.ADMIN) for _ in range(6)]
    pairs = zip(admins, [*admins[1:], admins[0]], strict=True)
    answers = await asyncio.gather(*(change(client, one, other, {"role": "agent"}) for one, other in pairs))
    assert {answer.status_code for answer in answers} <= {200, 401, 403, 409}
    async with database.transaction() as session:
        left = await session.scalar(text("SELECT count(*) FROM ops.people WHERE role = 'admin' AND active"))
    assert left >= 1, "who was let out first lets nobody out any more, so more than one may stay"


async def test_a_reset_ends_all_sessions(client: httpx.AsyncClient, boss: Someone, ana: Someone) -> None:
    answer = await client.post(f"/people/{ana.id}/password", json={}, headers=boss.headers)
    assert answer.status_code == 200
    assert (await client.get("/auth/me", headers=ana.headers)).status_code == 401
    assert not await logs_in(client, ana.email, PASSWORD)
    assert await logs_in(client, ana.email, answer.json()["password"])


async def test_every_act_is_in_the_audit_log_without_personal_data(
    client: httpx.AsyncClient, boss: Someone, ana: Someone, database: Database
) -> None:
    await change(client, boss, ana, {"role": "dpo"})
    await client.post(f"/people/{ana.id}/password", json={}, headers=boss.headers)
    async with database.transaction() as session:
        rows = await session.execute(
            text("SELECT actor, action, data FROM ops.audit_log WHERE subject = :who ORDER BY id"),
            {"who": f"person/{ana.id}"},
        )
        entries = [tuple(row) for row in rows]
    assert entries == [
        (None, "person.created", {"role": "agent", "active": True}),
        (boss.key, "person.changed", {"role": "dpo", "active": True}),
        (boss.key, "person.password_set", {"role": "dpo", "active": True}),
    ]
