"""What lies in the folder of a case: notes and files. Both may tell of persons, so they are sealed."""

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, BigId, CreatedAt, PublicId


class CaseComment(Base):
    """Something said about a case, among us."""

    __tablename__ = "case_comments"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    case_id: Mapped[int] = mapped_column(ForeignKey("crm.cases.id"))
    body_sealed: Mapped[bytes] = mapped_column(BYTEA)
    author_id: Mapped[int]
    created_at: Mapped[CreatedAt]

    __table_args__ = (Index("ix_case_comments_case_id_id", "case_id", "id"), {"schema": "crm"})


class CaseAttachment(Base):
    """A file of a case. Not in `ai.blobs`, whose bytes lie readable and are forgotten after a week."""

    __tablename__ = "case_attachments"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    case_id: Mapped[int] = mapped_column(ForeignKey("crm.cases.id"))
    name_sealed: Mapped[bytes] = mapped_column(BYTEA)
    media_type: Mapped[str]
    size: Mapped[int]
    content_sealed: Mapped[bytes] = mapped_column(BYTEA)
    author_id: Mapped[int]
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        CheckConstraint("size BETWEEN 1 AND 10000000", name="bounded"),
        Index("ix_case_attachments_case_id_id", "case_id", "id"),
        {"schema": "crm"},
    )
