"""A raw mail as what it says and where it belongs, whatever is wrong with it. Pure.

Read with `compat32`, the tolerant half of the standard library: its modern policy raises on some headers.
"""

import email
import email.header
import email.message
import email.policy
import email.utils
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.types import EARLIEST, LATEST
from ingestion_service.webhooks.html_text import text_of_html
from ingestion_service.webhooks.quoting import split_quoted
from ingestion_service.webhooks.reading import MAX_ID, details, line, text

MAX_HEADER = 20_000
MAX_LINES, READ_OF_LONG = 500_000, 2_000_000  # 25 MB of attachments have 350,000 lines
MAX_PARTS = 100  # the parser tries every open boundary on every line
MAX_MENTIONED = 50
MAX_ATTACHMENTS = 50
MAX_TEXT = 100_000
UNREADABLE = "[e-mail que não pode ser mostrado]"
EMPTY = "[e-mail sem texto]"
_MESSAGE_ID = re.compile(r"<([^<>\s@]{1,400}@[^<>\s@]{1,400})>")
_RECIPIENTS = ("to", "cc", "delivered-to", "x-original-to")
_ROBOTS = re.compile(r"(?:mailer-daemon|postmaster|no-?reply|nao-?responda)(?:[+\-.].*)?@", re.IGNORECASE)
_BULK = {"bulk", "junk", "list", "auto_reply"}
_DMARC = re.compile(r"\bdmarc\s*=\s*(\w{1,20})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mail:
    """What could be read of a mail."""

    sender: str | None = None
    sender_name: str | None = None
    message_id: str | None = None
    mentioned: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    subject: str = ""
    content: str = UNREADABLE
    is_auto: bool = True
    sent_at: datetime | None = None
    about: dict[str, Any] = field(default_factory=lambda: {"type": "email"})


class TooComplex(ValueError):
    """The mail has more parts than anybody writes."""


def parsed(raw: bytes) -> Mail:
    """The mail. May raise anything on a hostile one: the caller keeps it as unreadable."""
    if raw.lower().count(b"boundary") > MAX_PARTS:
        raise TooComplex
    is_long = raw.count(b"\n") > MAX_LINES
    message = email.message_from_bytes(raw[:READ_OF_LONG] if is_long else raw, policy=email.policy.compat32)
    name, sender = next(iter(_addresses(message, "from", "sender", "return-path")), ("", ""))
    said, quoted = split_quoted(_words(message))
    own = "".join(_ids(message, "message-id")[:1])
    return Mail(
        sender=line(sender, MAX_ID),
        sender_name=line(name),
        message_id=own or None,
        mentioned=[found for found in _mentioned(message) if found != own],
        recipients=[address for _, address in _addresses(message, *_RECIPIENTS)],
        subject=line(_header(message, "subject"), 1_000) or "",
        content=text(said, MAX_TEXT) or EMPTY,
        is_auto=_is_auto(message, sender) or _dmarc(message) == "fail",
        sent_at=_date(message),
        about=details(
            type="email",
            subject=line(_header(message, "subject"), 1_000),
            quoted=text(quoted, 20_000),
            attachments=_attachments(message),
            dmarc=_dmarc(message),
            cut=is_long,
        ),
    )


def _header(message: email.message.Message, name: str) -> str:
    """A header's text, decoded (RFC 2047) as far as it can be."""
    value = str(message.get(name) or "")[:MAX_HEADER]
    try:
        return str(email.header.make_header(email.header.decode_header(value)))
    except (ValueError, LookupError, email.errors.MessageError):
        return value


def _addresses(message: email.message.Message, *names: str) -> list[tuple[str, str]]:
    """Name and address of everybody in these headers; the structure is read before words are decoded."""
    values = [str(value)[:MAX_HEADER] for name in names for value in message.get_all(name, [])[:5]]
    found = []
    for name, address in email.utils.getaddresses(values):
        if "@" in address:
            found.append((_decoded(name), address))
    return found


def _decoded(value: str) -> str:
    bare = email.message.Message()
    bare["x"] = value.replace("\r", " ").replace("\n", " ")
    return _header(bare, "x")


def _ids(message: email.message.Message, name: str) -> list[str]:
    values = " ".join(str(value)[:MAX_HEADER] for value in message.get_all(name, [])[:5])
    return _MESSAGE_ID.findall(values)


def _mentioned(message: email.message.Message) -> list[str]:
    """What it answers, then what that answered, back to the first."""
    ids = [*_ids(message, "in-reply-to"), *reversed(_ids(message, "references"))]
    return list(dict.fromkeys(ids))[:MAX_MENTIONED]


def _is_auto(message: email.message.Message, sender: str) -> bool:
    """Whether a machine wrote this, so that no machine may answer (RFC 3834)."""
    submitted = _header(message, "auto-submitted").partition(";")[0].strip().lower()
    return (
        submitted not in {"", "no"}
        or _header(message, "precedence").strip().lower() in _BULK
        or any(name in message for name in ("list-id", "list-unsubscribe", "x-autoreply", "x-autorespond"))
        or _header(message, "return-path").strip() == "<>"
        or message.get_content_type() == "multipart/report"
        or not sender
        or _ROBOTS.match(sender) is not None
    )


def _date(message: email.message.Message) -> datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(_header(message, "date"))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return aware if EARLIEST <= aware <= LATEST else None


def _dmarc(message: email.message.Message) -> str | None:
    """What the nearest server says; those below it may be the sender's own words."""
    found = _DMARC.search(str(message.get("authentication-results") or "")[:MAX_HEADER])
    return found[1].lower() if found else None


def _words(message: email.message.Message) -> str:
    """The plain text, else the text of the HTML."""
    bodies = [part for part in _leaves(message) if not part.get_filename()]
    plain = [_content(part) for part in bodies if part.get_content_type() == "text/plain"]
    if any(said.strip() for said in plain):
        return "\n".join(plain)
    return "\n".join(
        text_of_html(_content(part)) for part in bodies if part.get_content_type() == "text/html"
    )


def _content(part: email.message.Message) -> str:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    try:
        return content[: MAX_TEXT * 4].decode(part.get_content_charset() or "utf-8", errors="replace")
    except (LookupError, ValueError):
        return content[: MAX_TEXT * 4].decode("latin-1")


def _attachments(message: email.message.Message) -> list[dict[str, Any]]:
    files = [part for part in _leaves(message) if part.get_filename()]
    return [
        details(filename=line(_decoded(str(part.get_filename()))), mime=line(part.get_content_type()))
        for part in files[:MAX_ATTACHMENTS]
    ]


def _leaves(message: email.message.Message) -> Iterator[email.message.Message]:
    return (part for part in message.walk() if not part.is_multipart())
