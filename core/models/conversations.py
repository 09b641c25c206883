"""What is said with a client through one channel: the thread, the assistant's turns in it, what goes out.

A conversation is a leased row: whoever holds its newest `lease_token` may answer in it. Words lie sealed.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, BigId, CreatedAt, PublicId, SmallInt, crm_enum
from core.models.crm import MessageSource


class ConversationMode(StrEnum):
    """Who answers: while a person does, the assistant keeps silent."""

    ASSISTANT = "assistant"
    HUMAN = "human"


class Author(StrEnum):
    """Who wrote a message. What the system writes is about the service itself: notices, confirmations."""

    CLIENT = "client"
    ASSISTANT = "assistant"
    PERSON = "person"
    SYSTEM = "system"


class TurnState(StrEnum):
    """Whether the assistant has dealt with a message. FAILED waits for a person."""

    PENDING = "PENDING"
    DONE = "DONE"
    FAILED = "FAILED"


class OutboundState(StrEnum):
    """How far a message to a client got with us; what the channel reports then is a MessageStatus."""

    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    FAILED = "FAILED"


class Conversation(Base):
    """The thread of one client on one channel account. `due_at` says that a turn waits, and since when."""

    __tablename__ = "conversations"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    client_id: Mapped[int] = mapped_column(ForeignKey("crm.clients.id"))
    account: Mapped[str]
    source: Mapped[MessageSource] = mapped_column(crm_enum(MessageSource, "message_source"))
    mode: Mapped[ConversationMode] = mapped_column(
        crm_enum(ConversationMode, "conversation_mode"), server_default="assistant"
    )
    assigned_id: Mapped[int | None]
    last_seq: Mapped[int] = mapped_column(server_default="0")
    last_inbound_at: Mapped[CreatedAt]
    last_event_at: Mapped[CreatedAt]
    version: Mapped[int] = mapped_column(server_default="1")
    due_at: Mapped[datetime | None]
    lease_token: Mapped[int] = mapped_column(server_default="0")
    lease_expires_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        UniqueConstraint("client_id", "account", "source"),
        Index("ix_conversations_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_conversations_last_event_at_id", "last_event_at", "id"),
        Index("ix_conversations_assigned_id_last_event_at", "assigned_id", "last_event_at"),
        {"schema": "crm"},
    )


class ConversationMessage(Base):
    """A message of the thread: the client's is its event, all others are sealed here. `seq` is its place."""

    __tablename__ = "conversation_messages"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    conversation_id: Mapped[int] = mapped_column(ForeignKey("crm.conversations.id"))
    seq: Mapped[int]
    author: Mapped[Author] = mapped_column(crm_enum(Author, "message_author"))
    author_id: Mapped[int | None]
    event_id: Mapped[int | None] = mapped_column(ForeignKey("crm.ingest_events.id"), unique=True)
    body_sealed: Mapped[bytes | None] = mapped_column(BYTEA)
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        UniqueConstraint("conversation_id", "seq"),
        CheckConstraint("(event_id IS NULL) <> (body_sealed IS NULL)", name="one_body"),
        CheckConstraint("(event_id IS NOT NULL) = (author = 'client')", name="clients_words_are_events"),
        {"schema": "crm"},
    )


class Turn(Base):
    """The assistant's duty towards one message: done exactly once, in the order of the events.

    It has no conversation until a worker puts it there: whoever hands messages in takes no lock.
    """

    __tablename__ = "turns"

    id: Mapped[BigId]
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("crm.conversations.id"))
    event_id: Mapped[int] = mapped_column(ForeignKey("crm.ingest_events.id"), unique=True)
    state: Mapped[TurnState] = mapped_column(crm_enum(TurnState, "turn_state"), server_default="PENDING")
    attempts: Mapped[SmallInt] = mapped_column(server_default="0")
    outcome: Mapped[str | None]
    intent: Mapped[str | None]
    error_code: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(state = 'PENDING') = (finished_at IS NULL)", name="finished"),
        Index("ix_turns_unadopted", "event_id", postgresql_where=text("conversation_id IS NULL")),
        Index(
            "ix_turns_pending",
            "conversation_id",
            "event_id",
            postgresql_where=text("state = 'PENDING'"),
        ),
        Index("ix_turns_conversation_id_id", "conversation_id", "id"),
        {"schema": "crm"},
    )


class OutboundMessage(Base):
    """A message on its way to a client: to whoever sent the event it replies to.

    `next_at` is the next attempt, or while SENDING the end of the sender's lease.
    """

    __tablename__ = "outbound_messages"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    conversation_id: Mapped[int] = mapped_column(ForeignKey("crm.conversations.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("crm.conversation_messages.id"), unique=True)
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    account: Mapped[str]
    reply_to_id: Mapped[int] = mapped_column(ForeignKey("crm.ingest_events.id"))
    needs_consent: Mapped[bool]
    state: Mapped[OutboundState] = mapped_column(
        crm_enum(OutboundState, "outbound_state"), server_default="PENDING"
    )
    attempts: Mapped[SmallInt] = mapped_column(server_default="0")
    next_at: Mapped[CreatedAt]
    lease_token: Mapped[int] = mapped_column(server_default="0")
    provider_message_id: Mapped[str | None]
    error_code: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    sent_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(state = 'FAILED') <= (error_code IS NOT NULL)", name="failed_has_code"),
        Index(
            "ix_outbound_messages_open", "next_at", postgresql_where=text("state IN ('PENDING', 'SENDING')")
        ),
        Index(
            "ix_outbound_messages_line",
            "conversation_id",
            "id",
            postgresql_where=text("state IN ('PENDING', 'SENDING')"),
        ),
        Index("ix_outbound_messages_provider_message_id", "account", "provider_message_id"),
        {"schema": "crm"},
    )
