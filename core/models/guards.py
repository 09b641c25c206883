"""What guards the product: the audit log and its head, reads of personal data, answers kept for a retry."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, BigId, CreatedAt, SmallInt

_now = text("clock_timestamp()")


class AuditEntry(Base):
    """An act. Append-only: a trigger lets it be sealed once, and nothing else."""

    __tablename__ = "audit_log"

    id: Mapped[BigId]
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=_now)
    actor: Mapped[int | None]
    action: Mapped[str]
    subject: Mapped[str]
    data: Mapped[dict[str, Any]]
    request_id: Mapped[str | None]
    position: Mapped[int | None] = mapped_column(unique=True)
    hash: Mapped[bytes | None] = mapped_column(BYTEA)

    __table_args__ = (
        CheckConstraint("(position IS NULL) = (hash IS NULL)", "sealed_whole"),
        Index("ix_audit_log_unsealed", "id", postgresql_where=text("position IS NULL")),
        Index("ix_audit_log_actor_id", "actor", "id"),
        Index("ix_audit_log_action_id", "action", "id"),
        Index("ix_audit_log_subject_id", "subject", "id"),
        {"schema": "ops"},
    )


class AuditHead(Base):
    """The end of the chain: one row, which is also the sealers' lock."""

    __tablename__ = "audit_head"

    id: Mapped[SmallInt] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int]
    hash: Mapped[bytes] = mapped_column(BYTEA)

    __table_args__ = (CheckConstraint("id = 1", "one_row"), {"schema": "ops"})


class PersonalDataRead(Base):
    """Somebody was shown personal data."""

    __tablename__ = "personal_data_reads"

    id: Mapped[BigId]
    principal_id: Mapped[int]
    subject: Mapped[str]
    what: Mapped[str]
    read_at: Mapped[CreatedAt]
    request_id: Mapped[str | None]

    __table_args__ = (Index("ix_personal_data_reads_subject_id", "subject", "id"), {"schema": "ops"})


class IdempotencyKey(Base):
    """The answer to a POST that carried a key, sealed; or the lease of whoever is at work on it.

    `scope` and `request` are HMACs: of principal, route and key, and of the body.
    """

    __tablename__ = "idempotency_keys"

    scope: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    request: Mapped[bytes] = mapped_column(BYTEA)
    answer: Mapped[bytes | None] = mapped_column(BYTEA)
    holder: Mapped[UUID | None]
    leased_until: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        CheckConstraint(
            "(answer IS NULL) = (holder IS NOT NULL) AND (holder IS NULL) = (leased_until IS NULL)",
            "answered_or_leased",
        ),
        Index("ix_idempotency_keys_created_at", "created_at"),
        {"schema": "ops"},
    )
