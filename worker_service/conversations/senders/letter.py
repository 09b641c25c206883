"""What a sender is given, and what it promises."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core.channels import Channel
from core.contacts import Message


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way to whoever wrote `answered`. `id` is the same at each attempt.

    `thread` is that of a mail; `by_person` tells people's words from those of the product, which mark
    themselves as automatic.
    """

    id: UUID
    conversation: UUID
    channel: Channel
    text: str
    answered: Message
    external_id: str | None
    thread: int | None
    by_person: bool
    last_inbound_at: datetime

    @property
    def recipient(self) -> str:
        """Whom it goes to, as the channel calls them."""
        return self.answered.sender_id


class Sender(Protocol):
    """Hands a letter to a channel."""

    async def send(self, letter: Letter) -> str | None:
        """The channel's id of the message, if it gives one.

        Raises JobError: retryable when the same may succeed later, else with why it never will.
        """
        ...
