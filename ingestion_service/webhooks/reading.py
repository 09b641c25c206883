"""What was found in a delivery, and how a foreign JSON is looked into without trusting it. Pure.

Nobody at the other side mends a text for us: what we would refuse elsewhere is made legible here.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from core.channels import Channel
from core.contacts.message import MAX_CONTENT, ChannelMessage
from core.models import MessageStatus
from core.types import EARLIEST, LATEST

MAX_NAME = 200
MAX_ID = 320
_ILLEGIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_BLANKS = re.compile(r"[\s\u200b-\u200d\u2060\ufeff]+")


class Incoming(NamedTuple):
    """A message, and the id under which the same one would come again."""

    message: ChannelMessage
    external_id: str | None


class StatusChange(NamedTuple):
    """How far a message of ours got."""

    account: str
    message_id: str
    status: MessageStatus
    error_code: str | None
    status_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """What a delivery holds, in its order; `ignored` are the reasons why parts of it are no messages."""

    messages: list[Incoming] = field(default_factory=list)
    statuses: list[StatusChange] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def take(self, channel: Channel, external_id: str | None, **members: Any) -> None:
        """Add a message that came through this account; one that cannot be one is ignored, and stays kept."""
        try:
            message = ChannelMessage(**{"source": channel.source, "account": channel.account, **members})
        except ValidationError:
            self.ignored.append("unreadable")
        else:
            self.messages.append(Incoming(message, external_id))


def text(value: object, limit: int = MAX_CONTENT) -> str | None:
    """A legible text of at most `limit` characters; None when it is none or blank."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    sound = _ILLEGIBLE.sub("\ufffd", str(value).replace("\r\n", "\n").replace("\r", "\n"))
    legible = unicodedata.normalize("NFC", sound)
    return legible[:limit].strip() if _BLANKS.sub("", legible[:limit]) else None


def line(value: object, limit: int = MAX_NAME) -> str | None:
    """A legible text on a single line."""
    found = text(value, limit)
    return None if found is None else " ".join(found.split())


def at(value: object, *path: str) -> Any:
    """What lies at this path of members; None when nothing does."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def objects(value: object) -> Iterator[dict[str, Any]]:
    """The objects of a list; anything else is passed over."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        yield from (item for item in value if isinstance(item, dict))


def moment(value: object) -> datetime | None:
    """A time in Unix seconds, as a number or its digits."""
    digits = text(value, 20)
    if digits is None or not (digits.isascii() and digits.isdigit()) or len(digits) > len("253402300799"):
        return None
    found = datetime.fromtimestamp(int(digits), UTC)
    return found if EARLIEST <= found <= LATEST else None


def details(**known: object) -> dict[str, Any]:
    """Metadata of what is known."""
    return {name: value for name, value in known.items() if value not in (None, False, "", [], {})}
