"""HTTP words for subscriptions."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from agent_service.webhooks import service
from agent_service.webhooks.schemas import (
    Rotated,
    RotateIn,
    WebhookIn,
    WebhookMade,
    WebhookOut,
    WebhookPatch,
    WebhookQuery,
)
from core.access import Permission
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.vault import VaultClosed
from core.web.auth import Caller, requires
from core.web.idempotency import commits_itself
from core.web.pagination import BadCursor, Page
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Config, Db, Sealed

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable)
BODY = (BodyTooLarge, UnsupportedMediaType)
MAY_MANAGE = [requires(Permission.WEBHOOKS_MANAGE)]

webhooks = router(prefix="/webhooks", tags=["webhooks"])


@webhooks.post(
    "",
    status_code=201,
    summary="Subscribe an address to events",
    dependencies=[*MAY_MANAGE, commits_itself("the address is looked up in between")],
    responses=responses(*ALWAYS, *BODY, VaultClosed, service.AddressRefused),
)
async def make_webhook(
    asked: WebhookIn, caller: Caller, database: Db, vault: Sealed, settings: Config
) -> WebhookMade:
    """It is told of what happens from now on. Keep the secret: it is shown this once."""
    return await service.make_webhook(database, vault, settings, caller, asked)


@webhooks.get(
    "",
    summary="List subscriptions, newest first",
    dependencies=MAY_MANAGE,
    responses=responses(*ALWAYS, BadCursor),
)
async def list_webhooks(query: Annotated[WebhookQuery, Query()], database: Db) -> Page[WebhookOut]:
    """Each with its state and how many deliveries wait."""
    return await service.list_webhooks(database, query)


@webhooks.get(
    "/{webhook_id}",
    summary="One subscription",
    dependencies=MAY_MANAGE,
    responses=responses(*ALWAYS, NotFound),
)
async def get_webhook(webhook_id: UUID, database: Db) -> WebhookOut:
    """Without its secret."""
    return await service.get_webhook(database, webhook_id)


@webhooks.patch(
    "/{webhook_id}",
    summary="Change, pause or resume a subscription",
    dependencies=MAY_MANAGE,
    responses=responses(*ALWAYS, *BODY, NotFound, service.AddressRefused),
)
async def change_webhook(
    webhook_id: UUID, asked: WebhookPatch, caller: Caller, database: Db, settings: Config
) -> WebhookOut:
    """While it is not ACTIVE nothing new is noted for it, and what was noted waits."""
    return await service.change_webhook(database, settings, caller, webhook_id, asked)


@webhooks.delete(
    "/{webhook_id}",
    status_code=204,
    summary="End a subscription",
    dependencies=MAY_MANAGE,
    responses=responses(*ALWAYS, NotFound),
)
async def delete_webhook(webhook_id: UUID, caller: Caller, database: Db) -> None:
    """What waits for it is not delivered."""
    await service.delete_webhook(database, caller, webhook_id)


@webhooks.post(
    "/{webhook_id}/rotate-secret",
    summary="A new secret",
    dependencies=MAY_MANAGE,
    responses=responses(*ALWAYS, *BODY, VaultClosed, NotFound),
)
async def rotate_secret(
    webhook_id: UUID, asked: RotateIn, caller: Caller, database: Db, vault: Sealed
) -> Rotated:
    """For some hours each delivery carries signatures of both, so that the receiver may change in peace."""
    return await service.rotate_secret(database, vault, caller, webhook_id, asked)
