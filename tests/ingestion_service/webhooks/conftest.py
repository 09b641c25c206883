from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from core.contacts.linking import body_context
from core.contacts.message import ChannelMessage
from core.db import Database
from core.settings import Settings
from core.vault import Vault

Said = Callable[[], Awaitable[list[ChannelMessage]]]


@pytest.fixture
def said(database: Database, settings: Settings) -> Said:
    """What lies in the database of all messages, in their order."""
    vault = Vault.of(settings)

    async def read() -> list[ChannelMessage]:
        async with database.transaction() as session:
            rows = await session.execute(
                text("SELECT public_id, body_sealed FROM crm.ingest_events ORDER BY id")
            )
        return [
            ChannelMessage.model_validate_json(
                vault.open(row.body_sealed, context=body_context(row.public_id))
            )
            for row in rows
        ]

    return read
