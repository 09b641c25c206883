from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from core.db import Database

CPF = "529.982.247-25"
OTHER_CPF = "111.444.777-35"


def message(sender: str = "5511987654321", **more: Any) -> dict[str, Any]:
    return {"source": "whatsapp", "sender_id": sender, "content": "bom dia", **more}


def cpf(value: str) -> dict[str, str]:
    return {"kind": "cpf", "value": value}


async def send(client: httpx.AsyncClient, sender: str = "5511987654321", **more: Any) -> dict[str, Any]:
    answer = await client.post("/ingest/message", json=message(sender, **more))
    assert answer.status_code == 202, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def scalar(database: Database, statement: str) -> Any:
    async with database.transaction() as session:
        return await session.scalar(text(statement))


async def test_a_message_is_stored_and_tied_to_a_new_contact(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await send(client, external_id="wamid.1", sender_name="Maria")
    assert set(answer) == {"event_id", "contact_id", "status", "duplicate"}
    assert (answer["status"], answer["duplicate"]) == ("persisted", False)
    assert UUID(answer["contact_id"])
    event = (await client.get(f"/ingest/events/{answer['event_id']}")).json()
    assert (event["status"], event["contact_id"]) == ("LINKED", answer["contact_id"])
    assert await scalar(database, "SELECT name FROM crm.clients") == "Maria"


@pytest.mark.parametrize(
    "again",
    [
        message("551187654321"),
        message("+5511987654321"),
        message("5511987654321@s.whatsapp.net"),
        {"source": "phone", "sender_id": "(11) 98765-4321", "content": "alô"},
        {"source": "web", "sender_id": "u1", "content": "x", "identifiers": [cpf("52998224725")]},
        {"source": "email", "sender_id": "MARIA@Example.com", "content": "x"},
    ],
)
async def test_all_spellings_are_one_contact(client: httpx.AsyncClient, again: dict[str, Any]) -> None:
    first = await send(client, identifiers=[cpf(CPF), {"kind": "email", "value": "maria@example.com"}])
    answer = await client.post("/ingest/message", json=again)
    assert answer.json()["contact_id"] == first["contact_id"]
