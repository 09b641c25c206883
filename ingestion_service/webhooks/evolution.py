"""Evolution API v2 as a door: its `messages.upsert` events, and the shortest message one can write. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.channels import Channel
from core.contacts.message import Given
from core.errors import Invalid
from core.matching import IdentityKind
from ingestion_service.webhooks.evolution_content import content_of
from ingestion_service.webhooks.reading import (
    MAX_ID,
    Reading,
    at,
    details,
    line,
    moment,
    objects,
    text,
)

UPSERT = "messages.upsert"
PHONE = "@s.whatsapp.net"
HIDDEN = "@lid"  # stands for a phone that WhatsApp does not tell
PASSED_OVER = {"@g.us": "group", "@broadcast": "broadcast", "@newsletter": "newsletter"}


class NotAMessage(Invalid):
    """The body is neither an event of the Evolution API nor `{"sender_id": ..., "message": ...}`."""

    code = "not_a_message"


def read(channel: Channel, body: object) -> Reading:
    """The messages of a delivery. Raises NotAMessage."""
    reading = Reading()
    if not isinstance(body, Mapping):
        raise NotAMessage("a delivery is an object")
    if "data" not in body and "event" not in body:
        _read_short(channel, body, reading)
    elif str(at(body, "event")).lower().replace("_", ".") == UPSERT:
        for item in _items(at(body, "data")):
            _read_upsert(channel, item, reading)
    else:
        reading.ignored.append("event")
    return reading


def _read_short(channel: Channel, body: Mapping[str, Any], reading: Reading) -> None:
    sender, said = line(body.get("sender_id"), MAX_ID), text(body.get("message"))
    if sender is None or said is None:
        raise NotAMessage(
            "a message has a sender_id and a message", pointer="/message" if sender else "/sender_id"
        )
    reading.take(
        channel,
        line(body.get("message_id"), MAX_ID),
        sender_id=sender,
        sender_name=line(body.get("sender_name")),
        content=said,
        metadata={"type": "text"},
        sent_at=moment(body.get("timestamp")),
    )


def _read_upsert(channel: Channel, item: Mapping[str, Any], reading: Reading) -> None:
    key, content = at(item, "key"), content_of(at(item, "message"))
    if content is None or (reason := _passed_over(key)):
        reading.ignored.append("protocol" if content is None else str(reason))
        return
    sender, hidden = _sender(key)
    reading.take(
        channel,
        line(at(key, "id"), MAX_ID),
        sender_id=sender,
        sender_name=line(item.get("pushName")),
        content=content.text,
        identifiers=(Given(kind=IdentityKind.EXTERNAL, value=hidden),) if hidden else (),
        metadata={**content.details, **details(message_id=line(at(key, "id"), MAX_ID))},
        sent_at=moment(item.get("messageTimestamp")),
    )


def _passed_over(key: object) -> str | None:
    """Why this is no message to us."""
    address = line(at(key, "remoteJid"), MAX_ID)
    if address is None:
        return "no_sender"
    if at(key, "fromMe") is True:
        return "from_me"
    return next((reason for ending, reason in PASSED_OVER.items() if address.endswith(ending)), None)


def _sender(key: object) -> tuple[str, str | None]:
    """Who wrote: the phone where any member tells it, and the hidden address it stands behind."""
    addresses = [line(at(key, name), MAX_ID) for name in ("remoteJid", "remoteJidAlt", "senderPn")]
    known = [address for address in addresses if address]
    phone = next((address for address in known if address.endswith(PHONE)), None)
    hidden = next((address for address in known if address.endswith(HIDDEN)), None)
    return (phone, hidden) if phone else (known[0], None)


def _items(data: object) -> Iterator[Mapping[str, Any]]:
    """Version 2 sends one, older ones a list."""
    if isinstance(data, Mapping):
        yield from objects(at(data, "messages")) if "messages" in data else (data,)
    else:
        yield from objects(data)
