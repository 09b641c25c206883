"""What a client is known by, put right by hand. Each change is audited."""

from uuid import UUID

from agent_service.clients.schemas import ClientOut, IdentityIn
from agent_service.clients.service import given_identities, shown
from core.access import Principal
from core.contacts import book
from core.db import Database, driver_connection
from core.vault import Vault


async def attach(
    database: Database, vault: Vault, caller: Principal, client_id: UUID, asked: IdentityIn
) -> ClientOut:
    """Known by this, too. Raises NotFound, ClientMerged, IdentityTaken or SecondCpf."""
    (identity,) = given_identities(vault, asked, [asked]).values()
    async with database.transaction() as session:
        await book.attach(await driver_connection(session), client_id, identity, actor=caller.id)
        return await shown(session, vault, client_id)


async def detach(
    database: Database, vault: Vault, caller: Principal, client_id: UUID, identity_id: UUID
) -> ClientOut:
    """No longer known by this. Raises NotFound or ClientMerged."""
    async with database.transaction() as session:
        await book.detach(await driver_connection(session), client_id, identity_id, actor=caller.id)
        return await shown(session, vault, client_id)


async def move(
    database: Database, vault: Vault, caller: Principal, client_id: UUID, identity_id: UUID, to: UUID
) -> ClientOut:
    """The other client is known by this; they come back. Raises NotFound, ClientMerged or SecondCpf."""
    async with database.transaction() as session:
        connection = await driver_connection(session)
        await book.hand_over(connection, client_id, identity_id, to, actor=caller.id)
        return await shown(session, vault, to)
