"""Workers that answer clients are killed at each step and at random: each message is handled once, in order.

COGEP_CHAOS_SECONDS says how long the random part lasts (default 60), COGEP_CHAOS_SEED which dice.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP
from time import monotonic

import asyncpg
import pytest

from core.channels import Secret
from core.db import Database
from core.migrations import ROOT
from core.models import ChannelKind
from core.settings import Settings
from ops.embedded import EphemeralServers
from tests.fake_messaging import FakeApi, fake_api
from tests.worker_service.conversations.counter import MARIA, Counter, opened
from worker_service.conversations import texts

SECONDS = float(os.environ.get("COGEP_CHAOS_SECONDS", "60"))
SEED = int(os.environ.get("COGEP_CHAOS_SEED", "1"))
LEASE = 1.5
PATIENCE = 120.0
QUESTION = "Qual o horário de atendimento da secretaria?"
TALK = ("bom dia", "sim", QUESTION, "meu boleto veio errado, preciso de ajuda", "obrigada")
OUTCOMES = ["notice", "grant", "answer", "ticket", "thank"]
OPEN = "SELECT count(*) FROM crm.outbound_messages WHERE state IN ('PENDING', 'SENDING')"
DUE = "SELECT count(*) FROM ops.outbox_events WHERE due_at IS NOT NULL"
SEQS = """
SELECT bool_and(count = last) FROM (
    SELECT count(*) AS count, max(seq) AS last FROM crm.conversation_messages GROUP BY conversation_id) AS t
"""
ONCE = """
SELECT (SELECT count(*) FROM crm.consents), (SELECT count(*) FROM crm.notice_deliveries),
       (SELECT count(*) FROM crm.tickets), (SELECT count(*) FROM crm.turns WHERE state <> 'DONE')
"""

Worker = Callable[[str, int], "subprocess.Popen[bytes]"]


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with fake_api() as fake:
        yield fake


@pytest.fixture
async def counter(settings: Settings, database: Database, api: FakeApi) -> AsyncIterator[Counter]:
    async with opened(settings, database) as counter:
        counter.account = "zap"
        config = json.dumps({"base_url": api.url, "instance": "zap"})
        await counter.open(kind=ChannelKind.EVOLUTION, config=config, secrets={Secret.API_KEY: "k"})
        yield counter


@pytest.fixture
def worker(settings: Settings, api: FakeApi, tmp_path: Path) -> Iterator[Worker]:
    assert settings.field_keys
    assert settings.match_secret
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"} | {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "COGEP_ENV": "test",
        "COGEP_FIELD_KEYS": settings.field_keys.get_secret_value(),
        "COGEP_MATCH_SECRET": settings.match_secret.get_secret_value(),
        "COGEP_QUEUE_LEASE_SECONDS": str(LEASE),
        "COGEP_QUEUE_POLL_SECONDS": "0.1",
        "COGEP_FETCH_ALLOWED_HOSTS": api.place,
    }
    started: list[subprocess.Popen[bytes]] = []

    def start(step: str, number: int) -> "subprocess.Popen[bytes]":
        with (tmp_path / "worker.log").open("ab") as log:
            command = [sys.executable, "-m", "tests.chaos.turn_worker", step, str(number)]
            started.append(
                subprocess.Popen(
                    command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log
                )
            )
        return started[-1]

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


async def until(condition: Callable[[], object]) -> None:
    deadline = monotonic() + PATIENCE
    while True:
        found = condition()
        if await found if asyncio.iscoroutine(found) else found:
            return
        assert monotonic() < deadline, "it never became true"
        await asyncio.sleep(0.05)


async def is_done(counter: Counter, messages: int) -> bool:
    done = await counter.value("SELECT count(*) FROM crm.turns WHERE state = 'DONE'")
    return done == messages and not await counter.value(OPEN) and not await counter.value(DUE)


async def crash(superuser_url: str) -> None:
    """Kill a backend: Postgres ends all the others, too, recovers from its log, and is back."""
    victim = await asyncpg.connect(superuser_url)
    os.kill(victim.get_server_pid(), SIGKILL)
    victim.terminate()

    async def is_back() -> bool:
        with suppress(asyncpg.PostgresError, OSError):
            await (await asyncpg.connect(superuser_url)).close()
            return True
        return False

    await asyncio.sleep(0.1)
    await until(is_back)


def without_repeats(said: list[str]) -> list[str]:
    """What a client reads: the one seam that may send twice does so at once."""
    return [text for text, _ in groupby(said)]


@pytest.mark.parametrize(
    "step",
    [
        *("adopted", "claimed", "begun", "thought", "carried out", "commit sent", "committed"),
        *("taken", "opened", "sent"),
    ],
)
@pytest.mark.parametrize("number", [SIGKILL, SIGSTOP], ids=["kill", "pause"])
async def test_a_worker_that_falls_at_a_step_leaves_nothing_undone_or_done_twice(
    counter: Counter, api: FakeApi, worker: Worker, step: str, number: int
) -> None:
    await counter.write(TALK[0])
    victim = worker(step, number)
    if number == SIGKILL:
        await until(lambda: victim.poll() is not None)
    else:
        await until(lambda: os.waitpid(victim.pid, os.WUNTRACED | os.WNOHANG)[0] != 0)
    worker("none", 0)
    for messages, text in enumerate(TALK, start=1):
        if messages > 1:
            await counter.write(text)
        await until(lambda done=messages: is_done(counter, done))  # type: ignore[misc]
    if number == SIGSTOP:
        victim.send_signal(SIGCONT)
        await asyncio.sleep(LEASE)
    assert await counter.outcomes() == OUTCOMES
    assert tuple((await counter.fetch(ONCE))[0]) == (1, 1, 1, 0)
    ours = [said for author, said in await counter.thread() if author != "client"]
    assert len(ours) == len(TALK)
    assert without_repeats(api.texts(MARIA)) == ours
    assert len(api.texts()) - len(ours) <= (step in {"sent", "opened", "taken"})


@pytest.mark.timeout(SECONDS + PATIENCE + 60)
async def test_clients_are_answered_once_and_in_order_whoever_dies(
    counter: Counter, api: FakeApi, worker: Worker, servers: EphemeralServers
) -> None:
    dice, postgres = random.Random(SEED), asyncio.Lock()
    name = await counter.value("SELECT current_database()")
    workers = [worker("none", 0) for _ in range(2)]
    end, talks, kills, crashes = monotonic() + SECONDS, 0, 0, 0

    async def talk(number: int) -> None:
        nonlocal talks
        while monotonic() < end:
            talks += 1
            sender = f"55119{80_000_000 + talks}"
            for said, text in enumerate(TALK, start=1):
                async with postgres:
                    await counter.write(text, sender)
                if said <= 2 or dice.random() < 0.5:  # "sim" counts once the notice was seen
                    await until(lambda who=sender, least=said: len(api.texts(who)) >= least)  # type: ignore[misc]
            await asyncio.sleep(dice.uniform(0, 0.5) * number)

    async def hurt() -> None:
        nonlocal kills, crashes
        while monotonic() < end:
            await asyncio.sleep(dice.uniform(3, 8))  # a worker starts in seconds
            if dice.random() < 0.3:
                async with postgres:
                    await crash(servers.postgres.url(name, superuser=True))
                crashes += 1
            place = dice.randrange(len(workers))
            if dice.random() < 0.3:
                workers[place].send_signal(SIGSTOP)
                await asyncio.sleep(2 * LEASE)
                workers[place].send_signal(SIGCONT)
            workers[place].kill()
            workers[place] = worker("none", 0)
            kills += 1

    await asyncio.gather(hurt(), *(talk(number) for number in range(4)))
    await until(lambda: is_done(counter, talks * len(TALK)))
    outcomes = await counter.outcomes()
    twice = len(api.texts()) - talks * len(TALK)
    print(f"{talks} talks, {kills} kills, {crashes} crashes of Postgres, {twice} sent twice")
    assert sorted(outcomes) == sorted(OUTCOMES * talks)
    assert tuple((await counter.fetch(ONCE))[0]) == (talks, talks, talks, 0)
    assert await counter.value(SEQS)
    for number in range(1, talks + 1):
        read = without_repeats(api.texts(f"55119{80_000_000 + number}"))
        assert len(read) == len(TALK), read
        assert (read[1].startswith(texts.GRANTED), "18h" in read[2], read[4]) == (True, True, texts.THANKS)
    assert kills
