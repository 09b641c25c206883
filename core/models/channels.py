"""Channel accounts, what came in through them, how far our own messages got, and the threads of e-mail."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, BigId, CreatedAt, crm_enum


class ChannelKind(StrEnum):
    """How an account is spoken to."""

    WHATSAPP_CLOUD = "whatsapp_cloud"
    EVOLUTION = "evolution"
    EMAIL = "email"
    CONSOLE = "console"


class MessageStatus(StrEnum):
    """How far a message of ours got. Each outranks those before it: a message that was read did not fail."""

    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    READ = "read"


class ChannelAccount(Base):
    """One number, instance or mailbox of ours. Its secrets lie sealed, together."""

    __tablename__ = "channels"

    id: Mapped[BigId]
    account: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[ChannelKind] = mapped_column(crm_enum(ChannelKind, "channel_kind"))
    name: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default="true")
    assistant_on: Mapped[bool] = mapped_column(server_default="false")
    namespace: Mapped[str] = mapped_column(server_default="default")
    config: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    secrets_sealed: Mapped[bytes] = mapped_column(BYTEA)
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]

    __table_args__ = ({"schema": "crm"},)


class ChannelPayload(Base):
    """What a channel delivered, byte by byte, sealed; the same bytes again are the same row."""

    __tablename__ = "channel_payloads"

    id: Mapped[BigId]
    account: Mapped[str]
    digest: Mapped[bytes] = mapped_column(BYTEA)
    body_sealed: Mapped[bytes] = mapped_column(BYTEA)
    received_at: Mapped[CreatedAt]

    __table_args__ = (UniqueConstraint("account", "digest"), {"schema": "crm"})


class ReportedStatus(Base):
    """The highest status a message of ours is known to have; it may be known before the message itself."""

    __tablename__ = "message_statuses"

    id: Mapped[BigId]
    account: Mapped[str]
    message_id: Mapped[str]
    status: Mapped[MessageStatus] = mapped_column(crm_enum(MessageStatus, "message_status"))
    error_code: Mapped[str | None]
    status_at: Mapped[datetime]
    updated_at: Mapped[CreatedAt]

    __table_args__ = (UniqueConstraint("account", "message_id"), {"schema": "crm"})


class EmailThread(Base):
    """Mails that belong together."""

    __tablename__ = "email_threads"

    id: Mapped[BigId]
    account: Mapped[str]
    created_at: Mapped[CreatedAt]

    __table_args__ = ({"schema": "crm"},)


class EmailParticipant(Base):
    """An address that wrote in a thread, as a digest."""

    __tablename__ = "email_participants"

    thread_id: Mapped[int] = mapped_column(ForeignKey("crm.email_threads.id"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)

    __table_args__ = ({"schema": "crm"},)


class EmailReference(Base):
    """A Message-ID seen or only mentioned, as a digest, and the thread it belongs to."""

    __tablename__ = "email_references"

    id: Mapped[BigId]
    account: Mapped[str]
    digest: Mapped[bytes] = mapped_column(BYTEA)
    thread_id: Mapped[int] = mapped_column(ForeignKey("crm.email_threads.id"), index=True)

    __table_args__ = (UniqueConstraint("account", "digest"), {"schema": "crm"})
