"""Make, change, pause and end subscriptions. Addresses are looked up before any transaction begins."""

import asyncio
from uuid import UUID

from agent_service.webhooks import queries
from agent_service.webhooks.schemas import (
    Rotated,
    RotateIn,
    WebhookIn,
    WebhookMade,
    WebhookOut,
    WebhookPatch,
    WebhookQuery,
)
from core import audit
from core.access import Principal
from core.db import Connection, Database
from core.errors import Invalid, JobError, NotFound
from core.ids import uuid7
from core.netguard import AllowList, resolve
from core.settings import Settings
from core.vault import Vault
from core.web.pagination import Page, decode_cursor, page_of
from core.webhooks import check_address, new_secret, secret_context, shown

LOOKUP_SECONDS = 5.0


class AddressRefused(Invalid):
    """Events may not be sent to this address: not https, not public, or not to be found."""

    code = "webhook_address_refused"


async def make_webhook(
    database: Database, vault: Vault, settings: Settings, caller: Principal, asked: WebhookIn
) -> WebhookMade:
    """A subscription, told of what happens from now on. Raises AddressRefused."""
    await _require_callable(asked.url, settings)
    public_id, secret = uuid7(), new_secret()
    sealed = vault.seal(secret, context=secret_context(public_id))
    async with database.connection() as connection, connection.transaction():
        key = await queries.insert_webhook(connection, public_id, **asked.model_dump(), principal=caller.id)
        await queries.insert_secret(connection, key, sealed)
        await _note(connection, caller, "webhook.made", public_id)
        made = await _get(connection, public_id)
    return WebhookMade(**made.model_dump(), secret=shown(secret))


async def list_webhooks(database: Database, query: WebhookQuery) -> Page[WebhookOut]:
    """A page of subscriptions, newest first. Raises BadCursor."""
    before = None if query.cursor is None else int(decode_cursor(query.cursor, int)[0])
    async with database.connection() as connection:
        rows = await queries.list_webhooks(connection, query.status, before=before, limit=query.limit + 1)
    return page_of(rows, query.limit, lambda row: WebhookOut(**row))


async def get_webhook(database: Database, webhook_id: UUID) -> WebhookOut:
    """The subscription. Raises NotFound."""
    async with database.connection() as connection:
        return await _get(connection, webhook_id)


async def change_webhook(
    database: Database, settings: Settings, caller: Principal, webhook_id: UUID, asked: WebhookPatch
) -> WebhookOut:
    """Change what was given. Raises NotFound or AddressRefused."""
    changes = asked.model_dump(exclude_unset=True)
    if "url" in changes:
        await _require_callable(asked.url, settings)
    async with database.connection() as connection, connection.transaction():
        key = await _lock(connection, webhook_id)
        if status := changes.pop("status", None):
            await queries.set_status(connection, key, status)
        if changes:
            old = (await _get(connection, webhook_id)).model_dump(include={"url", "types", "description"})
            await queries.update_webhook(connection, key, **{**old, **changes})
        await _note(connection, caller, "webhook.changed", webhook_id)
        return await _get(connection, webhook_id)


async def delete_webhook(database: Database, caller: Principal, webhook_id: UUID) -> None:
    """End it, and what waits for it. Raises NotFound."""
    async with database.connection() as connection, connection.transaction():
        await queries.delete_webhook(connection, await _lock(connection, webhook_id))
        await _note(connection, caller, "webhook.deleted", webhook_id)


async def rotate_secret(
    database: Database, vault: Vault, caller: Principal, webhook_id: UUID, asked: RotateIn
) -> Rotated:
    """A new secret; the old one signs beside it for a while. Raises NotFound."""
    secret = new_secret()
    sealed = vault.seal(secret, context=secret_context(webhook_id))
    async with database.connection() as connection, connection.transaction():
        key = await _lock(connection, webhook_id)
        until = await queries.end_secrets(connection, key, hours=asked.overlap_hours)
        await queries.insert_secret(connection, key, sealed)
        await _note(connection, caller, "webhook.secret_rotated", webhook_id)
    return Rotated(secret=shown(secret), old_valid_until=until)


async def _get(connection: Connection, webhook_id: UUID) -> WebhookOut:
    row = await queries.find_webhook(connection, webhook_id)
    if row is None:
        raise _absent()
    return WebhookOut(**row)


async def _lock(connection: Connection, webhook_id: UUID) -> int:
    key = await queries.lock_webhook(connection, webhook_id)
    if key is None:
        raise _absent()
    return key


async def _note(connection: Connection, caller: Principal, action: str, webhook_id: UUID) -> None:
    await audit.record(connection, actor=caller.id, action=action, subject=f"webhook/{webhook_id}")


async def _require_callable(url: str, settings: Settings) -> None:
    """Also what the name leads to now; it is looked at again at each delivery, for names change."""
    allowed = AllowList(settings.webhook_allowed_hosts)
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            await resolve(check_address(url, allowed), allowed)
    except JobError as error:
        raise AddressRefused(error.detail, pointer="/url") from None
    except TimeoutError:
        raise AddressRefused("The host of this address was not found in time.", pointer="/url") from None


def _absent() -> NotFound:
    return NotFound("there is no such webhook")
