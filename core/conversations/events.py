"""A client's message, opened: what a turn answers, what a page shows, whom a reply goes to."""

from typing import NamedTuple
from uuid import UUID

from core.contacts import Message
from core.contacts.linking import body_context
from core.vault import Vault

UNREADABLE = "(mensagem ilegível: a chave com que foi guardada não está configurada)"


class Heard(NamedTuple):
    """A message as its sender wrote it, and the event it came as."""

    event: UUID
    message: Message

    @property
    def is_ours(self) -> bool:
        """Whether one of us wrote it to the client, on the channel's own telephone."""
        return self.message.metadata.get("direction") == "out"


def hear(vault: Vault, event: UUID, body_sealed: bytes) -> Heard:
    """The message of an event. Raises Unreadable."""
    return Heard(event, Message.model_validate_json(vault.open(body_sealed, context=body_context(event))))
