from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from core.contacts import Message, try_link
from core.contacts.linking import body_context
from core.db import Connection, Database
from core.ids import uuid7
from core.settings import Settings
from core.vault import Vault

PHONE, EMAIL = "5511987654321", ("email", "ana@example.com")
EVENT = """
INSERT INTO crm.ingest_events (public_id, principal_id, account, source, body_digest, body_sealed)
VALUES ($1, 1, 'default', 'whatsapp', '', $2) RETURNING id"""
AGE = "UPDATE crm.identities SET last_seen_at = now() - $1::text::interval WHERE kind = 'phone'"


class Door:
    """Messages as they come in, and what the database says of them."""

    def __init__(self, connection: Connection, database: Database, vault: Vault) -> None:
        self.connection = connection
        self._database = database
        self._vault = vault

    async def send(self, *identifiers: tuple[str, str]) -> UUID:
        given = [{"kind": kind, "value": value} for kind, value in identifiers]
        body = {"source": "whatsapp", "sender_id": PHONE, "content": "oi", "identifiers": given}
        public_id, packed = uuid7(), Message.model_validate(body).packed()
        sealed = self._vault.seal(packed, context=body_context(public_id))
        event = await self.connection.fetchval(EVENT, public_id, sealed)
        contact = await try_link(self._database, self._vault, event)
        assert contact is not None
        return contact

    async def age(self, interval: str) -> None:
        await self.connection.execute(AGE, interval)

    async def value(self, statement: str) -> Any:
        return await self.connection.fetchval(statement)


@pytest.fixture
async def door(database: Database, settings: Settings) -> AsyncIterator[Door]:
    async with database.connection() as connection:
        yield Door(connection, database, Vault.of(settings))


async def test_a_number_that_was_silent_for_a_year_is_somebody_else_s_until_a_human_says_otherwise(
    door: Door,
) -> None:
    before = await door.send(EMAIL)
    await door.age("367 days")
    after = await door.send()
    assert after != before
    assert await door.send() == after
    assert await door.value("SELECT count(*) FROM crm.identity_conflicts WHERE status = 'OPEN'") == 1
    assert await door.value("SELECT count(*) FROM crm.identities WHERE valid_to IS NOT NULL") == 1


async def test_a_number_silent_for_less_is_still_theirs(door: Door) -> None:
    before = await door.send()
    await door.age("364 days")
    assert await door.send() == before
    assert await door.value("SELECT min(last_seen_at) > now() - interval '1 hour' FROM crm.identities")


async def test_another_identity_of_theirs_vouches_for_a_silent_number(door: Door) -> None:
    before = await door.send(EMAIL)
    await door.age("400 days")
    assert await door.send(EMAIL) == before
    assert await door.value("SELECT count(*) FROM crm.identity_conflicts") == 0
    assert await door.send() == before


async def test_use_is_noted_once_a_day(door: Door) -> None:
    await door.send()
    noted = await door.value("SELECT last_seen_at FROM crm.identities")
    await door.send()
    assert await door.value("SELECT last_seen_at FROM crm.identities") == noted
    await door.age("25 hours")
    await door.send()
    assert await door.value("SELECT last_seen_at FROM crm.identities") > noted


async def test_every_link_is_told_also_the_quick_one(door: Door) -> None:
    contact = await door.send()
    await door.send()
    told = "SELECT count(*) FROM ops.outbox_events WHERE type = 'message.linked'"
    assert await door.value(told) == 2
    whose = "SELECT count(DISTINCT data->>'contact_id') FROM ops.outbox_events WHERE type = 'message.linked'"
    assert await door.value(whose) == 1
    assert await door.value("SELECT subject FROM ops.outbox_events WHERE type = 'client.created'") == contact
