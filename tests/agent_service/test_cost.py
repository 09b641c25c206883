import httpx
import pytest

from tests.agent_service.office import OFFICE, QUESTION, Seed


@pytest.fixture
async def sent(statements: list[str], client: httpx.AsyncClient, seed: Seed) -> list[str]:
    await seed(OFFICE, title="Secretaria")
    await client.post("/chat", json=QUESTION)  # notes that the key is used; the driver gets to know types
    statements.clear()
    return statements


async def test_a_search_costs_two_round_trips(sent: list[str], client: httpx.AsyncClient) -> None:
    found = await client.post("/retrieve", json={"query": QUESTION["question"]})
    assert found.json()["passages"]
    assert len(sent) == 2, sent


async def test_an_answer_costs_four(sent: list[str], client: httpx.AsyncClient) -> None:
    answer = await client.post("/chat", json=QUESTION)
    assert answer.json()["citations"]
    assert len(sent) == 4, sent
