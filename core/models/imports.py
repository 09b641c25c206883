"""Files of rows about people: what came in, what each row did, and what that was before.

A batch is taken back by its changes, newest first. The rows themselves lie sealed.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Numeric, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, BigId, CreatedAt, PublicId, SmallInt, crm_enum


class ImportLayout(StrEnum):
    """How a file is laid out."""

    INETCONSIG = "inetconsig"
    LEADS = "leads"
    CSV = "csv"


class ImportStatus(StrEnum):
    """Where a batch stands. Those that end in -ING are a worker's turn."""

    CHECKING = "CHECKING"
    CHECKED = "CHECKED"
    COMMITTING = "COMMITTING"
    COMMITTED = "COMMITTED"
    REVERTING = "REVERTING"
    REVERTED = "REVERTED"
    REFUSED = "REFUSED"


class ImportOutcome(StrEnum):
    """What a row did, or would do."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


class ImportTarget(StrEnum):
    """What a row changed."""

    CLIENT = "client"
    NAME = "name"
    ENROLLMENT = "enrollment"
    PAYROLL_LINE = "payroll_line"


class ImportBatch(Base):
    """A file. `entity` is as it was given, `file_entity` as the file says; `done` rows are behind us."""

    __tablename__ = "import_batches"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    principal_id: Mapped[int]
    layout: Mapped[ImportLayout] = mapped_column(crm_enum(ImportLayout, "import_layout"))
    entity: Mapped[str | None]
    file_entity: Mapped[str | None]
    sha256: Mapped[bytes] = mapped_column(BYTEA)
    mapping: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    dry_run: Mapped[bool]
    status: Mapped[ImportStatus] = mapped_column(
        crm_enum(ImportStatus, "import_status"), server_default="CHECKING"
    )
    job_id: Mapped[int | None]
    totals: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    rows: Mapped[int] = mapped_column(server_default="0")
    done: Mapped[int] = mapped_column(server_default="0")
    created: Mapped[int] = mapped_column(server_default="0")
    updated: Mapped[int] = mapped_column(server_default="0")
    unchanged: Mapped[int] = mapped_column(server_default="0")
    rejected: Mapped[int] = mapped_column(server_default="0")
    kept: Mapped[int] = mapped_column(server_default="0")
    error_code: Mapped[str | None]
    error_detail: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    committed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(status = 'REFUSED') = (error_code IS NOT NULL)", name="refused_has_code"),
        Index(
            "uq_import_batches_sha256",
            "sha256",
            "layout",
            text("COALESCE(entity, '')"),
            unique=True,
            postgresql_where=text("status NOT IN ('REVERTED', 'REFUSED')"),
        ),
        {"schema": "crm"},
    )


class ImportFile(Base):
    """The bytes of a batch, sealed, for as long as they have work to do."""

    __tablename__ = "import_files"

    batch_id: Mapped[int] = mapped_column(
        ForeignKey("crm.import_batches.id"), primary_key=True, autoincrement=False
    )
    body_sealed: Mapped[bytes] = mapped_column(BYTEA)

    __table_args__ = ({"schema": "crm"},)


class ImportRow(Base):
    """A row of a file. `kept_code` says why taking the batch back left what it did."""

    __tablename__ = "import_rows"

    batch_id: Mapped[int] = mapped_column(
        ForeignKey("crm.import_batches.id"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int]
    outcome: Mapped[ImportOutcome] = mapped_column(crm_enum(ImportOutcome, "import_outcome"))
    code: Mapped[str | None]
    message: Mapped[str | None]
    notes: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'::text[]"))
    digest: Mapped[bytes] = mapped_column(BYTEA)
    raw_sealed: Mapped[bytes] = mapped_column(BYTEA)
    client_id: Mapped[int | None]
    enrollment_id: Mapped[int | None]
    payroll_line_id: Mapped[int | None]
    kept_code: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("(outcome = 'rejected') = (code IS NOT NULL)", name="rejected_has_code"),
        CheckConstraint("(code IS NULL) = (message IS NULL)", name="code_has_message"),
        Index("ix_import_rows_outcome", "batch_id", "outcome", "position"),
        Index("ix_import_rows_client_id", "client_id"),
        {"schema": "crm"},
    )


class ImportChange(Base):
    """One thing a row made (`before` is None) or changed, and the version it left it in."""

    __tablename__ = "import_changes"

    id: Mapped[BigId]
    batch_id: Mapped[int] = mapped_column(ForeignKey("crm.import_batches.id"))
    position: Mapped[int]
    target: Mapped[ImportTarget] = mapped_column(crm_enum(ImportTarget, "import_target"))
    target_id: Mapped[int]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    version: Mapped[int]

    __table_args__ = (Index("ix_import_changes_batch_id_id", "batch_id", "id"), {"schema": "crm"})


class Enrollment(Base):
    """A client's post with an entity. `number` is the matrícula: text, whose zeros matter."""

    __tablename__ = "enrollments"

    id: Mapped[BigId]
    public_id: Mapped[PublicId] = mapped_column(server_default=text("gen_random_uuid()"))
    client_id: Mapped[int] = mapped_column(ForeignKey("crm.clients.id"))
    entity: Mapped[str]
    number: Mapped[str]
    position: Mapped[str | None]
    paying_organ: Mapped[str | None]
    paying_organ_name: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]

    __table_args__ = (
        Index("uq_enrollments_client_id_entity_number", "client_id", "entity", "number", unique=True),
        Index("ix_enrollments_entity_number", "entity", "number"),
        {"schema": "crm"},
    )


class PayrollLine(Base):
    """A line of a payroll. `sequence` tells two loans of one rubric apart: the first of a file is 1."""

    __tablename__ = "payroll_lines"

    id: Mapped[BigId]
    public_id: Mapped[PublicId] = mapped_column(server_default=text("gen_random_uuid()"))
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("crm.enrollments.id"))
    month: Mapped[date] = mapped_column(Date)
    rubric: Mapped[str]
    sequence: Mapped[int]
    posting: Mapped[str | None]
    status: Mapped[str | None]
    paid: Mapped[SmallInt | None]
    total: Mapped[SmallInt | None]
    amount: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]

    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount"),
        Index("uq_payroll_lines_place", "enrollment_id", "month", "rubric", "sequence", unique=True),
        {"schema": "crm"},
    )
