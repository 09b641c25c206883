"""What a message of the WhatsApp Cloud API says, in words: its text, its caption, or what it is. Pure.

Shapes: Meta, "Webhooks notification payload reference" and "Payload examples".
"""

from collections.abc import Callable, Mapping
from typing import Any

from ingestion_service.webhooks.placeholders import Content, placeholder
from ingestion_service.webhooks.reading import at, details, line, objects, text

MEDIA = ("image", "video", "audio", "voice", "document", "sticker")
MAX_KIND = 40


def content_of(message: Mapping[str, Any]) -> Content:
    """What is said, and its `type`; of a kind we do not know, that it came."""
    kind = line(message.get("type"), MAX_KIND) or "unknown"
    found = _READERS.get(kind, _other)(message, kind)
    about = details(
        type=kind,
        reply_to=line(at(message, "context", "id")),
        forwarded=at(message, "context", "forwarded") is True,
        group_id=line(message.get("group_id")),
        errors=[line(error.get("code")) for error in objects(message.get("errors"))][:10],
    )
    is_auto = "group_id" in about or found.details.get("auto")
    return Content(found.text, {**about, **found.details, **({"auto": True} if is_auto else {})})


def _text(message: Mapping[str, Any], kind: str) -> Content:
    return _said(text(at(message, "text", "body")), kind)


def _media(message: Mapping[str, Any], kind: str) -> Content:
    part = message.get(kind)
    about = details(
        id=line(at(part, "id")),
        mime=line(at(part, "mime_type")),
        sha256=line(at(part, "sha256")),
        filename=line(at(part, "filename")),
    )
    said = text(at(part, "caption")) or placeholder(
        "audio" if kind == "voice" else kind, about.get("filename")
    )
    return Content(said, details(media=about))


def _location(message: Mapping[str, Any], kind: str) -> Content:
    place = message.get("location")
    names = [line(at(place, "name")), line(at(place, "address"))]
    spot = {name: at(place, name) for name in ("latitude", "longitude")}
    known = {name: value for name, value in spot.items() if isinstance(value, int | float)}
    return Content(placeholder(kind, ", ".join(filter(None, names)) or None), details(location=known))


def _contacts(message: Mapping[str, Any], kind: str) -> Content:
    names = [line(at(person, "name", "formatted_name")) for person in objects(message.get("contacts"))]
    return Content(placeholder(kind, ", ".join(filter(None, names)) or None), {})


def _interactive(message: Mapping[str, Any], kind: str) -> Content:
    part = message.get("interactive")
    for name in ("button_reply", "list_reply"):
        if isinstance(choice := at(part, name), Mapping):
            return Content(
                _said(text(choice.get("title")), kind).text, details(choice=line(choice.get("id")))
            )
    return _said(text(at(part, "nfm_reply", "body")), kind)


def _button(message: Mapping[str, Any], kind: str) -> Content:
    part = message.get("button")
    return Content(_said(text(at(part, "text")), kind).text, details(choice=line(at(part, "payload"))))


def _reaction(message: Mapping[str, Any], kind: str) -> Content:
    part = message.get("reaction")
    to = line(at(part, "message_id"))
    return Content(placeholder(kind, line(at(part, "emoji"))), details(reply_to=to, auto=True))


def _order(message: Mapping[str, Any], kind: str) -> Content:
    items = len(list(objects(at(message, "order", "product_items"))))
    said = text(at(message, "order", "text"))
    return Content(said or placeholder(kind, f"{items} item(ns)"), {})


def _system(message: Mapping[str, Any], kind: str) -> Content:
    return Content(text(at(message, "system", "body")) or placeholder(kind), {"auto": True})


def _other(_message: Mapping[str, Any], kind: str) -> Content:
    return Content(placeholder(kind), {})


def _said(said: str | None, kind: str) -> Content:
    return Content(said or placeholder(kind), {})


_READERS: Mapping[str, Callable[[Mapping[str, Any], str], Content]] = {
    **dict.fromkeys(MEDIA, _media),
    "text": _text,
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "button": _button,
    "reaction": _reaction,
    "order": _order,
    "system": _system,
}
