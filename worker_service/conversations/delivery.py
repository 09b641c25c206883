"""What was said goes out: in order within a conversation, retried while it may help, not after a revocation.

Between a channel's answer and our commit lies the one seam where a crash sends twice: no channel of WhatsApp
knows an idempotency key. A mail keeps its Message-ID.
"""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import structlog

from core.channels import find_channel
from core.channels.threads import note_sent
from core.consents import SERVICE_DESK, current
from core.conversations import OUTBOUND_CHANNEL, hear
from core.conversations.speaking import read_reply
from core.db import Connection, Database
from core.errors import JobError
from core.queue import backoff
from core.settings import Settings
from core.vault import Unreadable, Vault, VaultClosed
from worker_service.conversations import outgoing
from worker_service.conversations.outgoing import Parcel
from worker_service.conversations.senders import Letter, sender_for
from worker_service.conversations.turn import OUTAGES
from worker_service.drain.context import Services
from worker_service.outbox.bell import Bell

log = structlog.get_logger(__name__)

AT_ONCE = 24
PLACES = 4
"""Of them, about how many one channel account may have."""

SEND_SECONDS = 25.0
LEASE_SECONDS = SEND_SECONDS + 5
"""Longer than a sender may take, so that nobody else sends meanwhile."""

PATIENCE = timedelta(hours=24)
"""How long an answer is worth delivering."""


async def keep_delivering(services: Services) -> None:
    """Deliver for ever; without field keys nothing that was said can be read."""
    try:
        vault = Vault.of(services.settings)
    except VaultClosed:
        log.warning("vault_closed", detail="nothing is delivered: no field keys are configured")
        return
    async with Bell(services.database.url, OUTBOUND_CHANNEL) as bell:
        await Carriers(services.database, vault, services.settings, bell).work()


class Carriers:
    """What is under way from this process. A channel that hangs keeps its own places and nobody else's."""

    def __init__(self, database: Database, vault: Vault, settings: Settings, bell: Bell) -> None:
        self._database, self._vault, self._settings = database, vault, settings
        self._bell = bell
        self._busy: Counter[str] = Counter()
        self._carriers: set[asyncio.Task[None]] = set()

    async def work(self) -> None:
        """Until cancelled: what was under way is sent again by whoever lives, when its lease has ended."""
        poll = self._settings.queue_poll_seconds
        try:
            while True:
                try:
                    if not await self._start_more():
                        await self._bell.wait(poll)
                except OUTAGES as error:
                    self._bell.reset()
                    log.warning("delivering_waits", error=type(error).__name__)
                    await asyncio.sleep(poll)
        finally:
            for carrier in self._carriers:
                carrier.cancel()
            await asyncio.gather(*self._carriers, return_exceptions=True)

    async def _start_more(self) -> bool:
        """Whether there may be still more to start."""
        if len(self._carriers) >= AT_ONCE:
            await asyncio.wait(self._carriers, return_when=asyncio.FIRST_COMPLETED)
        full = [account for account, busy in self._busy.items() if busy >= PLACES]
        async with self._database.connection() as connection:
            parcels = await outgoing.claim(connection, limit=PLACES, ttl=LEASE_SECONDS, without=full)
        for parcel in parcels:
            self._busy[parcel.account] += 1
            carrier = asyncio.create_task(self._carry(parcel))
            self._carriers.add(carrier)
            carrier.add_done_callback(self._carriers.discard)
        return bool(parcels)

    async def _carry(self, parcel: Parcel) -> None:
        try:
            await _deliver(self._database, self._vault, self._settings, parcel)
        except OUTAGES as error:
            log.warning("delivery_waits", message=str(parcel.public_id), error=type(error).__name__)
        finally:
            self._busy[parcel.account] -= 1
            self._bell.ring()  # there is a place free, and what stood behind it in its line may go


async def deliver(database: Database, vault: Vault, settings: Settings) -> int:
    """Send what is due, side by side; how many messages that were."""
    async with database.connection() as connection:
        parcels = await outgoing.claim(connection, limit=PLACES, ttl=LEASE_SECONDS)
    await asyncio.gather(*(_deliver(database, vault, settings, parcel) for parcel in parcels))
    return len(parcels)


async def _deliver(database: Database, vault: Vault, settings: Settings, parcel: Parcel) -> None:
    try:
        async with database.connection() as connection:
            letter = await _letter(connection, vault, parcel)
        async with asyncio.timeout(SEND_SECONDS):
            sent = await sender_for(letter.channel, settings).send(letter)
    except TimeoutError:
        slow = JobError("channel_timeout", "The channel took too long to answer.", retryable=True)
        return await _note_failure(database, parcel, slow)
    except JobError as error:
        return await _note_failure(database, parcel, error)
    except Unreadable as error:
        return await _note_failure(database, parcel, JobError("unreadable", str(error)))
    except OUTAGES:
        raise
    except Exception:  # one letter that breaks its sender must not keep the others waiting
        log.exception("sender_failed", message=str(parcel.public_id))
        return await _note_failure(database, parcel, JobError("internal", "It could not be sent."))
    async with database.connection() as connection, connection.transaction():
        await outgoing.mark_sent(connection, parcel, sent)
        if parcel.thread is not None and sent is not None:
            await note_sent(connection, vault, parcel.account, parcel.thread, sent)
    return None


async def _letter(connection: Connection, vault: Vault, parcel: Parcel) -> Letter:
    """Raises JobError when it must not be sent any more, Unreadable when its keys are gone."""
    if _is_late(parcel):
        raise JobError("expired", "It was not delivered in time.")
    if parcel.needs_consent:
        consent = await current(connection, parcel.client, SERVICE_DESK)
        if consent is None or not consent.holds:
            raise JobError("consent_revoked", "The client does not consent any more.")
    channel = await find_channel(connection, vault, parcel.account)
    if channel is None or not channel.is_active:
        raise JobError("channel_closed", "This account is closed.")
    return Letter(
        parcel.public_id,
        parcel.conversation,
        channel,
        read_reply(vault, parcel.message, parcel.body_sealed),
        hear(vault, parcel.event, parcel.event_sealed).message,
        parcel.external_id,
        parcel.thread,
        parcel.by_person,
        parcel.last_inbound_at,
    )


async def _note_failure(database: Database, parcel: Parcel, error: JobError) -> None:
    log.warning("not_delivered", message=str(parcel.public_id), code=error.code, attempt=parcel.attempt)
    async with database.connection() as connection:
        if error.retryable and not _is_late(parcel):
            wait = backoff(parcel.attempt, least=error.retry_after)
            await outgoing.mark_retry(connection, parcel, error.code, wait=wait)
        else:
            await outgoing.mark_failed(connection, parcel, error.code)


def _is_late(parcel: Parcel) -> bool:
    """Also ends a message whose sending kills the process each time."""
    return datetime.now(UTC) - parcel.created_at > PATIENCE
