"""E-mail as a door: a raw mail becomes a message in its thread."""

import asyncio
import hashlib

import structlog

from core.channels import Channel
from core.channels.threads import Clues, find_or_make_thread
from core.contacts.storing import Stored
from core.db import Connection, Database
from core.vault import Vault
from ingestion_service.webhooks import queries, service
from ingestion_service.webhooks.mail import Mail, parsed
from ingestion_service.webhooks.reading import Reading, details
from ingestion_service.webhooks.schemas import DeliveryOut

log = structlog.get_logger(__name__)


async def accept_mail(database: Database, vault: Vault, channel: Channel, raw: bytes) -> DeliveryOut:
    """Store the mail as it came, whatever it is like; put it into its thread; find its sender."""
    mail, reading = await asyncio.to_thread(read_mail, channel, raw)

    async def thread(connection: Connection, stored: list[Stored]) -> None:
        for event in stored:
            if event.is_first:
                number = await find_or_make_thread(connection, vault, channel, _clues(mail))
                await queries.put_into_thread(connection, event.key, number)

    return await service.accept(database, vault, channel, raw, reading, then=thread)


def read_mail(channel: Channel, raw: bytes) -> tuple[Mail, Reading]:
    """What could be read, and the one message it is; of a hostile mail, that it came."""
    mail = _parsed(raw)
    for attempt in (mail, Mail()):
        reading = Reading()
        _take(channel, attempt, raw, reading)
        if reading.messages:
            return attempt, reading
    raise AssertionError("an empty mail is a message")


def _parsed(raw: bytes) -> Mail:
    try:
        return parsed(raw)
    except Exception:
        log.exception("mail_unreadable", size=len(raw))
        return Mail()


def _take(channel: Channel, mail: Mail, raw: bytes, reading: Reading) -> None:
    """Who does not say who they are is nobody we know: each such mail is another person's."""
    digest = hashlib.sha256(raw).hexdigest()
    is_ours = mail.sender is not None and mail.sender.casefold() == channel.config.mailbox
    reading.take(
        channel,
        mail.message_id or f"sha256:{digest}",
        sender_id=mail.sender or f"anonymous-{digest[:16]}",
        sender_name=mail.sender_name,
        content=mail.content,
        metadata={**mail.about, **details(message_id=mail.message_id, auto=mail.is_auto or is_ours)},
        sent_at=mail.sent_at,
    )


def _clues(mail: Mail) -> Clues:
    sender = (mail.sender or "").casefold()
    return Clues(mail.message_id, mail.mentioned, mail.recipients, sender, mail.subject)
