"""Rows of tickets, opened for the screen. A text whose key is gone still shows that it is there. Pure."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from agent_service.tickets.schemas import ChangeOut, ClockOut, CommentOut, TicketDetail, TicketOut, WhoOut
from core.tickets.sealing import comment_context, description_context, reason_context, subject_context
from core.vault import Unreadable, Vault

UNREADABLE = "***"
Row = Mapping[str, Any]


def ticket(vault: Vault, row: Row) -> TicketOut:
    """A ticket as lists show it."""
    return TicketOut(**_members(vault, row))


def detail(vault: Vault, row: Row) -> TicketDetail:
    """A ticket, whole."""
    words = _opened(vault, row["description_sealed"], description_context(row["id"]))
    return TicketDetail(**_members(vault, row), description=words)


def comment(vault: Vault, row: Row) -> CommentOut:
    """A comment."""
    return CommentOut(**row, body=_opened(vault, row["body_sealed"], comment_context(row["id"])))


def change(vault: Vault, row: Row) -> ChangeOut:
    """A row of history."""
    sealed = row["reason_sealed"]
    return ChangeOut(
        **row, reason=None if sealed is None else _opened(vault, sealed, reason_context(row["id"]))
    )


def _members(vault: Vault, row: Row) -> dict[str, Any]:
    return {
        **row,
        "subject": _opened(vault, row["subject_sealed"], subject_context(row["id"])),
        "assignee": _who(row["assignee_id"], row["assignee_name"]),
        "first_response": ClockOut(
            due_at=row["first_response_due_at"],
            met_at=row["first_responded_at"],
            missed=row["first_response_missed"],
        ),
        "resolution": ClockOut(
            due_at=row["resolution_due_at"], met_at=row["resolved_at"], missed=row["resolution_missed"]
        ),
    }


def _who(public_id: UUID | None, name: str | None) -> WhoOut | None:
    return None if public_id is None else WhoOut(id=str(public_id), name=name or "")


def _opened(vault: Vault, sealed: bytes, context: str) -> str:
    try:
        return vault.open(sealed, context=context).decode()
    except Unreadable:
        return UNREADABLE
