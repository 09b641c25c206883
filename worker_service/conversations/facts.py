"""Where a client stands: read before a turn without any lock, and again, held, in the one that ends it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.channels import Channel, find_channel
from core.consents import SERVICE_DESK, NoticeVersion, Shown, current, current_notice, last_shown
from core.conversations import Heard
from core.db import Connection
from core.models import ConversationMode
from core.vault import Vault
from worker_service.conversations import queries
from worker_service.conversations.decision import Standing, Step
from worker_service.conversations.queries import Due, Past

FRESH = timedelta(minutes=30)
"""How long the whole notice is not repeated."""

OFFERED = timedelta(hours=1)
"""How long a "sim" answers the offer of a ticket."""

MOST_SAID = 20
"""Messages in ten minutes after which the assistant falls silent: it is talking to a machine."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known to a turn besides the message. `standing` is what decides."""

    standing: Standing
    channel: Channel | None
    notice: NoticeVersion | None
    shown: Shown | None
    past: list[Past]


async def look(
    connection: Connection, vault: Vault, conversation: int, due: Due, heard: Heard, *, hold: bool
) -> Facts:
    """The facts now. With `hold` no decision of the client can overtake the caller's transaction."""
    consent = await current(connection, due.client, SERVICE_DESK, lock=hold)
    channel = await find_channel(connection, vault, due.account)
    notice = await current_notice(connection, SERVICE_DESK)
    shown = await last_shown(connection, due.client, SERVICE_DESK)
    before = await last_shown(connection, due.client, SERVICE_DESK, before=due.received_at)
    past = await queries.list_recent(connection, conversation)
    mode = await queries.get_mode(connection, conversation)
    spoke = await queries.count_said(connection, conversation)
    standing = Standing(
        by_us=heard.is_ours,
        may_speak=mode is ConversationMode.ASSISTANT
        and channel is not None
        and channel.is_active
        and channel.assistant_on
        and notice is not None
        and not is_automatic(heard)
        and spoke < MOST_SAID,
        consented=consent is not None and consent.holds,
        was_shown=before is not None and before.is_current,
        is_fresh=shown is not None and shown.is_current and _age(shown.at) < FRESH,
        offered=bool(past) and past[0].outcome == Step.NOT_FOUND and _age(past[0].finished_at) < OFFERED,
    )
    return Facts(standing, channel, notice, before or shown, past)


def is_automatic(heard: Heard) -> bool:
    """Whether a machine wrote it: an answer would only make it write again."""
    return bool(heard.message.metadata.get("auto"))


def _age(moment: datetime) -> timedelta:
    return datetime.now(UTC) - moment
