from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from core.access import PersonRole
from core.db import Database
from core.settings import Settings
from tests.people import make_person

EVENTS = """
INSERT INTO crm.ingest_events (public_id, principal_id, account, source, body_digest, body_sealed, status,
                               client_id, received_at)
SELECT gen_random_uuid(), 1, 'default', 'whatsapp', '', '', 'LINKED', id, now() - n * interval '1 hour'
FROM crm.clients, generate_series(1, 5) n WHERE public_id = $1"""


async def walk(client: httpx.AsyncClient, contact: str, limit: int, **more: Any) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await client.get(f"/crm/clients/{contact}/timeline?limit={limit}{cursor}", **more)
        page = answer.json()
        seen += page["items"]
        if page["next_cursor"] is None:
            return seen
        cursor = f"&cursor={page['next_cursor']}"


async def opened(client: httpx.AsyncClient, name: str) -> str:
    found: str = (await client.post("/crm/clients", json={"name": name})).json()["id"]
    return found


async def ticket(client: httpx.AsyncClient, contact: str) -> str:
    body = {"client_id": contact, "subject": "Boleto", "description": "Veio errado."}
    found: str = (await client.post("/crm/tickets", json=body)).json()["id"]
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_everything_is_in_one_order_on_pages_of_any_size(
    client: httpx.AsyncClient, database: Database, limit: int
) -> None:
    maria, jose = await opened(client, "Maria"), await opened(client, "José")
    async with database.connection() as connection:
        await connection.execute(EVENTS, UUID(maria))
    tickets = [await ticket(client, maria) for _ in range(2)]
    merge = (await client.post(f"/crm/clients/{maria}/merge", json={"other": jose})).json()["id"]
    seen = await walk(client, maria, limit)
    assert [moment["kind"] for moment in seen] == ["merge", "ticket", "ticket", *["message"] * 5]
    assert [moment["id"] for moment in seen[:3]] == [merge, *tickets[::-1]]
    assert [moment["at"] for moment in seen] == sorted((moment["at"] for moment in seen), reverse=True)
    assert len({moment["id"] for moment in seen}) == 8
    assert [moment["kind"] for moment in await walk(client, jose, limit)] == ["merge"]


async def test_tickets_of_others_are_not_in_it(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    ana, bia = [await make_person(database, settings, PersonRole.AGENT) for _ in range(2)]
    maria = await opened(client, "Maria")
    hers = await ticket(client, maria)
    await client.post(f"/crm/tickets/{hers}/assign", json={"assignee": str(ana.id)})
    assert [moment["id"] for moment in await walk(client, maria, 5, headers=ana.headers)] == [hers]
    assert await walk(client, maria, 5, headers=bia.headers) == []


async def test_nobody_has_no_timeline(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/crm/clients/{uuid4()}/timeline")).status_code == 404
    maria = await opened(client, "Maria")
    assert (await client.get(f"/crm/clients/{maria}/timeline?cursor=WzFd")).status_code == 422
