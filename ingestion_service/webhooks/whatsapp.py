"""The WhatsApp Cloud API as a door: whole batches of messages, echoes and statuses. Pure.

Any of `from`, `wa_id` and `profile` may be absent: since 2026 people may hide their number behind a user id.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.channels import Channel
from core.contacts.message import Given
from core.matching import IdentityKind, Unmatchable, canonical
from core.models import MessageStatus
from ingestion_service.webhooks.reading import (
    MAX_ID,
    Reading,
    StatusChange,
    at,
    details,
    line,
    moment,
    objects,
)
from ingestion_service.webhooks.whatsapp_content import content_of

STATUSES = {**{status.value: status for status in MessageStatus}, "played": MessageStatus.READ}
SUCCESSIONS = {"user_changed_number", "user_changed_user_id"}


@dataclass(frozen=True, slots=True)
class _Batch:
    """A change of a delivery: whose number it came to, and what it tells about senders."""

    channel: Channel
    number: str
    value: Mapping[str, Any]


def numbers(body: object) -> set[str]:
    """The ids of all numbers of ours that a delivery is about."""
    return {_number(at(change, "value")) for change in _changes(body)} - {""}


def read(channel: Channel, body: object, others: Mapping[str, Channel]) -> Reading:
    """All that a delivery holds. `others` are accounts of the same app, by the id of their number."""
    reading = Reading()
    for change in _changes(body):
        value = at(change, "value")
        number = _number(value)
        batch = _Batch(others.get(number, channel), number, value if isinstance(value, Mapping) else {})
        for message in objects(batch.value.get("messages")):
            _read_message(batch, message, reading)
        for echo in objects(batch.value.get("message_echoes")):
            _read_echo(batch, echo, reading)
        for status in objects(batch.value.get("statuses")):
            _read_status(batch, status, reading)
        if not batch.value.keys() & {"messages", "message_echoes", "statuses"}:
            reading.ignored.append("errors" if batch.value.get("errors") else "field")
    return reading


def _read_message(batch: _Batch, message: Mapping[str, Any], reading: Reading) -> None:
    contact = _contact(batch, message)
    phone = line(message.get("from"), MAX_ID) or line(at(contact, "wa_id"), MAX_ID)
    told = (message.get("from_user_id"), at(contact, "user_id"))
    parents = (message.get("from_parent_user_id"), at(contact, "parent_user_id"))
    names = [phone, *(line(next(filter(None, ids), None), MAX_ID) for ids in (told, parents))]
    old, successor = _succession(message, phone)
    known = [name for name in (old, *names) if name]
    if not known:
        reading.ignored.append("no_sender")
        return
    content = content_of(message)
    reading.take(
        batch.channel,
        _external_id(batch, message),
        sender_id=known[0],
        sender_name=line(at(contact, "profile", "name")),
        content=content.text,
        identifiers=_user_ids(known[1:]),
        successor=successor,
        metadata={**content.details, **_about(batch, message)},
        sent_at=moment(message.get("timestamp")),
    )


def _read_echo(batch: _Batch, echo: Mapping[str, Any], reading: Reading) -> None:
    """What we wrote ourselves, on the phone: the customer is the one it went to."""
    names = [line(echo.get(name), MAX_ID) for name in ("to", "to_user_id", "to_parent_user_id")]
    known = [name for name in names if name]
    if not known:
        reading.ignored.append("no_sender")
        return
    content = content_of(echo)
    reading.take(
        batch.channel,
        _external_id(batch, echo),
        sender_id=known[0],
        content=content.text,
        identifiers=_user_ids(known[1:]),
        metadata={**content.details, **_about(batch, echo), "direction": "out", "auto": True},
        sent_at=moment(echo.get("timestamp")),
    )


def _read_status(batch: _Batch, told: Mapping[str, Any], reading: Reading) -> None:
    message, status = line(told.get("id"), MAX_ID), STATUSES.get(str(told.get("status")))
    if message is None or status is None:
        reading.ignored.append("status")
        return
    error = next((line(error.get("code"), 40) for error in objects(told.get("errors"))), None)
    reached = moment(told.get("timestamp")) or datetime.now(UTC)
    reading.statuses.append(StatusChange(batch.channel.account, message, status, error, reached))


def _succession(message: Mapping[str, Any], phone: str | None) -> tuple[str | None, Given | None]:
    """Of somebody with a new number or user id: the old one and the new one."""
    told = message.get("system")
    if at(told, "type") not in SUCCESSIONS:
        return None, None
    if at(told, "type") == "user_changed_user_id":
        old, new = line(at(told, "previous_user_id"), MAX_ID), line(at(told, "user_id"), MAX_ID)
        return old, _given(IdentityKind.WHATSAPP_USER, new)
    new = line(at(told, "wa_id"), MAX_ID) or line(at(told, "new_wa_id"), MAX_ID)
    return phone or line(at(told, "customer"), MAX_ID), _given(
        IdentityKind.PHONE, new and f"+{new.lstrip('+')}"
    )


def _given(kind: IdentityKind, value: str | None) -> Given | None:
    try:
        return Given(kind=kind, value=value) if value and canonical(kind, value) else None
    except Unmatchable:
        return None


def _user_ids(names: list[str]) -> tuple[Given, ...]:
    found = (_given(IdentityKind.WHATSAPP_USER, name) for name in names)
    return tuple(given for given in found if given)


def _contact(batch: _Batch, message: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the batch tells about the sender; `system` messages come without."""
    contacts = list(objects(batch.value.get("contacts")))
    for mine, theirs in (("from_user_id", "user_id"), ("from", "wa_id")):
        name = message.get(mine)
        if name and (found := next((item for item in contacts if item.get(theirs) == name), None)):
            return found
    is_named = message.get("from") or message.get("from_user_id")
    alone = len(contacts) == 1 and not is_named and message.get("type") != "system"
    return contacts[0] if alone else None


def _about(batch: _Batch, message: Mapping[str, Any]) -> dict[str, Any]:
    return details(message_id=line(message.get("id"), MAX_ID), phone_number_id=batch.number)


def _external_id(batch: _Batch, message: Mapping[str, Any]) -> str:
    """Meta repeats messages, and their ids are unique within one number of ours."""
    whole = hashlib.sha256(json.dumps(message, sort_keys=True).encode()).hexdigest
    return f"{batch.number}/{line(message.get('id'), MAX_ID) or whole()}"


def _number(value: object) -> str:
    return line(at(value, "metadata", "phone_number_id"), 32) or ""


def _changes(body: object) -> Iterator[dict[str, Any]]:
    for entry in objects(at(body, "entry")):
        yield from objects(entry.get("changes"))
