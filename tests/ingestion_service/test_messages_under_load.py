"""Real processes of the API: many at once, and one that dies between the two transactions."""

import asyncio
import random
from collections import defaultdict
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core.apikeys import MintedKey, Scope
from core.contacts.keys import Key
from core.contacts.queries import lock_keys
from core.db import Database, driver_connection
from core.matching import IdentityKind
from core.settings import Settings
from core.vault import Vault
from tests.api import make_key
from tests.api_process import PATIENCE, api
from worker_service.messages.relink import relink

COUNTED = text(
    "SELECT count(*), count(DISTINCT external_id), count(DISTINCT client_id),"
    " count(*) FILTER (WHERE status <> 'LINKED'), (SELECT count(*) FROM crm.clients),"
    " (SELECT count(*) FROM crm.identity_conflicts) FROM crm.ingest_events"
)
CPFS = ("52998224725", "11144477735", "39053344705", "15350946056", "71428793860")


@pytest.fixture
async def key(database: Database) -> MintedKey:
    return await make_key(database, [Scope.INGEST])


def forms(person: int) -> list[dict[str, Any]]:
    """One person as channels really tell of them; each names the phone, so that all of them meet."""
    old, new = f"55118765432{person}", f"551198765432{person}"
    mail, taxpayer = f"pessoa{person}@example.com", {"kind": "cpf", "value": CPFS[person]}
    return [
        {"source": "whatsapp", "sender_id": old},
        {"source": "whatsapp", "sender_id": new, "identifiers": [taxpayer]},
        {
            "source": "whatsapp",
            "sender_id": f"BR.u{person}",
            "identifiers": [{"kind": "phone", "value": f"+{new}"}],
        },
        {"source": "phone", "sender_id": f"(11) 98765-432{person}"},
        {
            "source": "email",
            "sender_id": mail.upper(),
            "identifiers": [{"kind": "phone", "value": f"+{old}"}],
        },
        {
            "source": "whatsapp",
            "sender_id": f"{old}@s.whatsapp.net",
            "identifiers": [{"kind": "email", "value": mail}],
        },
    ]


async def test_mixed_forms_and_copies_at_once_are_one_contact_each_and_one_event_each(
    settings: Settings, key: MintedKey, database: Database
) -> None:
    distinct = [
        {**form, "content": "oi", "external_id": f"m{person}-{number}"}
        for person in range(len(CPFS))
        for number, form in enumerate(forms(person))
    ]
    copies = distinct * 9 + distinct[:1] * 100
    random.Random(3).shuffle(copies)
    contacts: dict[str, set[str]] = defaultdict(set)
    async with AsyncExitStack() as stack:
        apis = [await stack.enter_async_context(api(settings, key)) for _ in range(2)]
        room = asyncio.Semaphore(50)

        async def deliver(number: int, body: dict[str, Any]) -> None:
            async with room:
                answer = await apis[number % 2].client.post("/ingest/message", json=body)
            assert answer.status_code == 202, answer.text
            contacts[body["external_id"]].add(answer.json()["contact_id"])

        await asyncio.gather(*(deliver(number, body) for number, body in enumerate(copies)))
    assert {len(found) for found in contacts.values()} == {1}
    assert len(set().union(*contacts.values())) == len(CPFS)
    async with database.transaction() as session:
        counted = (await session.execute(COUNTED)).one()
    assert tuple(counted) == (len(distinct), len(distinct), len(CPFS), 0, len(CPFS), 0)


async def test_a_message_outlives_the_api_that_dies_between_its_transactions(
    settings: Settings, key: MintedKey, database: Database
) -> None:
    body = {"source": "whatsapp", "sender_id": "5511987654321", "content": "oi", "external_id": "m1"}
    async with api(settings, key) as doomed:
        async with database.transaction() as session:
            held = [Key(IdentityKind.PHONE, "br:1187654321")]
            await lock_keys(await driver_connection(session), held)
            request = asyncio.create_task(doomed.client.post("/ingest/message", json=body))
            await until_received(database)
            doomed.kill()
        with pytest.raises(httpx.TransportError):
            await request
    vault = Vault.of(settings)
    assert await relink(database, vault) == 0, "somebody may still be at a fresh message"
    async with database.transaction() as session:
        await session.execute(text("UPDATE crm.ingest_events SET received_at = now() - interval '20 s'"))
    assert await relink(database, vault) == 1
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT status::text FROM crm.ingest_events")) == "LINKED"
        assert await session.scalar(text("SELECT count(*) FROM crm.clients")) == 1


async def until_received(database: Database) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            async with database.transaction() as session:
                if await session.scalar(text("SELECT count(*) FROM crm.ingest_events")):
                    return
            await asyncio.sleep(0.01)
