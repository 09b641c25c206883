from uuid import UUID, uuid4

import httpx

from core.access import PersonRole
from core.db import Database
from core.settings import Settings
from tests.agent_service.tickets.staff import Staff
from tests.people import make_person

EVENT = """
INSERT INTO crm.ingest_events (public_id, principal_id, account, source, body_digest, body_sealed, client_id,
                               status, linked_at)
SELECT gen_random_uuid(), 1, 'default', 'web', '', '', id, 'LINKED', now()
FROM crm.clients WHERE public_id = $1 RETURNING public_id
"""


async def opened(client: httpx.AsyncClient, owner: UUID, **more: object) -> httpx.Response:
    body = {"client_id": str(owner), "subject": "Boleto", "description": "Veio errado.", **more}
    return await client.post("/crm/tickets", json=body)


async def test_the_life_of_a_ticket(client: httpx.AsyncClient, staff: Staff) -> None:
    owner = await staff.client()
    born = await opened(client, owner, priority="high", channel="whatsapp")
    ticket = born.json()
    assert (born.status_code, born.headers["etag"]) == (201, '"1"')
    assert (ticket["status"], ticket["client_id"], ticket["assignee"]) == ("OPEN", str(owner), None)
    path = f"/crm/tickets/{ticket['id']}"

    changed = await client.patch(path, json={"subject": "Boleto de julho"}, headers={"If-Match": '"1"'})
    assert (changed.json()["subject"], changed.headers["etag"]) == ("Boleto de julho", '"2"')
    assert (await client.patch(path, json={"subject": "x"})).status_code == 428
    stale = await client.patch(path, json={"subject": "x"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await client.patch(path, json={}, headers={"If-Match": '"2"'})).status_code == 422

    ana = await staff.hire("Ana")
    assigned = await client.post(f"{path}/assign", json={"assignee": str(ana.id)})
    assert assigned.json()["assignee"] == {"id": str(ana.id), "name": "Ana"}
    to_a_key = await client.post(f"{path}/assign", json={"assignee": "me"})
    assert (to_a_key.status_code, to_a_key.json()["code"]) == (422, "not_assignable")

    moved = await client.post(f"{path}/transition", json={"to": "IN_PROGRESS", "reason": "começo"})
    assert moved.json()["status"] == "IN_PROGRESS"
    refused = await client.post(f"{path}/transition", json={"to": "CLOSED"})
    assert (refused.status_code, refused.json()["code"]) == (409, "transition_refused")

    said = await client.post(f"{path}/comments", json={"body": "Olá!", "visibility": "public"})
    assert said.status_code == 201
    (comment,) = (await client.get(f"{path}/comments")).json()["items"]
    assert comment == said.json()
    history = (await client.get(f"{path}/history")).json()["items"]
    assert [(row["change"], row["before"], row["after"], row["reason"]) for row in history] == [
        ("status", "OPEN", "IN_PROGRESS", "começo"),
        ("assignee", None, str(ana.id), None),
        ("status", None, "OPEN", None),
    ]
    assert history[0]["actor"]["name"] == "test"
    assert (await client.get(path)).json()["description"] == "Veio errado."


async def test_pages_of_tickets_walk_through_all_in_one_order(
    client: httpx.AsyncClient, staff: Staff
) -> None:
    owner = await staff.client()
    made = [(await opened(client, owner)).json()["id"] for _ in range(7)]
    seen: list[str] = []
    query = "limit=3&status=OPEN&priority=normal"
    page = (await client.get(f"/crm/tickets?{query}")).json()
    while True:
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        page = (await client.get(f"/crm/tickets?{query}&cursor={page['next_cursor']}")).json()
    assert seen == made[::-1]
    other = await staff.client()
    assert (await client.get(f"/crm/tickets?client_id={other}")).json()["items"] == []
    assert len((await client.get(f"/crm/tickets?client_id={owner}")).json()["items"]) == 7


async def test_what_a_ticket_refers_to_is_the_client_s(client: httpx.AsyncClient, staff: Staff) -> None:
    maria, jose = await staff.client(), await staff.client()
    earlier = (await opened(client, maria)).json()
    assert (await opened(client, maria, follow_up_of=earlier["id"])).json()["follow_up_of"] == earlier["id"]
    for unknown in (
        await opened(client, uuid4()),
        await opened(client, jose, follow_up_of=earlier["id"]),
        await opened(client, jose, event_id=str(uuid4())),
    ):
        assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_reference")
    await client.post(f"/crm/clients/{jose}/merge", json={"other": str(maria)})
    gone = await opened(client, maria)
    assert (gone.status_code, gone.json()["code"]) == (409, "client_merged")
    assert len((await client.get(f"/crm/tickets?client_id={jose}")).json()["items"]) == 2


async def test_a_message_does_not_show_the_ticket_of_a_colleague(
    client: httpx.AsyncClient, staff: Staff, database: Database, settings: Settings
) -> None:
    owner = await staff.client()
    (event,) = await staff.execute(EVENT, owner)
    about = {"event_id": str(event["public_id"])}
    ticket = (await opened(client, owner, **about)).json()["id"]
    ana, bia = [await make_person(database, settings, PersonRole.AGENT) for _ in range(2)]
    await client.post(f"/crm/tickets/{ticket}/assign", json={"assignee": str(bia.id)})

    client.headers = httpx.Headers(ana.headers)
    assert (await opened(client, owner, **about)).status_code == 404
    client.headers = httpx.Headers(bia.headers)
    again = await opened(client, owner, **about)
    assert (again.status_code, again.json()["id"]) == (201, ticket)
