"""The second transaction of a message: find or make its sender, and tie it to them.

Most senders are known and tell nothing new: those are linked by one statement, without a lock.
"""

from uuid import UUID

import asyncpg
import structlog
from asyncpg import UniqueViolationError
from sqlalchemy.exc import SQLAlchemyError

from core.contacts import queries
from core.contacts.message import ChannelMessage, Message
from core.contacts.names import Names
from core.contacts.resolution import resolve
from core.db import Connection, Database
from core.vault import Unreadable, Vault

log = structlog.get_logger(__name__)

RACES = 3
MOST_ATTEMPTS = 12
DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError, OSError)


class _LinkedMeanwhile(Exception):
    """Rolls the transaction back: somebody else linked the event."""


async def try_link(
    database: Database, vault: Vault, event: int, message: Message | None = None
) -> UUID | None:
    """The contact of the event, linked now if it was not; None when it failed and waits for its retry.

    `message` spares the unsealing where it is at hand. Linking twice changes nothing.
    """
    try:
        return await _link(database, vault, event, message)
    except (Unreadable, ValueError) as error:
        await _note_failure(database, event, "unreadable", error, again=False)
    except DATABASE_ERRORS as error:
        await _note_failure(database, event, "database", error)
    except Exception as error:
        log.exception("linking_failed", event_id=event)
        await _note_failure(database, event, "internal_error", error)
    return None


def body_context(event: UUID) -> str:
    """Where the sealed body of an event belongs."""
    return f"event/{event}"


async def _link(database: Database, vault: Vault, event: int, message: Message | None) -> UUID:
    async with database.connection() as connection:
        if message is None:
            message = await _read(connection, vault, event)
        names = Names.of(vault, message)
        if names.heir is None and (
            contact := await queries.link_known(connection, event, list(names.known), message.sender_name)
        ):
            return contact
        for _ in range(RACES):
            try:
                async with connection.transaction():
                    return await _link_in(connection, event, names, message.sender_name)
            except UniqueViolationError:
                continue  # two messages gave one client a CPF at once: now one of them is seen
            except _LinkedMeanwhile:
                if contact := await queries.find_contact(connection, event):
                    return contact
    raise asyncpg.UniqueViolationError


async def _read(connection: Connection, vault: Vault, event: int) -> Message:
    row = await queries.get_event(connection, event)
    body = vault.open(row["body_sealed"], context=body_context(row["public_id"]))
    return ChannelMessage.model_validate_json(body)


async def _link_in(connection: Connection, event: int, names: Names, name: str | None) -> UUID:
    """Copies of one event have the same keys, hence wait for each other here."""
    found = await resolve(connection, names, name=name, event=event)
    if not await queries.mark_linked(connection, event, found.client, found.contact):
        raise _LinkedMeanwhile
    return found.contact


async def _note_failure(
    database: Database, event: int, code: str, error: Exception, *, again: bool = True
) -> None:
    """The database may be away for this, too; then the event stays RECEIVED, and the worker finds it."""
    log.warning("message_not_linked", event_id=event, code=code, error=type(error).__name__)
    try:
        async with database.connection() as connection:
            await queries.mark_failed(connection, event, code, again=again, most=MOST_ATTEMPTS)
    except DATABASE_ERRORS as second:
        log.warning("failure_not_noted", event_id=event, error=type(second).__name__)
