"""The ingestion queue: a narrow hot row per job that is claimed and completed, and a cold row of what to do.

Why split: WAL and index work per job decide a queue's throughput. The hot row is ~90 bytes, half of each
page is left free, and no index mentions status, lease or finish time: completing a job is a HOT update.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, LargeBinary, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, BigId, CreatedAt, PublicId, SmallInt


class IngestionStatus(StrEnum):
    """Where a job stands. A cancelled job is FAILED with the code `cancelled`."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class JobKind(StrEnum):
    """What a job brings in; an import is told by its batch."""

    TEXT = "document.text"
    FILE = "document.file"
    URL = "document.url"
    IMPORT = "import.batch"


ingestion_status = Enum(
    IngestionStatus, name="ingestion_status", schema="ai", native_enum=True, create_type=False
)

# Autovacuum by count, not by share: a queue table dies and is born again many times a day.
HOT_TABLE: dict[str, Any] = {
    "fillfactor": 50,
    "autovacuum_vacuum_scale_factor": 0,
    "autovacuum_vacuum_threshold": 5000,
    "autovacuum_vacuum_cost_delay": 0,
    "autovacuum_analyze_scale_factor": 0,
    "autovacuum_analyze_threshold": 50000,
}


class IngestionJob(Base):
    """The hot row. `id` equals the payload's id; no foreign key, whose row locks would make MultiXacts."""

    __tablename__ = "ingestion_queue"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ready_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    run_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    claimed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    lease_id: Mapped[int | None]
    status: Mapped[IngestionStatus] = mapped_column(ingestion_status, server_default="PENDING")
    priority: Mapped[SmallInt] = mapped_column(SmallInteger, server_default="100")
    attempt: Mapped[SmallInt] = mapped_column(SmallInteger, server_default="0")
    max_attempts: Mapped[SmallInt] = mapped_column(SmallInteger, server_default="5")
    progress: Mapped[SmallInt] = mapped_column(SmallInteger, server_default="0")
    ready: Mapped[bool] = mapped_column(server_default=text("true"))
    scheduled: Mapped[bool] = mapped_column(server_default=text("false"))
    cancel_requested: Mapped[bool] = mapped_column(server_default=text("false"))
    stage: Mapped[str | None]
    dedupe_key: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("NOT ready OR status = 'PENDING'", name="ready_is_pending"),
        CheckConstraint("NOT scheduled OR status = 'PENDING'", name="scheduled_is_pending"),
        CheckConstraint("(status = 'PROCESSING') = (lease_id IS NOT NULL)", name="leased_is_processing"),
        Index("ix_ingestion_queue_ready", "priority", "ready_at", "id", postgresql_where=text("ready")),
        Index("ix_ingestion_queue_scheduled", "run_at", "id", postgresql_where=text("scheduled")),
        Index(
            "uq_ingestion_queue_dedupe_key",
            "dedupe_key",
            unique=True,
            postgresql_where=text("dedupe_key IS NOT NULL"),
        ),
        {"schema": "ai", "postgresql_with": HOT_TABLE},
    )


class IngestionPayload(Base):
    """The cold row: what was asked, insert-only."""

    __tablename__ = "ingestion_payload"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    kind: Mapped[str]
    namespace: Mapped[str]
    source: Mapped[str]
    title: Mapped[str | None]
    filename: Mapped[str | None]
    media_type: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'::jsonb"))
    blob_sha256: Mapped[bytes | None] = mapped_column(BYTEA)
    principal_id: Mapped[int] = mapped_column(server_default="0")
    idempotency_key: Mapped[str | None]
    request_sha256: Mapped[bytes | None] = mapped_column(BYTEA)
    traceparent: Mapped[str | None]
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        Index(
            "uq_ingestion_payload_idempotency_key",
            "principal_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
        Index("ix_ingestion_payload_namespace_id", "namespace", "id"),
        {"schema": "ai"},
    )


class IngestionLease(Base):
    """One row per claimed batch: the right to work on its jobs until `expires_at`."""

    __tablename__ = "ingestion_lease"

    id: Mapped[BigId]
    worker: Mapped[str]
    expires_at: Mapped[datetime]
    job_ids: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))

    __table_args__ = ({"schema": "ai", "postgresql_with": {"fillfactor": 50}},)


class IngestionAttempt(Base):
    """Why an attempt failed; append-only."""

    __tablename__ = "ingestion_attempts"

    id: Mapped[BigId]
    job_id: Mapped[int] = mapped_column(index=True)
    attempt: Mapped[SmallInt]
    code: Mapped[str]
    detail: Mapped[str]
    worker: Mapped[str | None]
    created_at: Mapped[CreatedAt]

    __table_args__ = ({"schema": "ai"},)


class IngestionOutcome(StrEnum):
    """What a completed job did to its document."""

    INDEXED = "indexed"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"


class IngestionResult(Base):
    """What a completed job left behind; written in the transaction that completes it."""

    __tablename__ = "ingestion_results"

    job_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document_id: Mapped[int] = mapped_column(ForeignKey("ai.documents.id", ondelete="CASCADE"), index=True)
    version_id: Mapped[int]
    outcome: Mapped[str]
    chunk_count: Mapped[int]
    embedded_count: Mapped[int]
    created_at: Mapped[CreatedAt]

    __table_args__ = ({"schema": "ai"},)


class Blob(Base):
    """Bytes somebody handed in, stored once per content."""

    __tablename__ = "blobs"

    sha256: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[CreatedAt]

    __table_args__ = ({"schema": "ai"},)
