"""A small organisation to ask about, and how its answers are heard."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx

from core.models import Document

Seed = Callable[..., Awaitable[Document]]
Mint = Callable[..., Awaitable[str]]
OFFICE = (
    "A secretaria fica no prédio central, na sala 12.\n\n"
    "O atendimento da secretaria é de segunda a sexta, das 8h às 18h. Aos sábados não há atendimento.\n\n"
    "A segunda via da carteira custa R$ 25,00 e fica pronta em 10 dias úteis."
)
QUESTION = {"question": "Qual o horário de atendimento da secretaria?"}


async def events(response: httpx.Response) -> AsyncIterator[tuple[str, str, Any]]:
    name, data = "", None
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("id: "):
            yield name, line[4:], data
        elif line.startswith("data: "):
            data = json.loads(line[6:])


async def listen(client: httpx.AsyncClient, body: dict[str, Any]) -> list[tuple[str, str, Any]]:
    async with client.stream("POST", "/chat", json={**body, "stream": True}) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        return [event async for event in events(response)]
