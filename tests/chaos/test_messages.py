"""Copies of messages of many people in mixed forms, while the APIs that take them are killed at random.

COGEP_CHAOS_MESSAGES says how many messages (default 200), COGEP_CHAOS_COPIES how often each is
delivered (default 20), COGEP_CHAOS_SEED which dice.
"""

import asyncio
import os
import random
from collections import defaultdict
from contextlib import AsyncExitStack
from typing import Any

import httpx
from sqlalchemy import text

from core.apikeys import MintedKey, Scope
from core.db import Database
from core.settings import Settings
from core.vault import Vault
from tests.api import make_key
from tests.api_process import Api, api
from worker_service.messages.relink import relink

MESSAGES = int(os.environ.get("COGEP_CHAOS_MESSAGES", "200"))
COPIES = int(os.environ.get("COGEP_CHAOS_COPIES", "20"))
SEED = int(os.environ.get("COGEP_CHAOS_SEED", "1"))
APIS, CLIENTS = 4, 50
COUNTED = text(
    "SELECT count(*), count(DISTINCT external_id), count(*) FILTER (WHERE status = 'LINKED'),"
    " (SELECT count(*) FROM crm.clients), (SELECT count(*) FROM crm.identity_conflicts)"
    " FROM crm.ingest_events"
)


def message(number: int, people: int) -> dict[str, Any]:
    """One of six forms of one of the people; every form tells the phone."""
    line = 80_000_000 + number % people
    old, new, mail = f"5511{line}", f"55119{line}", f"p{line}@example.com"
    forms: list[dict[str, Any]] = [
        {"source": "whatsapp", "sender_id": old},
        {"source": "whatsapp", "sender_id": f"{new}@s.whatsapp.net"},
        {
            "source": "whatsapp",
            "sender_id": f"BR.{line}",
            "identifiers": [{"kind": "phone", "value": f"+{new}"}],
        },
        {"source": "phone", "sender_id": f"(11) 9{line}"},
        {
            "source": "email",
            "sender_id": mail.upper(),
            "identifiers": [{"kind": "phone", "value": f"+{old}"}],
        },
        {"source": "phone", "sender_id": f"+{new}", "identifiers": [{"kind": "email", "value": mail}]},
    ]
    return {**forms[number // people % 6], "content": f"mensagem {number}", "external_id": f"m{number}"}


class Crowd:
    """APIs that come and go, and clients that send until somebody answers."""

    def __init__(self, settings: Settings, key: MintedKey, dice: random.Random) -> None:
        self._settings, self._key, self._dice = settings, key, dice
        self._apis: list[Api] = []
        self.contacts: dict[str, set[str]] = defaultdict(set)
        self.kills = 0

    async def open(self, stack: AsyncExitStack) -> None:
        self._apis.append(await stack.enter_async_context(api(self._settings, self._key)))

    async def deliver(self, body: dict[str, Any]) -> None:
        while True:
            try:
                answer = await self._dice.choice(self._apis).client.post("/ingest/message", json=body)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 202:
                if contact := answer.json()["contact_id"]:
                    self.contacts[body["external_id"]].add(contact)
                return
            assert answer.status_code == 503, answer.text

    async def kill_now_and_then(self, stack: AsyncExitStack) -> None:
        while True:
            await asyncio.sleep(self._dice.uniform(0.5, 1.5))
            victim = self._apis.pop(self._dice.randrange(len(self._apis)))
            victim.kill()
            self.kills += 1
            await self.open(stack)


async def test_every_message_is_one_event_of_one_contact_whoever_dies(
    settings: Settings, database: Database
) -> None:
    dice = random.Random(SEED)
    people = MESSAGES // 2
    copies = [message(number, people) for number in range(MESSAGES)] * COPIES
    dice.shuffle(copies)
    crowd = Crowd(settings, await make_key(database, [Scope.INGEST]), dice)
    async with AsyncExitStack() as stack:
        await asyncio.gather(*(crowd.open(stack) for _ in range(APIS)))
        killing = asyncio.create_task(crowd.kill_now_and_then(stack))
        room = asyncio.Semaphore(CLIENTS)

        async def one(body: dict[str, Any]) -> None:
            async with room:
                await crowd.deliver(body)

        await asyncio.gather(*map(one, copies))
        killing.cancel()
        await asyncio.gather(killing, return_exceptions=True)
    await relink(database, Vault.of(settings), abandoned=0)
    async with database.transaction() as session:
        counted = tuple((await session.execute(COUNTED)).one())
    print(f"{crowd.kills} kills, {len(copies)} deliveries")
    assert counted == (MESSAGES, MESSAGES, MESSAGES, people, 0)
    assert {len(found) for found in crowd.contacts.values()} == {1}
    assert crowd.kills
