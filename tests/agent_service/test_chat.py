import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core.apikeys import Scope
from core.assistant.abstention import NOT_FOUND
from core.db import Database
from core.models import Document
from core.settings import Settings
from tests.agent_service.office import OFFICE, QUESTION, events, listen
from tests.fake_llm import Exchange, FakeLLM, saying

Seed = Callable[..., Awaitable[Document]]
Mint = Callable[..., Awaitable[str]]


@pytest.fixture
async def office(seed: Seed) -> Document:
    return await seed(OFFICE, title="Secretaria", metadata={"setor": "secretaria"})


async def test_an_answer_with_its_citation(client: httpx.AsyncClient, office: Document) -> None:
    response = await client.post("/chat", json=QUESTION)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert "8h às 18h" in answer["answer"]
    assert answer["answer"].count("[1]") == 1
    assert (answer["abstained"], answer["model"], answer["notice"]) == (False, "extractive", None)
    assert answer["coverage"] > 0
    first = answer["citations"][0]
    assert first["document_id"] == str(office.public_id)
    assert first["document_title"] == "Secretaria"
    assert first["quote"] == OFFICE[first["start"] : first["end"]]
    whole = (await client.get(f"/documents/{office.public_id}/text?version={first['version']}")).json()
    assert whole["text"][first["start"] : first["end"]] == first["quote"]


@pytest.mark.usefixtures("office")
async def test_it_is_read_back_as_it_was_given(client: httpx.AsyncClient) -> None:
    given = await client.post("/chat", json=QUESTION)
    read = await client.get(given.headers["location"])
    live, stored = given.json(), read.json()
    for volatile in ("retrieval", "usage"):
        live.pop(volatile), stored.pop(volatile)
    for citation in live["citations"] + stored["citations"]:
        citation.pop("score")
    assert live == stored


@pytest.mark.usefixtures("office")
async def test_another_key_does_not_see_it(client: httpx.AsyncClient, mint: Mint) -> None:
    mine = (await client.post("/chat", json=QUESTION)).headers["location"]
    stranger = {"Authorization": f"Bearer {await mint(Scope.CHAT)}"}
    for path in (mine, f"{mine}/events"):
        assert (await client.get(path, headers=stranger)).status_code == 404


@pytest.mark.usefixtures("office")
async def test_abstention(client: httpx.AsyncClient) -> None:
    answer = (await client.post("/chat", json={"question": "Como faço bolo de cenoura vegano?"})).json()
    assert answer["abstained"] is True
    assert answer["answer"].startswith(NOT_FOUND)
    assert answer["citations"] == []
    assert answer["offer"]


@pytest.mark.parametrize("namespace", ["default", "vazio"])
async def test_an_empty_house_abstains(client: httpx.AsyncClient, namespace: str) -> None:
    answer = (await client.post("/chat", json={**QUESTION, "namespace": namespace})).json()
    assert answer["abstained"] is True


@pytest.mark.usefixtures("office")
async def test_small_talk_is_answered_kindly(client: httpx.AsyncClient) -> None:
    answer = (await client.post("/chat", json={"question": "Olá, bom dia!"})).json()
    assert answer["answer"] == "Olá! Como posso ajudar?"
    assert answer["abstained"] is False


@pytest.mark.usefixtures("office")
async def test_filters_confine_the_answer(client: httpx.AsyncClient, seed: Seed) -> None:
    other = await seed("O atendimento da biblioteca é das 10h às 22h.", metadata={"setor": "biblioteca"})
    for filters in ({"metadata": {"setor": "biblioteca"}}, {"documents": [str(other.public_id)]}):
        body = {"question": "Qual o horário de atendimento?", "filters": filters}
        answer = (await client.post("/chat", json=body)).json()
        assert {citation["document_id"] for citation in answer["citations"]} == {str(other.public_id)}


@pytest.mark.usefixtures("office")
async def test_events_tell_the_whole_answer(client: httpx.AsyncClient) -> None:
    heard = await listen(client, QUESTION)
    names = [name for name, _, _ in heard]
    assert names[:3] == ["meta", "retrieval", "delta"]
    assert names[-1] == "done"
    assert len({identity for _, identity, _ in heard}) == len(heard)
    done = heard[-1][2]
    assert "".join(data["text"] for name, _, data in heard if name == "delta") == done["answer"]
    assert [data for name, _, data in heard if name == "citation"] == done["citations"]
    assert heard[1][2]["mode"] == "hybrid"
    assert (await client.get(f"/chat/{done['id']}")).json()["answer"] == done["answer"]


@pytest.mark.usefixtures("office")
async def test_the_accept_header_asks_for_events(client: httpx.AsyncClient) -> None:
    response = await client.post("/chat", json=QUESTION, headers={"Accept": "text/event-stream"})
    assert response.headers["content-type"].startswith("text/event-stream")


@pytest.mark.usefixtures("office")
async def test_resuming_tells_exactly_the_rest(client: httpx.AsyncClient) -> None:
    heard = await listen(client, QUESTION)
    done = heard[-1][2]
    for place, (_, identity, _) in enumerate(heard[:-1]):
        headers = {"Last-Event-ID": identity}
        async with client.stream("GET", f"/chat/{done['id']}/events", headers=headers) as response:
            rest = [event async for event in events(response)]
        said = "".join(data["text"] for name, _, data in [*heard[: place + 1], *rest] if name == "delta")
        assert said == done["answer"]
        assert rest[-1][0] == "done"


@pytest.mark.usefixtures("office")
async def test_a_listener_who_leaves_loses_nothing(asking: httpx.AsyncClient, llm: FakeLLM) -> None:
    go_on = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await exchange.open_stream()
        await exchange.say("O atendimento é das 8h às 18h [1.1]. Depois ")
        await go_on.wait()
        await exchange.say("disso não há.", finish="stop")
        await exchange.write("data: [DONE]\n\n")

    llm.default = slow
    body = {**QUESTION, "stream": True}
    async with asking.stream("POST", "/chat", json=body) as response:
        async for name, identity, data in events(response):
            if name == "meta":
                answer_id = data["id"]
            if name == "citation":
                place = identity
                break
    assert (await asking.get(f"/chat/{answer_id}")).json()["code"] == "answer_pending"
    go_on.set()
    headers = {"Last-Event-ID": place}
    async with asking.stream("GET", f"/chat/{answer_id}/events", headers=headers) as response:
        rest = [event async for event in events(response)]
    assert rest[-1][0] == "done"
    assert not any(name == "citation" for name, _, _ in rest)
    assert (await asking.get(f"/chat/{answer_id}")).json()["answer"].startswith("O atendimento é das 8h")


@pytest.mark.usefixtures("office")
async def test_the_question_is_committed_first(
    asking: httpx.AsyncClient, llm: FakeLLM, database: Database
) -> None:
    seen: list[Any] = []

    async def look(exchange: Exchange) -> None:
        async with database.transaction() as session:
            row = (await session.execute(text("SELECT question, answer FROM ai.answers"))).one()
            busy = await session.scalar(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND state LIKE 'idle in transaction%'"
                )
            )
        seen.append((row.question, row.answer, busy))
        await saying("São das 8h às 18h [1.1].")(exchange)

    llm.default = look
    assert (await asking.post("/chat", json=QUESTION)).status_code == 200
    assert seen == [(QUESTION["question"], None, 0)]


@pytest.mark.usefixtures("office")
async def test_a_dead_embedding_provider_leaves_the_words(settings: Settings, key: str) -> None:
    from tests.agent_service.conftest import client_of

    broken = settings.model_copy(
        update={
            "embedding_provider": "openai_compatible",
            "embedding_base_url": "http://127.0.0.1:9",
            "embedding_model": "nenhum",
        }
    )
    async with client_of(broken, key) as client:
        answer = (await client.post("/chat", json=QUESTION)).json()
    assert answer["retrieval"] == "lexical"
    assert "8h às 18h" in answer["answer"]


BAD_QUESTIONS = [
    {},
    {"question": ""},
    {"question": "  \u200b "},
    {"question": "a\u0000b"},
    {"question": "x" * 2001},
    {"question": 5},
    {"question": ["a"]},
    {"question": "a", "top_k": 0},
    {"question": "a", "top_k": 21},
    {"question": "a", "top_k": True},
    {"question": "a", "top_k": "8"},
    {"question": "a", "namespace": "A b"},
    {"question": "a", "stream": "maybe"},
    {"question": "a", "unknown": 1},
    {"question": "a", "filters": {"metadata": []}},
    {"question": "a", "filters": {"documents": ["x"]}},
    {"question": "a", "filters": {"documents": []}},
    {"question": "a", "filters": {"other": 1}},
]


async def test_bad_questions_are_refused(client: httpx.AsyncClient) -> None:
    for body in BAD_QUESTIONS:
        response = await client.post("/chat", json=body)
        assert response.status_code == 422, (body, response.text)
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.usefixtures("office")
async def test_odd_questions_are_answered(client: httpx.AsyncClient) -> None:
    for question in ["?", "...", "a", "🤷", "qual o que de", "%_\\' OR 1=1 --", "x " * 900]:
        assert (await client.post("/chat", json={"question": question})).status_code == 200, question


async def test_scopes(client: httpx.AsyncClient, mint: Mint) -> None:
    reader = {"Authorization": f"Bearer {await mint(Scope.READ)}"}
    talker = {"Authorization": f"Bearer {await mint(Scope.CHAT)}"}
    assert (await client.post("/chat", json=QUESTION, headers=reader)).status_code == 403
    assert (await client.post("/retrieve", json={"query": "a"}, headers=talker)).status_code == 403
    assert (await client.post("/chat", json=QUESTION, headers={"Authorization": "x"})).status_code == 401


@pytest.mark.usefixtures("office")
async def test_any_last_event_id_ends_well(client: httpx.AsyncClient) -> None:
    location = (await client.post("/chat", json=QUESTION)).headers["location"]
    for identity in ["", "garbage", "9-9-9", "3-99999999-1", "6-0-0", "3-9999-99"]:
        response = await client.get(f"{location}/events", headers={"Last-Event-ID": identity})
        assert response.status_code == 200
        assert "event: done" in response.text


@pytest.mark.parametrize("path", ["/chat/x", "/chat/0199d3a2-7b1c-7c55-8c5e-0a3f5e1b2c3d"])
async def test_unknown_answers(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code in {404, 422}
