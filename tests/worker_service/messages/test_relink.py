import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import text

from core.contacts import Message
from core.contacts.keys import Key
from core.contacts.linking import body_context
from core.contacts.queries import lock_keys
from core.db import Database, driver_connection
from core.ids import uuid7
from core.matching import IdentityKind
from core.queue import INGESTION
from core.settings import Settings
from core.vault import Vault
from worker_service.drain.context import Services
from worker_service.handlers import ROUNDS
from worker_service.messages.relink import keep_linking, relink

INSERT = text(
    "INSERT INTO crm.ingest_events"
    " (public_id, principal_id, account, source, body_digest, body_sealed, received_at)"
    " VALUES (:id, 1, 'default', 'whatsapp', '', :body, now() - interval '1 minute')"
)
STATES = text("SELECT status::text || coalesce(' ' || error_code, '') FROM crm.ingest_events ORDER BY id")
DUE = text("UPDATE crm.ingest_events SET next_at = now() WHERE next_at IS NOT NULL")


async def leave(database: Database, vault: Vault, body: bytes | None = None) -> None:
    """An event as a door leaves it that died after the first transaction."""
    message = Message.model_validate({"source": "whatsapp", "sender_id": "5511987654321", "content": "oi"})
    public_id = uuid7()
    sealed = vault.seal(body or message.packed(), context=body_context(public_id))
    async with database.transaction() as session:
        await session.execute(INSERT, {"id": public_id, "body": sealed})


async def states(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list(await session.scalars(STATES))


async def test_abandoned_events_are_linked(database: Database, settings: Settings) -> None:
    vault = Vault.of(settings)
    for _ in range(3):
        await leave(database, vault)
    assert await relink(database, vault) == 3
    assert await states(database) == ["LINKED"] * 3
    assert await relink(database, vault) == 0


async def test_several_workers_at_once_make_one_contact(database: Database, settings: Settings) -> None:
    vault = Vault.of(settings)
    for _ in range(20):
        await leave(database, vault)
    await asyncio.gather(*(relink(database, vault) for _ in range(4)))
    assert await states(database) == ["LINKED"] * 20
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM crm.clients")) == 1


async def test_what_fails_is_tried_again_later_and_at_last_left_to_a_human(
    database: Database, settings: Settings
) -> None:
    vault = Vault.of(settings)
    await leave(database, vault)
    async with database.transaction() as session:
        await lock_keys(await driver_connection(session), [Key(IdentityKind.PHONE, "br:1187654321")])
        assert await relink(database, vault) == 1
    assert await states(database) == ["ERROR database"]
    assert await relink(database, vault) == 0, "its wait is not over"
    async with database.transaction() as session:
        await session.execute(DUE)
    assert await relink(database, vault) == 1
    assert await states(database) == ["LINKED"]


async def test_what_cannot_be_read_waits_for_a_human(database: Database, settings: Settings) -> None:
    vault = Vault.of(settings)
    await leave(database, vault, b'{"source": "whatsapp"}')
    await leave(database, Vault({"lost": bytes(range(32))}, b"x" * 32))
    assert await relink(database, vault) == 2
    assert await states(database) == ["ERROR unreadable"] * 2
    async with database.transaction() as session:
        await session.execute(DUE)
    assert await relink(database, vault) == 0


async def test_every_worker_process_walks_the_rounds(
    database: Database, settings: Settings, eventually: Callable[..., Awaitable[None]]
) -> None:
    assert keep_linking in ROUNDS
    await leave(database, Vault.of(settings))
    walk = asyncio.create_task(keep_linking(Services(settings, database, INGESTION, "w")))

    async def is_linked() -> bool:
        return await states(database) == ["LINKED"]

    await eventually(is_linked)
    walk.cancel()


async def test_without_keys_the_rounds_end_quietly(database: Database, settings: Settings) -> None:
    bare = settings.model_copy(update={"match_secret": None})
    await keep_linking(Services(bare, database, INGESTION, "w"))
