"""Persons and what they are known by. One person is one row of `clients`, whatever door they came through.

Text a person wrote and identities that tell who they are lie sealed (`core.vault`);
`core.models.personal_data` names every column that holds personal data.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, BYTEA, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from core.matching import IdentityKind
from core.models.base import Base, BigId, CreatedAt, PublicId, SmallInt, crm_enum


class ClientStatus(StrEnum):
    """A merged client is kept, empty: `merged_into_id` has what was theirs."""

    ACTIVE = "ACTIVE"
    MERGED = "MERGED"


class EventStatus(StrEnum):
    """Where a message stands: stored, tied to its sender, or waiting after a failure."""

    RECEIVED = "RECEIVED"
    LINKED = "LINKED"
    ERROR = "ERROR"


class ConflictStatus(StrEnum):
    """Whether a person still has to look at it."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"
    DISMISSED = "DISMISSED"


class MessageSource(StrEnum):
    """Through which kind of channel a message came."""

    WHATSAPP = "whatsapp"
    EMAIL = "email"
    WEB = "web"
    PHONE = "phone"
    OTHER = "other"


class Client(Base):
    """A person or an organisation. `public_id` is the contact id everybody else knows them by.

    `name_terms` is what a search by name finds: the name without accents, every beginning of each word, whole
    and with one letter missing.
    """

    __tablename__ = "clients"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    name: Mapped[str | None]
    name_terms: Mapped[list[str]] = mapped_column(
        ARRAY(TEXT), Computed("crm.name_terms(name)", persisted=True)
    )
    notes_sealed: Mapped[bytes | None] = mapped_column(BYTEA)
    version: Mapped[int] = mapped_column(server_default="1")
    status: Mapped[ClientStatus] = mapped_column(
        crm_enum(ClientStatus, "client_status"), server_default="ACTIVE"
    )
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("crm.clients.id"), index=True)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]

    __table_args__ = (
        Index("ix_clients_name_terms", "name_terms", postgresql_using="gin"),
        CheckConstraint("(status = 'MERGED') = (merged_into_id IS NOT NULL)", name="merged_into"),
        {"schema": "crm"},
    )


class IngestEvent(Base):
    """A message as it came in, stored before anything is done about it. `body_sealed` is the whole of it.

    `principal_id` is None when it came through a channel of ours, `payload_id` what the channel delivered.
    """

    __tablename__ = "ingest_events"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    principal_id: Mapped[int | None]
    account: Mapped[str]
    source: Mapped[MessageSource] = mapped_column(crm_enum(MessageSource, "message_source"))
    external_id: Mapped[str | None]
    body_digest: Mapped[bytes] = mapped_column(BYTEA)
    body_sealed: Mapped[bytes] = mapped_column(BYTEA)
    status: Mapped[EventStatus] = mapped_column(
        crm_enum(EventStatus, "event_status"), server_default="RECEIVED"
    )
    error_code: Mapped[str | None]
    attempts: Mapped[SmallInt] = mapped_column(server_default="0")
    next_at: Mapped[datetime | None]
    payload_mismatches: Mapped[int] = mapped_column(server_default="0")
    client_id: Mapped[int | None] = mapped_column(ForeignKey("crm.clients.id"))
    received_at: Mapped[CreatedAt]
    linked_at: Mapped[datetime | None]
    payload_id: Mapped[int | None] = mapped_column(ForeignKey("crm.channel_payloads.id"), index=True)
    thread_id: Mapped[int | None] = mapped_column(ForeignKey("crm.email_threads.id"))

    __table_args__ = (
        CheckConstraint("(status = 'LINKED') = (client_id IS NOT NULL)", name="linked_has_client"),
        CheckConstraint("(status = 'ERROR') = (error_code IS NOT NULL)", name="error_has_code"),
        Index(
            "uq_ingest_events_external_id",
            "account",
            "source",
            "external_id",
            unique=True,
            postgresql_where=text("external_id IS NOT NULL"),
        ),
        Index("ix_ingest_events_client_id_id", "client_id", "id"),
        Index("ix_ingest_events_principal_id_id", "principal_id", "id"),
        Index("ix_ingest_events_open", "received_at", postgresql_where=text("status <> 'LINKED'")),
        Index("ix_ingest_events_thread_id", "thread_id", postgresql_where=text("thread_id IS NOT NULL")),
        {"schema": "crm"},
    )


class Identity(Base):
    """One thing a client is known by. `match_key` finds it; the raw spelling is kept for replying."""

    __tablename__ = "identities"

    id: Mapped[BigId]
    public_id: Mapped[PublicId] = mapped_column(server_default=text("gen_random_uuid()"))
    client_id: Mapped[int] = mapped_column(ForeignKey("crm.clients.id"), index=True)
    kind: Mapped[IdentityKind] = mapped_column(crm_enum(IdentityKind, "identity_kind"))
    match_key: Mapped[str]
    raw: Mapped[str | None]
    raw_sealed: Mapped[bytes | None] = mapped_column(BYTEA)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("crm.ingest_events.id"), index=True)
    valid_from: Mapped[CreatedAt]
    last_seen_at: Mapped[CreatedAt]
    valid_to: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(raw IS NULL) <> (raw_sealed IS NULL)", name="one_raw"),
        CheckConstraint(
            "(raw IS NULL) = (kind IN ('cpf', 'cnpj', 'external'))", name="sensitive_raw_is_sealed"
        ),
        Index(
            "uq_identities_match_key",
            "kind",
            "match_key",
            unique=True,
            postgresql_where=text("valid_to IS NULL"),
        ),
        Index(
            "uq_identities_cpf",
            "client_id",
            unique=True,
            postgresql_where=text("kind = 'cpf' AND valid_to IS NULL"),
        ),
        {"schema": "crm"},
    )


class IdentityConflict(Base):
    """Clients that one message says are the same person, for a human to decide. One open row per set."""

    __tablename__ = "identity_conflicts"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    status: Mapped[ConflictStatus] = mapped_column(
        crm_enum(ConflictStatus, "conflict_status"), server_default="OPEN"
    )
    client_ids: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    chosen_id: Mapped[int] = mapped_column(ForeignKey("crm.clients.id"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("crm.ingest_events.id"))
    occurrences: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[CreatedAt]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[int | None]

    __table_args__ = (
        Index(
            "uq_identity_conflicts_client_ids",
            "client_ids",
            unique=True,
            postgresql_where=text("status = 'OPEN'"),
        ),
        {"schema": "crm"},
    )


class ClientMerge(Base):
    """Two clients found to be one person: who stays, what was moved, and whether it was taken back."""

    __tablename__ = "client_merges"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    winner_id: Mapped[int] = mapped_column(ForeignKey("crm.clients.id"), index=True)
    loser_id: Mapped[int] = mapped_column(ForeignKey("crm.clients.id"), index=True)
    moved: Mapped[dict[str, Any]] = mapped_column(JSONB)
    principal_id: Mapped[int]
    created_at: Mapped[CreatedAt]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[int | None]

    __table_args__ = (CheckConstraint("winner_id <> loser_id", name="two_clients"), {"schema": "crm"})
