"""Questions people asked and what was answered, with the exact spans each answer rests on."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, BigId, CreatedAt, PublicId, SmallInt


class Answer(Base):
    """A question, committed before anything else is done, and its answer once there is one."""

    __tablename__ = "answers"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    principal_id: Mapped[int]
    namespace: Mapped[str]
    question: Mapped[str]
    answer: Mapped[str | None]
    abstained: Mapped[bool | None]
    coverage: Mapped[float | None]
    model: Mapped[str | None]
    error: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_answers_principal_id_id", "principal_id", "id"), {"schema": "ai"})


class AnswerCitation(Base):
    """Citation `number` of an answer: `canonical_text[start_offset:end_offset]` of a document version."""

    __tablename__ = "answer_citations"

    answer_id: Mapped[int] = mapped_column(ForeignKey("ai.answers.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[SmallInt] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(
        ForeignKey("ai.document_versions.id", ondelete="CASCADE"), index=True
    )
    start_offset: Mapped[int]
    end_offset: Mapped[int]

    __table_args__ = (
        CheckConstraint("0 <= start_offset AND start_offset < end_offset", name="span"),
        {"schema": "ai"},
    )
