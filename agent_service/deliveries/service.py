"""Look at deliveries; tell again what was told or failed, under the same id."""

from typing import NoReturn
from uuid import UUID

from agent_service.deliveries import queries
from agent_service.deliveries.queries import Found
from agent_service.deliveries.schemas import DeliveryDetail, DeliveryOut, DeliveryQuery, Replayed, ReplayIn
from core.db import Connection, Database
from core.errors import Conflict, NotFound
from core.models import DeliveryStatus, WebhookStatus
from core.web.pagination import Page, decode_cursor, page_of


class WebhookInactive(Conflict):
    """The subscription is paused or disabled: resume it first."""

    code = "webhook_inactive"


class DeliveryUnderWay(Conflict):
    """The receiver is being called at this moment."""

    code = "delivery_under_way"


async def list_deliveries(database: Database, webhook_id: UUID, query: DeliveryQuery) -> Page[DeliveryOut]:
    """A page of the subscription's deliveries, newest first. Raises NotFound or BadCursor."""
    before = None if query.cursor is None else int(decode_cursor(query.cursor, int)[0])
    async with database.connection() as connection:
        webhook = await _webhook(connection, webhook_id)
        rows = await queries.list_deliveries(
            connection, webhook["id"], query.status, before=before, limit=query.limit + 1
        )
    return page_of(rows, query.limit, lambda row: DeliveryOut(**row))


async def get_delivery(database: Database, delivery_id: UUID) -> DeliveryDetail:
    """The delivery and its calls. Raises NotFound."""
    async with database.connection() as connection:
        found = await queries.find_delivery(connection, delivery_id)
        if found is None:
            _refuse_absent()
        return DeliveryDetail(**found, attempts=await queries.list_attempts(connection, found["key"]))


async def test_webhook(database: Database, webhook_id: UUID) -> DeliveryOut:
    """Tell the subscription `webhook.test`. Raises NotFound or WebhookInactive."""
    async with database.connection() as connection, connection.transaction():
        webhook = await _webhook(connection, webhook_id)
        _require_active(webhook["status"])
        delivery = await queries.insert_test(connection, webhook["id"], webhook_id)
        return await _get(connection, delivery)


async def replay_delivery(database: Database, delivery_id: UUID) -> DeliveryOut:
    """Tell it again now, whatever came of it. Raises NotFound, WebhookInactive or DeliveryUnderWay."""
    async with database.connection() as connection, connection.transaction():
        found = await queries.lock_delivery(connection, delivery_id)
        if found is None:
            _refuse_absent()
        _require_active(found["webhook_status"])
        if found["status"] == DeliveryStatus.DELIVERING:
            raise DeliveryUnderWay("the receiver is being called at this moment")
        await queries.start_over(connection, [found["key"]])
        return await _get(connection, delivery_id)


async def replay_failed(database: Database, webhook_id: UUID, asked: ReplayIn) -> Replayed:
    """Tell again what failed since a time, the oldest first. Raises NotFound or WebhookInactive."""
    async with database.connection() as connection, connection.transaction():
        webhook = await _webhook(connection, webhook_id)
        _require_active(webhook["status"])
        failed = await queries.lock_failed(connection, webhook["id"], asked.since)
        await queries.start_over(connection, failed)
    return Replayed(replayed=len(failed))


async def _webhook(connection: Connection, webhook_id: UUID) -> Found:
    found = await queries.find_webhook(connection, webhook_id)
    if found is None:
        raise NotFound("there is no such webhook")
    return found


async def _get(connection: Connection, delivery_id: UUID) -> DeliveryOut:
    found = await queries.find_delivery(connection, delivery_id)
    assert found is not None, "this transaction holds it"
    return DeliveryOut(**found)


def _require_active(status: str) -> None:
    if status != WebhookStatus.ACTIVE:
        raise WebhookInactive("this webhook is not active: resume it first")


def _refuse_absent() -> NoReturn:
    raise NotFound("there is no such delivery")
