"""HTTP words for deliveries."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from agent_service.deliveries import service
from agent_service.deliveries.schemas import DeliveryDetail, DeliveryOut, DeliveryQuery, Replayed, ReplayIn
from core.access import Permission
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.web.auth import requires
from core.web.pagination import BadCursor, Page
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable, NotFound)
MAY_MANAGE = [requires(Permission.WEBHOOKS_MANAGE)]

deliveries = router(prefix="/webhooks", tags=["webhooks"])


@deliveries.get(
    "/deliveries/{delivery_id}",
    summary="One delivery with its attempts",
    dependencies=MAY_MANAGE,
    responses=responses(*ALWAYS),
)
async def get_delivery(delivery_id: UUID, database: Db) -> DeliveryDetail:
    """What the receiver answered beyond its status is not kept."""
    return await service.get_delivery(database, delivery_id)


@deliveries.post(
    "/deliveries/{delivery_id}/replay",
    status_code=202,
    summary="Deliver again",
    dependencies=MAY_MANAGE,
    responses=responses(*ALWAYS, service.WebhookInactive, service.DeliveryUnderWay),
)
async def replay_delivery(delivery_id: UUID, database: Db) -> DeliveryOut:
    """At once, with the whole schedule anew, under the same `webhook-id`."""
    return await service.replay_delivery(database, delivery_id)


@deliveries.get(
    "/{webhook_id}/deliveries",
    summary="List deliveries, newest first",
    dependencies=MAY_MANAGE,
    responses=responses(*ALWAYS, BadCursor),
)
async def list_deliveries(
    webhook_id: UUID, query: Annotated[DeliveryQuery, Query()], database: Db
) -> Page[DeliveryOut]:
    """Of one subscription, by status."""
    return await service.list_deliveries(database, webhook_id, query)


@deliveries.post(
    "/{webhook_id}/replay",
    status_code=202,
    summary="Deliver again what failed",
    dependencies=MAY_MANAGE,
    responses=responses(*ALWAYS, service.WebhookInactive, BodyTooLarge, UnsupportedMediaType),
)
async def replay_failed(webhook_id: UUID, asked: ReplayIn, database: Db) -> Replayed:
    """Since a time, the oldest first."""
    return await service.replay_failed(database, webhook_id, asked)


@deliveries.post(
    "/{webhook_id}/test",
    status_code=202,
    summary="Send a test event",
    dependencies=MAY_MANAGE,
    responses=responses(*ALWAYS, service.WebhookInactive),
)
async def test_webhook(webhook_id: UUID, database: Db) -> DeliveryOut:
    """A `webhook.test`; ask for the delivery to see how it went."""
    return await service.test_webhook(database, webhook_id)
