"""The SQL of accounts. They are looked up for every message: a change works at once."""

from asyncpg import Record

from core.channels.channel import Channel, opened
from core.channels.config import Config
from core.db import Connection
from core.models import ChannelKind
from core.vault import Vault

FIND = "SELECT * FROM crm.channels WHERE account = $1"
FIND_NUMBER = """
SELECT * FROM crm.channels
WHERE kind = 'whatsapp_cloud' AND config ->> 'phone_number_id' = $1 ORDER BY id LIMIT 1
"""


async def find_channel(connection: Connection, vault: Vault, account: str) -> Channel | None:
    """The account, active or not, its secrets open. Raises VaultClosed when their key is gone."""
    row = await connection.fetchrow(FIND, account)
    return None if row is None else channel_of(vault, row)


async def find_number(connection: Connection, vault: Vault, phone_number_id: str) -> Channel | None:
    """The WhatsApp account of one of our numbers."""
    row = await connection.fetchrow(FIND_NUMBER, phone_number_id)
    return None if row is None else channel_of(vault, row)


def channel_of(vault: Vault, row: Record) -> Channel:
    """A row of `crm.channels`. Raises VaultClosed."""
    return Channel(
        account=row["account"],
        kind=ChannelKind(row["kind"]),
        name=row["name"],
        is_active=row["is_active"],
        assistant_on=row["assistant_on"],
        namespace=row["namespace"],
        config=Config.model_validate(row["config"]),
        version=row["version"],
        secrets=opened(vault, row["account"], row["secrets_sealed"]),
    )
