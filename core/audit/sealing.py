"""Entries get their place in the chain after their transaction, so that writers never wait for each other."""

from core.audit import queries
from core.audit.chain import link
from core.audit.queries import Sealed
from core.db import Database, driver_connection

BATCH = 1000


async def seal(database: Database) -> int:
    """Seal what is committed, oldest first; how many entries. Any number of processes may do this at once."""
    sealed = 0
    while (count := await seal_batch(database)) == BATCH:
        sealed += count
    return sealed + count


async def seal_batch(database: Database) -> int:
    """Seal up to `BATCH` entries in one transaction; how many there were."""
    async with database.transaction() as session:
        connection = await driver_connection(session)
        position, previous = await queries.lock_head(connection)
        seals = []
        for entry in await queries.list_unsealed(connection, BATCH):
            position, previous = position + 1, link(previous, position + 1, entry)
            seals.append(Sealed(entry, position, previous))
        if seals:
            await queries.seal_entries(connection, seals)
    return len(seals)
