import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from agent_service.main import create
from core.db import Database
from core.settings import Settings
from tests.api import make_key, serving

CLIENT = "0199d3a2-7b1c-7c55-8c5e-0a3f5e1b2c3d"
KEY = {"Idempotency-Key": "try-1"}
DEEDS: list[tuple[str, dict[str, Any], str]] = [
    ("/keys", {"name": "robô", "scopes": ["read"]}, "SELECT count(*) - 1 FROM ops.api_keys"),
    ("/crm/clients", {"name": "Maria"}, "SELECT count(*) - 1 FROM crm.clients"),
    (
        "/crm/tickets",
        {"client_id": CLIENT, "subject": "Boleto", "description": "Veio errado."},
        "SELECT count(*) FROM crm.tickets",
    ),
    ("/chat", {"question": "Qual o horário?"}, "SELECT count(*) FROM ai.answers"),
    ("/retrieve", {"query": "Qual o horário?"}, "SELECT 1"),
]


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with database.connection() as connection:
        await connection.execute("INSERT INTO crm.clients (public_id) VALUES ($1)", CLIENT)
    async with serving(create(settings), await make_key(database)) as client:
        yield client


@pytest.mark.parametrize(("path", "body", "count"), DEEDS)
async def test_copies_of_a_request_have_one_effect_and_one_answer(
    client: httpx.AsyncClient, database: Database, path: str, body: dict[str, Any], count: str
) -> None:
    copies = await asyncio.gather(*(client.post(path, json=body, headers=KEY) for _ in range(10)))
    last = await client.post(path, json=body, headers=KEY)
    assert last.is_success, last.text
    assert last.headers["idempotency-replayed"] == "true"
    assert {copy.content for copy in copies if copy.is_success} == {last.content}
    assert {copy.status_code for copy in copies} <= {last.status_code, 409}
    async with database.connection() as connection:
        assert await connection.fetchval(count) == 1
