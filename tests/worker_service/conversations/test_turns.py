import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from core.contacts.linking import body_context
from core.queue import INGESTION
from core.vault import Vault
from tests.worker_service.conversations.counter import CONSUMERS, MARIA, Counter
from worker_service.conversations import deliberation, queries, texts, turn
from worker_service.conversations.crew import keep_conversing
from worker_service.conversations.delivery import keep_delivering
from worker_service.conversations.turn import take_turns
from worker_service.drain.context import Services
from worker_service.handlers import ROUNDS
from worker_service.outbox.relay import dispatch, relaying

LEASED = "UPDATE crm.conversations SET lease_expires_at = now() - interval '1 second'"
TURN = "SELECT state::text, attempts, error_code FROM crm.turns ORDER BY event_id DESC LIMIT 1"
SOON = "UPDATE crm.conversations SET due_at = now()"


async def adopted(counter: Counter) -> list[queries.Held]:
    while await dispatch(counter.database, CONSUMERS):
        pass
    async with counter.database.connection() as connection:
        await queries.adopt(connection, limit=100)
        return await queries.claim(connection, limit=100, ttl=30)


async def test_turns_of_a_conversation_are_taken_in_the_order_of_its_messages(known: Counter) -> None:
    for text in ("bom dia", "obrigada", "Quem descobriu o Brasil?", "não"):
        await known.write(text)
    await known.work()
    assert (await known.outcomes())[2:] == ["greet", "thank", "not_found", "declined"]
    assert [
        seq["seq"] for seq in await known.fetch("SELECT seq FROM crm.conversation_messages ORDER BY seq")
    ] == [*range(1, 13)]


async def test_a_younger_message_waits_for_an_older_one_on_its_way(known: Counter) -> None:
    await known.write("bom dia")
    await known.execute(
        "UPDATE ops.outbox_events SET due_at = now() + interval '1 hour' WHERE due_at IS NOT NULL"
    )
    await known.write("obrigada")
    await known.work()
    assert len(await known.outcomes()) == 2, "the older one is not here yet"
    await known.execute("UPDATE ops.outbox_events SET due_at = now() WHERE due_at IS NOT NULL")
    await known.execute(SOON)
    await known.work()
    assert (await known.outcomes())[2:] == ["greet", "thank"]


async def test_a_held_conversation_is_nobody_elses_until_its_lease_ends(known: Counter) -> None:
    await known.write("bom dia")
    (held,) = await adopted(known)
    assert await adopted(known) == []
    await known.execute(LEASED)
    (again,) = await adopted(known)
    assert (again.conversation, again.token) == (held.conversation, held.token + 1)


async def test_who_lost_the_conversation_while_thinking_says_nothing(
    known: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known.write("bom dia")
    (held,) = await adopted(known)
    think = deliberation.deliberate

    async def slowly(*arguments: object) -> object:
        monkeypatch.undo()
        await known.execute(LEASED)
        await known.work()
        return await think(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(turn, "deliberate", slowly)
    await take_turns(known.means, held)
    assert (await known.outcomes())[2:] == ["greet"]
    assert [said for _, said in await known.thread()].count(texts.GREETING) == 1


async def test_the_same_event_told_twice_is_one_turn(known: Counter) -> None:
    await known.write("bom dia")
    await known.work()
    await known.execute("UPDATE ops.outbox_events SET due_at = now(), dispatched_at = NULL")
    await known.work()
    assert (await known.outcomes())[2:] == ["greet"]


async def test_a_turn_that_fails_is_tried_again_and_at_last_left_to_people(
    known: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(turn, "deliberate", fail)
    assert await known.tell("bom dia") == ""
    assert tuple((await known.fetch(TURN))[0]) == ("PENDING", 1, None)
    for _ in range(turn.MOST_ATTEMPTS - 1):
        await known.execute(SOON)
        await known.work()
    assert tuple((await known.fetch(TURN))[0]) == ("FAILED", turn.MOST_ATTEMPTS, "ZeroDivisionError")
    assert (await known.thread())[-1] == ("system", texts.TROUBLE)
    monkeypatch.undo()
    assert await known.tell("bom dia") == texts.GREETING


async def test_a_turn_whose_worker_dies_each_time_is_given_up(known: Counter) -> None:
    await known.write("bom dia")
    await adopted(known)
    await known.execute("UPDATE crm.turns SET attempts = $1 WHERE state = 'PENDING'", turn.MOST_ATTEMPTS)
    await known.execute(LEASED)
    await known.work()
    assert tuple((await known.fetch(TURN))[0]) == ("FAILED", turn.MOST_ATTEMPTS + 1, "DiedTooOften")


async def test_a_message_that_cannot_be_opened_fails_at_once(known: Counter) -> None:
    await known.write("bom dia")
    event = await known.value("SELECT public_id FROM crm.ingest_events ORDER BY id DESC LIMIT 1")
    lost = Vault({"lost": bytes(range(32))}, b"x" * 32).seal(b"{}", context=body_context(event))
    await known.execute("UPDATE crm.ingest_events SET body_sealed = $1 WHERE public_id = $2", lost, event)
    await known.work()
    assert tuple((await known.fetch(TURN))[0]) == ("FAILED", 1, "unreadable")


async def test_every_worker_process_answers_and_delivers(
    counter: Counter, eventually: Callable[..., Awaitable[None]]
) -> None:
    assert {keep_conversing, keep_delivering} <= set(ROUNDS)
    services = Services(counter.means.settings, counter.database, INGESTION, "w")
    walks = [
        asyncio.create_task(walk(services))
        for walk in (relaying(CONSUMERS), keep_conversing, keep_delivering)
    ]
    for number in range(5):
        await counter.write("oi", f"{MARIA[:-1]}{number}")

    async def all_went_out() -> bool:
        return bool(
            await counter.value("SELECT count(*) = 5 FROM crm.outbound_messages WHERE state = 'SENT'")
        )

    await eventually(all_went_out)
    for walk in walks:
        walk.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await walk


async def test_without_keys_the_rounds_end_quietly(counter: Counter) -> None:
    bare = counter.means.settings.model_copy(update={"match_secret": None})
    services = Services(bare, counter.database, INGESTION, "w")
    await keep_conversing(services)
    await keep_delivering(services)
