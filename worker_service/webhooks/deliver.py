"""Deliveries from their claim to their outcome. No transaction is open while a receiver is called.

A process that dies leaves its deliveries to others when their lease is over; one that wakes up after that
finds its lease outdated and writes nothing. The receiver may hear twice, under the same `webhook-id`.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from time import monotonic

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.db import Connection
from core.errors import Unavailable
from core.queue import DOWN
from core.vault import Vault
from core.webhooks import CHANNEL
from worker_service.drain.context import Services
from worker_service.outbox.bell import Bell
from worker_service.webhooks import queries
from worker_service.webhooks.queries import Parcel
from worker_service.webhooks.schedule import wait_after
from worker_service.webhooks.send import GONE, Outcome, Sender

log = structlog.get_logger(__name__)

PLACES = 4
"""Calls of one receiver at once, in each worker process."""

LEASE_MARGIN = 15.0
FAILURES = (*DOWN, asyncpg.PostgresError, SQLAlchemyError)


async def deliver_webhooks(services: Services) -> None:
    """Walk the rounds for ever; without field keys no secret can be read, and nothing be signed."""
    try:
        vault = Vault.of(services.settings)
    except Unavailable:
        log.warning("vault_closed", detail="webhooks cannot be signed: no field keys are configured")
        return
    async with Bell(services.database.url, CHANNEL) as bell:
        await Courier(services, vault, bell).run()


class Courier:
    """The deliveries in the hands of this process."""

    def __init__(self, services: Services, vault: Vault, bell: Bell) -> None:
        settings = services.settings
        self._services = services
        self._bell = bell
        self._busy: Counter[int] = Counter()
        self._sender = Sender(
            vault,
            allowed_hosts=settings.webhook_allowed_hosts,
            timeout_seconds=settings.webhook_timeout_seconds,
        )

    async def run(self) -> None:
        """Deliver until cancelled."""
        poll = self._services.settings.queue_poll_seconds
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    try:
                        await self._claim(group)
                        await self._bell.wait(poll)
                    except FAILURES as error:
                        self._bell.reset()
                        log.warning("delivering_waits", error=type(error).__name__)
                        await asyncio.sleep(poll)
        finally:
            await self._sender.aclose()

    async def _claim(self, group: asyncio.TaskGroup) -> None:
        ttl = self._services.settings.webhook_timeout_seconds + LEASE_MARGIN
        async with self._services.database.connection() as connection:
            parcels = await queries.claim(connection, busy=self._busy, places=PLACES, ttl=ttl)
        for parcel in parcels:
            self._busy[parcel.subscription_id] += 1
            group.create_task(self._deliver(parcel))

    async def _deliver(self, parcel: Parcel) -> None:
        try:
            started = monotonic()
            outcome = await self._sender.send(parcel)
            await self._settle(parcel, outcome, duration_ms=round(1000 * (monotonic() - started)))
        except asyncio.CancelledError:
            await self._give_back(parcel)
            raise
        except Exception:  # the lease ends by itself, and somebody tries again
            log.exception("delivery_not_settled", delivery_id=parcel.id)
        finally:
            self._busy[parcel.subscription_id] -= 1
            self._bell.ring()  # there is a place free

    async def _settle(self, parcel: Parcel, outcome: Outcome, *, duration_ms: int) -> None:
        taken = outcome.error_code is None
        is_last = taken or outcome.error_code == GONE
        wait = None if is_last else wait_after(parcel.attempt, at_least=outcome.retry_after)
        async with self._services.database.connection() as connection, connection.transaction():
            if not await queries.settle(
                connection,
                parcel,
                wait=wait,
                status_code=outcome.status_code,
                error_code=outcome.error_code,
                duration_ms=duration_ms,
            ):
                log.warning("delivery_lost", delivery_id=parcel.id)
            elif taken:
                await queries.mark_sound(connection, parcel.subscription_id)
            else:
                await self._note_failure(connection, parcel, outcome, is_over=wait is None)

    async def _note_failure(
        self, connection: Connection, parcel: Parcel, outcome: Outcome, *, is_over: bool
    ) -> None:
        log.info("delivery_failed", delivery_id=parcel.id, attempt=parcel.attempt, code=outcome.error_code)
        subscription = parcel.subscription_id
        await queries.mark_failing(connection, subscription)
        if outcome.error_code == GONE:
            disabled = await queries.disable(connection, subscription, GONE)
        else:
            days = self._services.settings.webhook_disable_after_days
            disabled = is_over and await queries.disable(
                connection, subscription, "failing", failing_days=days
            )
        if disabled:
            log.warning("webhook_disabled", webhook=str(parcel.subscription), code=outcome.error_code)

    async def _give_back(self, parcel: Parcel) -> None:
        """Another process may go on at once. What was settled already is not touched."""
        with suppress(*FAILURES):
            async with self._services.database.connection() as connection:
                await queries.release(connection, parcel)
