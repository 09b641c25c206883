"""What stands for a message that is no text, so that people see what came. In Portuguese: they read it."""

from typing import Any, NamedTuple

_NAMES = {
    "image": "imagem",
    "video": "vídeo",
    "audio": "áudio",
    "document": "documento",
    "sticker": "figurinha",
    "location": "localização",
    "contacts": "contato",
    "reaction": "reação",
    "order": "pedido",
    "system": "aviso do WhatsApp",
}
UNSUPPORTED = "mensagem que não pode ser mostrada"


class Content(NamedTuple):
    """The words of a message, and what else is known of it."""

    text: str
    details: dict[str, Any]


def placeholder(kind: str, about: str | None = None) -> str:
    """`[documento: contrato.pdf]`, or `[documento]` when there is nothing to tell about it."""
    name = _NAMES.get(kind, UNSUPPORTED)
    return f"[{name}: {about}]" if about else f"[{name}]"
