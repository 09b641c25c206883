"""What happened, for whoever wants to react: written with the work itself, told after the commit."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, BigId, CreatedAt, PublicId, SmallInt


class EventType(StrEnum):
    """Everything that is told, `noun.verb`. A new type needs a line here and no migration."""

    MESSAGE_LINKED = "message.linked"
    DOCUMENT_INDEXED = "document.indexed"
    CLIENT_CREATED = "client.created"
    CLIENT_MERGED = "client.merged"
    CONSENT_GRANTED = "consent.granted"
    CONSENT_REVOKED = "consent.revoked"
    CONVERSATION_HANDOVER = "conversation.handover"
    TICKET_OPENED = "ticket.opened"
    TICKET_UPDATED = "ticket.updated"
    TICKET_COMMENTED = "ticket.commented"
    TICKET_ASSIGNED = "ticket.assigned"
    TICKET_RESOLVED = "ticket.resolved"
    TICKET_CLOSED = "ticket.closed"
    TICKET_OVERDUE = "ticket.overdue"
    CASE_OPENED = "case.opened"
    CASE_ASSIGNED = "case.assigned"
    CASE_RELEASED = "case.released"
    CASE_TRANSFERRED = "case.transferred"
    CASE_EXTENDED = "case.extended"
    CASE_TRANSITIONED = "case.transitioned"
    CASE_EXPIRING = "case.expiring"
    CASE_EXPIRED = "case.expired"
    CASE_CLOSED = "case.closed"


class OutboxRow(Base):
    """One event. `due_at` is None once it was told, or given up: then `dispatched_at` is None as well."""

    __tablename__ = "outbox_events"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    type: Mapped[str]
    subject: Mapped[UUID]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]
    due_at: Mapped[datetime | None] = mapped_column(server_default=text("now()"))
    dispatched_at: Mapped[datetime | None]
    attempts: Mapped[SmallInt] = mapped_column(server_default="0")
    error_code: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("due_at IS NULL OR dispatched_at IS NULL", name="told_is_not_due"),
        Index("ix_outbox_events_due", "due_at", "id", postgresql_where=text("due_at IS NOT NULL")),
        {"schema": "ops"},
    )
