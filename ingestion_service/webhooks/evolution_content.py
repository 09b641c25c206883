"""What a message of WhatsApp's web protocol says, in words: its text, its caption, or what it is. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from ingestion_service.webhooks.placeholders import Content, placeholder
from ingestion_service.webhooks.reading import at, details, line, text

WRAPPERS = (
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "editedMessage",
)
MEDIA = {
    "imageMessage": "image",
    "videoMessage": "video",
    "audioMessage": "audio",
    "documentMessage": "document",
    "stickerMessage": "sticker",
}
CHOICES = {
    "buttonsResponseMessage": "selectedDisplayText",
    "templateButtonReplyMessage": "selectedDisplayText",
    "listResponseMessage": "title",
}
DEEPEST = 5


def content_of(message: object) -> Content | None:
    """What is said; None of the protocol's own messages (a key was shared, a message was deleted)."""
    for _ in range(DEEPEST):
        inner = next(
            (at(message, name, "message") for name in WRAPPERS if at(message, name, "message")), None
        )
        if inner is None:
            break
        message = inner
    if not isinstance(message, Mapping) or at(message, "protocolMessage") is not None:
        return None
    found = (read(message) for read in _READERS)
    return next(
        (content for content in found if content),
        Content(placeholder("unsupported"), {"type": "unsupported"}),
    )


def _plain(message: Mapping[str, Any]) -> Content | None:
    said = text(message.get("conversation")) or text(at(message, "extendedTextMessage", "text"))
    quoted = line(at(message, "extendedTextMessage", "contextInfo", "stanzaId"))
    return Content(said, details(type="text", reply_to=quoted)) if said else None


def _media(message: Mapping[str, Any]) -> Content | None:
    for name, kind in MEDIA.items():
        if isinstance(part := message.get(name), Mapping):
            file = line(part.get("fileName"))
            about = details(mime=line(part.get("mimetype")), filename=file)
            return Content(
                text(part.get("caption")) or placeholder(kind, file), details(type=kind, media=about)
            )
    return None


def _choice(message: Mapping[str, Any]) -> Content | None:
    for name, member in CHOICES.items():
        if said := text(at(message, name, member)):
            return Content(said, {"type": "interactive"})
    return None


def _reaction(message: Mapping[str, Any]) -> Content | None:
    if "reactionMessage" not in message:
        return None
    emoji, to = (
        line(at(message, "reactionMessage", "text")),
        line(at(message, "reactionMessage", "key", "id")),
    )
    return Content(placeholder("reaction", emoji), details(type="reaction", reply_to=to, auto=True))


def _place_or_person(message: Mapping[str, Any]) -> Content | None:
    if place := message.get("locationMessage"):
        return Content(placeholder("location", line(at(place, "name"))), {"type": "location"})
    if person := message.get("contactMessage"):
        return Content(placeholder("contacts", line(at(person, "displayName"))), {"type": "contacts"})
    return None


_READERS: tuple[Callable[[Mapping[str, Any]], Content | None], ...] = (
    _plain,
    _media,
    _choice,
    _reaction,
    _place_or_person,
)
