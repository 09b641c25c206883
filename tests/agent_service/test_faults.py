import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import make_url, text

from agent_service.chat.desk import Desk, Means
from agent_service.chat.schemas import ChatIn
from core.access import Principal, PrincipalKind, Role
from core.db import Database
from core.embeddings.hashed_ngrams import HashedNgrams
from core.ids import uuid7
from core.llm.model import Delta, Message
from core.models import Answer, Document
from ops.embedded import EphemeralServers
from tests.fake_llm import Exchange, FakeLLM

Seed = Callable[..., Awaitable[Document]]

QUESTION = {"question": "Qual o horário de atendimento?"}
TEXT = "O horário de atendimento é das 8h às 18h."


class Outage:
    """The database is gone: nobody is connected and nobody can connect."""

    def __init__(self, servers: EphemeralServers, url: str) -> None:
        self._psql = servers.postgres.psql
        self._name = make_url(url).database

    async def begin(self) -> None:
        gone = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}';"
        rename = f"ALTER DATABASE {self._name} RENAME TO {self._name}_gone;"
        await asyncio.to_thread(self._psql, gone + rename)

    async def end(self) -> None:
        rename = f"ALTER DATABASE {self._name}_gone RENAME TO {self._name};"
        await asyncio.to_thread(self._psql, rename)


@pytest.fixture
def outage(servers: EphemeralServers, database_url: str) -> Outage:
    return Outage(servers, database_url)


async def test_without_the_database_the_answer_is_503(client: httpx.AsyncClient, outage: Outage) -> None:
    await outage.begin()
    for response in (
        await client.post("/chat", json=QUESTION),
        await client.post("/chat", json={**QUESTION, "stream": True}),
        await client.post("/retrieve", json={"query": "horário"}),
        await client.get("/documents"),
    ):
        assert response.status_code == 503, response.text
        assert int(response.headers["retry-after"]) > 0
    await outage.end()
    assert (await client.post("/chat", json=QUESTION)).status_code == 200


async def test_an_outage_during_the_answer_does_not_lose_it(
    asking: httpx.AsyncClient, llm: FakeLLM, seed: Seed, outage: Outage
) -> None:
    await seed(TEXT)
    begun = asyncio.Event()

    async def across_an_outage(exchange: Exchange) -> None:
        await exchange.open_stream()
        await exchange.say("Das 8h às 18h [1.1].")
        await outage.begin()
        await exchange.say("", finish="stop")
        await exchange.write("data: [DONE]\n\n")
        begun.set()

    llm.default = across_an_outage
    waiting = asyncio.create_task(asking.post("/chat", json=QUESTION))
    await begun.wait()
    await asyncio.sleep(0.2)  # the first attempts to store it fail
    await outage.end()
    answer = (await waiting).json()
    assert answer["answer"] == "Das 8h às 18h. [1]"
    assert (await asking.get(f"/chat/{answer['id']}")).json()["answer"] == answer["answer"]


class Endless:
    """A model that never says anything."""

    name = "mudo"

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def stream(self, _messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[Delta, None]:
        self.asked.set()
        await asyncio.sleep(max_tokens * 1000)
        yield Delta(self.name)


async def test_stopping_the_service_says_so(
    database: Database, seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_service.chat.desk.GRACE_SECONDS", 0.1)
    await seed(TEXT)
    model = Endless()
    desk = Desk(Means(database, HashedNgrams(), model, 100, frozenset()))
    caller = Principal(1, "x", PrincipalKind.KEY, Role.SERVICE, frozenset())
    transcript = await desk.ask(caller, ChatIn(**QUESTION))
    await model.asked.wait()
    await desk.aclose()
    assert transcript.error is not None
    assert transcript.error.code == "answer_interrupted"
    async with database.transaction() as session:
        row = (await session.execute(text("SELECT error, finished_at FROM ai.answers"))).one()
    assert row.error == "answer_interrupted"
    assert row.finished_at is not None
    assert desk.find(transcript.id) is None


async def _unfinished(database: Database, age: timedelta) -> str:
    """A question whose process is another, or gone. The first key of a test has the id 1."""
    async with database.transaction() as session:
        answer = Answer(public_id=uuid7(), principal_id=1, namespace="default", question="Então?")
        session.add(answer)
        await session.flush()
        await session.execute(
            text("UPDATE ai.answers SET created_at = now() - CAST(:age AS interval)"), {"age": age}
        )
    return f"/chat/{answer.public_id}"


async def test_an_answer_lost_with_its_process_is_told(client: httpx.AsyncClient, database: Database) -> None:
    path = await _unfinished(database, timedelta(hours=1))
    for response in (await client.get(path), await client.get(f"{path}/events")):
        assert (response.status_code, response.json()["code"]) == (503, "answer_interrupted")


async def test_an_answer_of_another_process_is_waited_for(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_service.chat.service.WAIT_SECONDS", 0.1)
    path = await _unfinished(database, timedelta())
    response = await client.get(f"{path}/events")
    assert (response.status_code, response.json()["code"]) == (409, "answer_pending")
