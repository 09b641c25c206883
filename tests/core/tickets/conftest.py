import pytest

from core.contacts import Message, try_link
from core.contacts.linking import body_context
from core.db import Database
from core.ids import uuid7
from core.settings import Settings
from core.vault import Vault
from tests.core.tickets.people import Person

EVENT = """
INSERT INTO crm.ingest_events (public_id, principal_id, account, source, body_digest, body_sealed)
VALUES ($1, 1, 'default', 'whatsapp', '', $2) RETURNING id"""
MESSAGE = Message.model_validate({"source": "whatsapp", "sender_id": "5511987654321", "content": "oi"})


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return Vault.of(settings)


@pytest.fixture
async def person(database: Database, vault: Vault) -> Person:
    public_id = uuid7()
    async with database.connection() as connection:
        body = vault.seal(MESSAGE.packed(), context=body_context(public_id))
        event = await connection.fetchval(EVENT, public_id, body)
    assert await try_link(database, vault, event)
    async with database.connection() as connection:
        return Person(await connection.fetchval("SELECT id FROM crm.clients"), event)
