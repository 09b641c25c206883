from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from agent_service.main import create
from core.access import PersonRole
from core.apikeys import Scope
from core.db import Database
from core.settings import Settings
from tests.api import make_key, serving
from tests.people import Someone, make_person
from tests.worker_service.conversations.counter import MARIA, Counter, opened
from worker_service.conversations import deliberation, texts, turn

JOAO = "5521999998888"
QUESTION = "Qual o horário de atendimento da secretaria?"


@pytest.fixture
async def counter(settings: Settings, database: Database) -> AsyncIterator[Counter]:
    async with opened(settings, database) as counter:
        yield counter


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create(settings), await make_key(database)) as client:
        yield client


@pytest.fixture
async def agents(settings: Settings, database: Database) -> list[Someone]:
    return [await make_person(database, settings, PersonRole.AGENT, name=name) for name in ("Ana", "Bia")]


async def first(client: httpx.AsyncClient, **parameters: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/conversations", params=parameters)).json()["items"][0]
    return found


async def said(client: httpx.AsyncClient, conversation: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"/conversations/{conversation}/messages")).json()[
        "items"
    ]
    return found[::-1]


async def test_a_conversation_is_read_with_turns_and_deliveries(
    counter: Counter, client: httpx.AsyncClient
) -> None:
    await counter.tell("oi")
    await counter.tell("sim")
    await counter.tell(QUESTION)
    shown = await first(client, account="balcao", mode="assistant")
    assert (shown["unanswered"], shown["failed_turns"], shown["assignee"]) == (0, 0, None)
    messages = await said(client, shown["id"])
    assert [message["seq"] for message in messages] == [1, 2, 3, 4, 5, 6]
    asked, answered = messages[4:]
    assert (asked["author"], asked["text"]) == ("client", QUESTION)
    assert asked["turn"]["outcome"] == "answer"
    assert asked["turn"]["intent"] == "PERGUNTA_RAG"
    assert answered["author"] == "assistant"
    assert "Fontes:" in answered["text"]
    assert answered["delivery"]["state"] == "SENT"
    again = await client.get(f"/conversations/{shown['id']}/messages", params={"after": 4})
    assert [message["seq"] for message in again.json()["items"]] == [6, 5]


async def test_that_a_thread_was_read_is_noted(counter: Counter, client: httpx.AsyncClient) -> None:
    await counter.tell("oi")
    shown = await first(client)
    await said(client, shown["id"])
    assert await counter.value("SELECT subject FROM ops.personal_data_reads") == f"conversation/{shown['id']}"


async def test_a_list_goes_on_where_the_page_before_ended(
    counter: Counter, client: httpx.AsyncClient
) -> None:
    for number in range(3):
        await counter.tell("oi", f"552199999000{number}")
    pages, cursor = [], None
    while True:
        page = (
            await client.get("/conversations", params={"limit": 1} | ({"cursor": cursor} if cursor else {}))
        ).json()
        pages += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert len({item["id"] for item in pages}) == 3
    assert sorted((item["last_event_at"] for item in pages), reverse=True) == [
        item["last_event_at"] for item in pages
    ]


async def test_a_persons_reply_reaches_the_client_and_silences_the_assistant(
    counter: Counter, client: httpx.AsyncClient
) -> None:
    await counter.tell("oi")
    await counter.tell("sim")
    shown = await first(client)
    replied = await client.post(f"/conversations/{shown['id']}/reply", json={"text": "Bom dia, sou a Ana."})
    assert replied.status_code == 201
    assert (replied.json()["author"], replied.json()["delivery"]["state"]) == ("person", "PENDING")
    await counter.work()
    assert (await said(client, shown["id"]))[-1]["delivery"]["state"] == "SENT"
    assert await counter.tell(QUESTION) == ""
    assert (await first(client, mode="human"))["unanswered"] == 1
    assert (
        await counter.value("SELECT count(*) FROM ops.outbox_events WHERE type = 'conversation.handover'")
        == 1
    )


async def test_resume_gives_the_word_back(counter: Counter, client: httpx.AsyncClient) -> None:
    await counter.tell("oi")
    await counter.tell("sim")
    address = f"/conversations/{(await first(client))['id']}"
    assert (await client.post(f"{address}/handover")).json()["mode"] == "human"
    assert await counter.tell(QUESTION) == ""
    resumed = await client.post(f"{address}/resume")
    assert (resumed.json()["mode"], resumed.headers["etag"]) == ("assistant", '"3"')
    assert "das 8h às 18h" in await counter.tell(QUESTION)


@asynccontextmanager
async def interrupted(monkeypatch: pytest.MonkeyPatch, act: Any) -> AsyncIterator[list[int]]:
    """`act` happens after the assistant has thought and before it speaks, the first time."""
    thoughts: list[int] = []
    think = deliberation.deliberate

    async def deliberate(*arguments: Any) -> Any:
        draft = await think(*arguments)
        thoughts.append(1)
        if len(thoughts) == 1:
            await act()
        return draft

    monkeypatch.setattr(turn, "deliberate", deliberate)
    yield thoughts


async def test_a_turn_in_flight_says_nothing_after_a_handover(
    counter: Counter, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await counter.tell("oi")
    await counter.tell("sim")
    address = f"/conversations/{(await first(client))['id']}/handover"
    async with interrupted(monkeypatch, lambda: client.post(address)) as thoughts:
        assert await counter.tell(QUESTION) == ""
    assert len(thoughts) == 2
    assert (await counter.outcomes())[-1] == "silent"


async def test_a_turn_in_flight_says_nothing_after_a_revocation(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await counter.open("outro")
    await counter.tell("oi")
    await counter.tell("sim")

    async def revoke() -> None:
        monkeypatch.undo()
        assert await counter.tell("revogar", account="outro") == ""
        assert (await counter.thread("outro"))[-1][1] == texts.REVOKED

    async with interrupted(monkeypatch, revoke):
        told = await counter.tell(QUESTION)
    assert "18h" not in told
    assert (await counter.outcomes())[-2] != "answer"


async def test_conversations_of_others_do_not_exist_for_an_agent(
    counter: Counter, settings: Settings, agents: list[Someone]
) -> None:
    await counter.tell("oi")
    await counter.tell("oi", JOAO)
    ana, bia = agents
    async with serving(create(settings)) as client:
        first_one, second = (await client.get("/conversations", headers=ana.headers)).json()["items"]
        mine = f"/conversations/{first_one['id']}"
        taken = await client.post(f"{mine}/assign", json={"assignee": "me"}, headers=ana.headers)
        assert taken.json()["assignee"]["name"] == "Ana"
        for method, path in (("GET", ""), ("GET", "/messages"), ("POST", "/handover"), ("POST", "/resume")):
            assert (await client.request(method, f"{mine}{path}", headers=bia.headers)).status_code == 404
        refused = await client.post(f"{mine}/reply", json={"text": "oi"}, headers=bia.headers)
        assert refused.status_code == 404
        listed = (await client.get("/conversations", headers=bia.headers)).json()["items"]
        assert [item["id"] for item in listed] == [second["id"]]
        own = (await client.get("/conversations", params={"assignee": "me"}, headers=ana.headers)).json()
        assert [item["id"] for item in own["items"]] == [first_one["id"]]


async def test_agents_take_and_give_back_and_leads_hand_on(
    counter: Counter, settings: Settings, database: Database, agents: list[Someone]
) -> None:
    await counter.tell("oi")
    ana, bia = agents
    lead = await make_person(database, settings, PersonRole.SUPERVISOR)
    async with serving(create(settings)) as client:
        shown = (await client.get("/conversations", headers=ana.headers)).json()["items"][0]
        address = f"/conversations/{shown['id']}/assign"

        async def assign(who: Someone, assignee: str | None, **headers: str) -> httpx.Response:
            return await client.post(address, json={"assignee": assignee}, headers=who.headers | headers)

        assert (await assign(ana, str(bia.id))).json()["code"] == "forbidden"
        assert (await assign(ana, "me")).status_code == 200
        assert (await assign(lead, str(bia.id))).json()["code"] == "conversation_taken"
        stale = await assign(lead, str(bia.id), **{"If-Match": '"1"'})
        assert stale.json()["code"] == "precondition_failed"
        handed = await assign(lead, str(bia.id), **{"If-Match": '"2"'})
        assert handed.json()["assignee"]["name"] == "Bia"
        assert (await assign(bia, None)).json()["assignee"] is None
        unknown = await assign(lead, "0199d3a2-7b1c-7c55-8c5e-0a3f5e1b2c3d")
        assert unknown.json()["code"] == "not_assignable"


async def test_a_key_cannot_be_given_a_conversation(counter: Counter, client: httpx.AsyncClient) -> None:
    await counter.tell("oi")
    address = f"/conversations/{(await first(client))['id']}/assign"
    assert (await client.post(address, json={"assignee": "me"})).json()["code"] == "not_assignable"


async def test_a_key_of_another_scope_sees_nothing(
    counter: Counter, settings: Settings, database: Database
) -> None:
    await counter.tell("oi", MARIA)
    async with serving(create(settings), await make_key(database, [Scope.CHAT])) as client:
        assert (await client.get("/conversations")).status_code == 403


@pytest.mark.parametrize("both_wrote", [False, True])
async def test_a_person_who_answers_is_not_interrupted_when_the_client_turns_out_to_be_another(
    counter: Counter, client: httpx.AsyncClient, both_wrote: bool
) -> None:
    if both_wrote:
        await counter.tell("oi", JOAO)
    else:
        await client.post(
            "/crm/clients/find_or_create", json={"identifiers": [{"kind": "phone", "value": JOAO}]}
        )
    [winner] = (await client.get("/crm/clients")).json()["items"]
    await counter.tell("oi")
    taken = await first(client, client_id=await _client_of(client, winner["id"]))
    await client.post(f"/conversations/{taken['id']}/handover")
    merged = await client.post(f"/crm/clients/{winner['id']}/merge", json={"other": taken["client_id"]})
    assert merged.status_code == 200, merged.text
    await counter.tell("e o meu boleto?")
    assert (await counter.outcomes())[-1] == "silent"
    found = (await client.get("/conversations", params={"client_id": winner["id"]})).json()["items"]
    assert [item["mode"] for item in found] == ["human", "human"]


async def _client_of(client: httpx.AsyncClient, other: str) -> str:
    """Of the two there are, the one who is not `other`."""
    [found] = [
        item["id"] for item in (await client.get("/crm/clients")).json()["items"] if item["id"] != other
    ]
    return str(found)
