"""Rows of conversations, opened for the screen. A text whose key is gone still shows that it is there."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from agent_service.conversations.schemas import ConversationOut, DeliveryOut, MessageOut, TurnOut, WhoOut
from core.conversations import hear
from core.conversations.speaking import read_reply
from core.models import Author
from core.vault import Unreadable, Vault

UNREADABLE = "***"
Row = Mapping[str, Any]


def conversation(row: Row) -> ConversationOut:
    """A conversation."""
    return ConversationOut(**row, assignee=_who(row["assignee_id"], row["assignee_name"]))


def message(vault: Vault, row: Row) -> MessageOut:
    """A message of the thread, with its turn or its delivery."""
    author, text = _said(vault, row)
    return MessageOut(
        **{name: row[name] for name in ("id", "seq", "event_id", "created_at")},
        author=author,
        person=_who(row["person_id"], row["person_name"]),
        text=text,
        turn=_turn(row),
        delivery=_delivery(row),
    )


def _turn(row: Row) -> TurnOut | None:
    if row["turn_state"] is None:
        return None
    return TurnOut(
        state=row["turn_state"], outcome=row["outcome"], intent=row["intent"], error_code=row["turn_error"]
    )


def _delivery(row: Row) -> DeliveryOut | None:
    if row["sent_state"] is None:
        return None
    return DeliveryOut(
        state=row["sent_state"],
        reported=row["reported"],
        attempts=row["attempts"],
        error_code=row["error_code"] or row["reported_error"],
        sent_at=row["sent_at"],
    )


def _said(vault: Vault, row: Row) -> tuple[Author, str]:
    """Who said what. An event may also be what one of us wrote on the channel's own telephone."""
    author = Author(row["author"])
    try:
        if row["body_sealed"] is not None:
            return author, read_reply(vault, row["id"], row["body_sealed"])
        heard = hear(vault, row["event_id"], row["event_sealed"])
    except Unreadable:
        return author, UNREADABLE
    return Author.PERSON if heard.is_ours else author, heard.message.content


def _who(public_id: UUID | None, name: str | None) -> WhoOut | None:
    return None if public_id is None else WhoOut(id=public_id, name=name or "")
