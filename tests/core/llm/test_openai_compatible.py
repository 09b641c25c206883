import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from core.llm.fallback import Fallback
from core.llm.model import (
    Delta,
    LanguageModel,
    Message,
    ModelFailed,
    ModelInterrupted,
    ModelRefused,
    ModelUnavailable,
    Usage,
)
from core.llm.openai_compatible import OpenAICompatible, completions_url
from core.llm.server_sent_events import LARGEST_EVENT
from tests.fake_llm import Exchange, FakeLLM, cut_after, failing, fake_llm, garbage, hanging, saying

MESSAGES = [Message("system", "Responda."), Message("user", "Olá?")]


@pytest.fixture
async def server() -> AsyncIterator[FakeLLM]:
    async with fake_llm(saying("Olá, mundo.")) as fake:
        yield fake


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def said(model: LanguageModel) -> list[Delta]:
    return [delta async for delta in model.stream(MESSAGES, max_tokens=50)]


async def failure(model: LanguageModel) -> tuple[ModelFailed, str]:
    text = ""
    with pytest.raises(ModelFailed) as caught:
        async for delta in model.stream(MESSAGES, max_tokens=50):
            text += delta.text
    return caught.value, text


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("http://x", "/v1/chat/completions"),
        ("http://x/", "/v1/chat/completions"),
        ("http://x/v1", "/v1/chat/completions"),
        ("http://x/v1/", "/v1/chat/completions"),
        ("http://x/v1beta", "/v1beta/chat/completions"),
        ("http://x/api/v3", "/api/v3/chat/completions"),
        ("http://x/v1/chat/completions", "/v1/chat/completions"),
    ],
)
def test_url_with_or_without_version(base: str, path: str) -> None:
    assert completions_url(base) == f"http://x{path}"


async def test_the_stream_and_its_usage(server: FakeLLM, client: httpx.AsyncClient) -> None:
    deltas = await said(OpenAICompatible(client, server.url, "m", api_key="k"))
    assert "".join(delta.text for delta in deltas) == "Olá, mundo."
    assert deltas[-1].usage == Usage(11, 7)
    assert {delta.model for delta in deltas} == {"m"}
    assert server.headers[0]["authorization"] == "Bearer k"
    assert server.asked[0]["messages"] == [message.as_json() for message in MESSAGES]
    assert server.asked[0]["max_tokens"] == 50


async def test_no_key_sends_no_header(server: FakeLLM, client: httpx.AsyncClient) -> None:
    await said(OpenAICompatible(client, server.url, "m"))
    assert "authorization" not in server.headers[0]


async def test_a_server_that_does_not_stream(server: FakeLLM, client: httpx.AsyncClient) -> None:
    async def whole(exchange: Exchange) -> None:
        await exchange.respond(200, json.dumps({"choices": [{"message": {"content": "Inteira."}}]}))

    server.default = whole
    assert await said(OpenAICompatible(client, server.url, "m")) == [Delta("m", "Inteira.")]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
async def test_a_passing_trouble(server: FakeLLM, client: httpx.AsyncClient, status: int) -> None:
    server.default = failing(status)
    error, _ = await failure(OpenAICompatible(client, server.url, "m"))
    assert isinstance(error, ModelUnavailable)
    assert error.code == f"llm_http_{status}"


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 422])
async def test_a_refusal(server: FakeLLM, client: httpx.AsyncClient, status: int) -> None:
    server.default = failing(status)
    error, _ = await failure(OpenAICompatible(client, server.url, "m"))
    assert isinstance(error, ModelRefused)
    assert error.code == f"llm_http_{status}"


@pytest.mark.parametrize(("url", "key"), [("http://[::1", None), ("http://x:y", None), (None, "chavé")])
async def test_what_cannot_be_sent_is_a_refusal(
    server: FakeLLM, client: httpx.AsyncClient, url: str | None, key: str | None
) -> None:
    error, _ = await failure(OpenAICompatible(client, url or server.url, "m", api_key=key))
    assert isinstance(error, ModelRefused)
    assert error.code == "llm_misconfigured"


async def test_nobody_listens(client: httpx.AsyncClient) -> None:
    error, _ = await failure(OpenAICompatible(client, "http://127.0.0.1:9", "m"))
    assert isinstance(error, ModelUnavailable)
    assert error.code == "llm_unreachable"


async def test_silence_ends_in_time(server: FakeLLM, client: httpx.AsyncClient) -> None:
    server.default = hanging
    error, _ = await failure(OpenAICompatible(client, server.url, "m", timeout=0.2))
    assert isinstance(error, ModelUnavailable)
    assert error.code == "llm_timeout"


async def test_a_dripping_server_ends_in_time(server: FakeLLM, client: httpx.AsyncClient) -> None:
    async def drip(exchange: Exchange) -> None:
        await exchange.open_stream()
        while True:
            await exchange.write(": keep alive\n\n")
            await exchange.say("a")
            await asyncio.sleep(0.01)

    server.default = drip
    error, text = await failure(OpenAICompatible(client, server.url, "m", timeout=0.3))
    assert isinstance(error, ModelInterrupted)
    assert error.code == "llm_timeout"
    assert set(text) == {"a"}


@pytest.mark.parametrize(
    "body",
    [
        "data: {not json}\n\n",
        "data: [1, 2]\n\n",
        'data: {"choices": "no"}\n\n',
        'data: {"error": {"message": "overloaded"}}\n\n',
        "data: " + "x" * (LARGEST_EVENT + 1),
        "<html>proxy</html>",
        "",
    ],
)
async def test_nonsense_before_the_first_token(server: FakeLLM, client: httpx.AsyncClient, body: str) -> None:
    server.default = garbage(body)
    error, _ = await failure(OpenAICompatible(client, server.url, "m"))
    assert isinstance(error, ModelUnavailable)


async def test_broken_utf8(server: FakeLLM, client: httpx.AsyncClient) -> None:
    async def broken(exchange: Exchange) -> None:
        await exchange.open_stream()
        exchange.writer.write(b"data: \xff\xfe\n\n")
        await exchange.writer.drain()

    server.default = broken
    error, _ = await failure(OpenAICompatible(client, server.url, "m"))
    assert error.code == "llm_garbled"


async def test_a_cut_after_some_words_is_an_interruption(server: FakeLLM, client: httpx.AsyncClient) -> None:
    server.default = cut_after("Meia ")
    error, text = await failure(OpenAICompatible(client, server.url, "m"))
    assert isinstance(error, ModelInterrupted)
    assert text == "Meia "


def chain(server: FakeLLM, client: httpx.AsyncClient, *names: str) -> Fallback:
    return Fallback([OpenAICompatible(client, server.url, name, timeout=0.5) for name in names])


@pytest.mark.parametrize("trouble", [failing(429), failing(500), failing(408), hanging, cut_after("")])
async def test_the_next_model_answers(server: FakeLLM, client: httpx.AsyncClient, trouble: object) -> None:
    server.scripts = {"first": trouble}  # type: ignore[dict-item]
    deltas = await said(chain(server, client, "first", "second"))
    assert "".join(delta.text for delta in deltas) == "Olá, mundo."
    assert {delta.model for delta in deltas} == {"second"}


@pytest.mark.parametrize("status", [400, 401, 403, 422])
async def test_a_refusal_is_not_hidden(server: FakeLLM, client: httpx.AsyncClient, status: int) -> None:
    server.scripts = {"first": failing(status)}
    error, _ = await failure(chain(server, client, "first", "second"))
    assert isinstance(error, ModelRefused)
    assert [body["model"] for body in server.asked] == ["first"]


async def test_no_second_voice_after_the_first_word(server: FakeLLM, client: httpx.AsyncClient) -> None:
    server.scripts = {"first": cut_after("Meia ")}
    error, text = await failure(chain(server, client, "first", "second"))
    assert isinstance(error, ModelInterrupted)
    assert text == "Meia "
    assert len(server.asked) == 1


async def test_all_unavailable(server: FakeLLM, client: httpx.AsyncClient) -> None:
    server.default = failing(503)
    error, _ = await failure(chain(server, client, "first", "second", "third"))
    assert isinstance(error, ModelUnavailable)
    assert [body["model"] for body in server.asked] == ["first", "second", "third"]
