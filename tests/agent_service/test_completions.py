import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from core.models import Document
from tests.fake_llm import FakeLLM, saying

Seed = Callable[..., Awaitable[Document]]

TEXT = "O plantão atende das 7h às 19h."
MESSAGES = [
    {"role": "system", "content": "Seja breve."},
    {"role": "user", "content": "Oi"},
    {"role": "assistant", "content": "Olá!"},
    {"role": "user", "content": [{"type": "text", "text": "Que horas o plantão atende?"}]},
]


@pytest.fixture
async def duty(seed: Seed) -> Document:
    return await seed(TEXT, title="Plantão", namespace="rh")


@pytest.mark.usefixtures("duty")
async def test_a_completion_with_citations(client: httpx.AsyncClient) -> None:
    body = {"model": "cogep:rh", "messages": MESSAGES, "temperature": 0.2, "user": "x", "tools": []}
    answer = (await client.post("/v1/chat/completions", json=body)).json()
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "cogep:rh"
    choice = answer["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert choice["message"] == {"role": "assistant", "content": f"{TEXT} [1]"}
    assert [one["quote"] for one in answer["citations"]] == [TEXT]
    assert answer["usage"]["total_tokens"] == 0


async def chunks(client: httpx.AsyncClient, body: dict[str, Any]) -> list[Any]:
    async with client.stream("POST", "/v1/chat/completions", json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line[6:] async for line in response.aiter_lines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


@pytest.mark.usefixtures("duty")
async def test_a_stream_of_chunks(asking: httpx.AsyncClient, llm: FakeLLM) -> None:
    llm.default = saying("Das 7h às 19h [1.1].")
    body = {
        "model": "cogep:rh",
        "messages": MESSAGES,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    heard = await chunks(asking, body)
    assert len({chunk["id"] for chunk in heard}) == 1
    deltas = [chunk["choices"][0]["delta"] for chunk in heard if chunk["choices"]]
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content", "") for delta in deltas) == "Das 7h às 19h. [1]"
    assert heard[-2]["choices"][0]["finish_reason"] == "stop"
    assert heard[-2]["citations"][0]["quote"] == TEXT
    assert heard[-1]["usage"] == {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


@pytest.mark.usefixtures("duty")
async def test_namespaces_are_models(client: httpx.AsyncClient) -> None:
    models = (await client.get("/v1/models")).json()
    assert models["object"] == "list"
    assert [model["id"] for model in models["data"]] == ["cogep", "cogep:rh"]


BAD_CONVERSATIONS: list[dict[str, Any]] = [
    {},
    {"messages": []},
    {"messages": [{"role": "user"}]},
    {"messages": [{"role": "system", "content": "x"}]},
    {"messages": [{"role": "user", "content": "\u0000"}]},
    {"messages": [{"role": "user", "content": "x" * 2001}]},
    {"messages": [{"role": "robot", "content": "x"}]},
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
    {"messages": [{"role": "user", "content": "x"}], "model": "gpt-9"},
    {"messages": [{"role": "user", "content": "x"}], "model": "cogep:A b"},
    {"messages": "x"},
]


async def test_bad_conversations_are_refused(client: httpx.AsyncClient) -> None:
    for body in BAD_CONVERSATIONS:
        response = await client.post("/v1/chat/completions", json=body)
        assert response.status_code == 422, response.text
        assert response.headers["content-type"] == "application/problem+json"
