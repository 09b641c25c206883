"""Say something to a client: a message of the thread and its way out, in the transaction of the work."""

from typing import NamedTuple
from uuid import UUID

from core.conversations import queries
from core.db import Connection
from core.ids import uuid7
from core.models import Author
from core.vault import Vault

OUTBOUND_CHANNEL = queries.OUTBOUND_CHANNEL


class Thread(NamedTuple):
    """Where to say it: the conversation's key, our account, the key of the event that is replied to."""

    conversation: int
    account: str
    reply_to: int


class Reply(NamedTuple):
    """What to say. `key` makes it unique: the same key again says nothing.

    With `needs_consent` it is not sent once the client's consent is revoked, however late it goes out.
    """

    text: str
    key: str
    author: Author = Author.ASSISTANT
    author_id: int | None = None
    needs_consent: bool = False


async def say(connection: Connection, vault: Vault, thread: Thread, reply: Reply) -> UUID | None:
    """Put the reply at the end of the thread and into the line of what goes out; None when it is there.

    The caller holds the conversation's row: that is what keeps `seq` without gaps and doubles.
    """
    message = uuid7()
    row = queries.NewReply(
        thread.conversation,
        message,
        reply.author.value,
        reply.author_id,
        vault.seal(reply.text.encode(), context=message_context(message)),
        uuid7(),
        reply.key,
        thread.account,
        thread.reply_to,
        reply.needs_consent,
    )
    return message if await queries.insert_reply(connection, row) else None


def read_reply(vault: Vault, message: UUID, body_sealed: bytes) -> str:
    """The text of a message of ours. Raises Unreadable."""
    return vault.open(body_sealed, context=message_context(message)).decode()


def message_context(message: UUID) -> str:
    """Where the sealed text of a message belongs."""
    return f"conversation-message/{message}"
