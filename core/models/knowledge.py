"""What the organisation knows: documents, their versions, the searchable chunks and the index beside them.

A chunk is a span of its version's canonical text: `body == canonical_text[start_offset:end_offset]`, in code
points; the copy spares a search the unpacking of whole documents. Only chunks of current versions exist; an
old version keeps its text, so that a citation in an old answer still resolves.
"""

from datetime import datetime
from typing import Any

from pgvector.sqlalchemy import HALFVEC, SPARSEVEC
from sqlalchemy import (
    CheckConstraint,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, BigId, CreatedAt, PublicId, SmallInt

TERM_SPACE = 1_000_000_000
"""Terms are hashed into this many sparse dimensions; collisions are negligible at any real vocabulary."""


class Namespace(Base):
    """A body of knowledge searched as one, with the statistics BM25 needs and its fusion weights."""

    __tablename__ = "namespaces"

    id: Mapped[BigId]
    name: Mapped[str] = mapped_column(unique=True)
    chunk_count: Mapped[int] = mapped_column(server_default="0")
    term_total: Mapped[int] = mapped_column(server_default="0")
    embedding_model_id: Mapped[int | None] = mapped_column(ForeignKey("ai.embedding_models.id"))
    dense_weight: Mapped[float | None] = mapped_column(Float)
    calibrated_chunks: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        CheckConstraint("chunk_count >= 0 AND term_total >= 0", name="counts"),
        {"schema": "ai"},
    )


class EmbeddingModel(Base):
    """Who made a vector. Vectors of different models are never compared."""

    __tablename__ = "embedding_models"

    id: Mapped[SmallInt] = mapped_column(SmallInteger, Identity(always=True), primary_key=True)
    provider: Mapped[str]
    name: Mapped[str]
    dimensions: Mapped[int]
    created_at: Mapped[CreatedAt]

    __table_args__ = (UniqueConstraint("provider", "name", "dimensions"), {"schema": "ai"})


class Document(Base):
    """One source in one namespace, whatever its version."""

    __tablename__ = "documents"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    namespace_id: Mapped[int] = mapped_column(ForeignKey("ai.namespaces.id"))
    source: Mapped[str]
    title: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, server_default=text("'{}'::jsonb"))
    current_version_id: Mapped[int | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("namespace_id", "source"), {"schema": "ai"})


class DocumentVersion(Base):
    """The canonical text of a document at a time; immutable."""

    __tablename__ = "document_versions"

    id: Mapped[BigId]
    document_id: Mapped[int] = mapped_column(ForeignKey("ai.documents.id", ondelete="CASCADE"))
    number: Mapped[int]
    source_sha256: Mapped[bytes] = mapped_column(BYTEA)
    text_sha256: Mapped[bytes] = mapped_column(BYTEA)
    canonical_text: Mapped[str]
    outline: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    media_type: Mapped[str]
    created_at: Mapped[CreatedAt]

    __table_args__ = (UniqueConstraint("document_id", "number"), {"schema": "ai"})


class Chunk(Base):
    """A searchable span of a current version. The header (`Título › Seção`) is indexed, never cited."""

    __tablename__ = "chunks"

    id: Mapped[BigId]
    namespace_id: Mapped[int] = mapped_column(ForeignKey("ai.namespaces.id"))
    document_id: Mapped[int] = mapped_column(ForeignKey("ai.documents.id", ondelete="CASCADE"))
    version_id: Mapped[int] = mapped_column(ForeignKey("ai.document_versions.id", ondelete="CASCADE"))
    ordinal: Mapped[int]
    start_offset: Mapped[int]
    end_offset: Mapped[int]
    header: Mapped[str]
    body: Mapped[str]
    content_sha256: Mapped[bytes] = mapped_column(BYTEA)
    lexemes: Mapped[str] = mapped_column(TSVECTOR)
    bm25: Mapped[Any] = mapped_column(SPARSEVEC(TERM_SPACE))
    length: Mapped[int]

    __table_args__ = (
        CheckConstraint("0 <= start_offset AND start_offset < end_offset", name="span"),
        UniqueConstraint("document_id", "ordinal", deferrable=True, initially="DEFERRED"),
        Index("ix_chunks_lexemes", "lexemes", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
        Index("ix_chunks_version_id", "version_id"),
        {"schema": "ai", "postgresql_with": {"toast_tuple_target": 8160}},
    )


class ChunkEmbedding(Base):
    """A narrow row per vector, apart from text, in namespace order: an exact scan reads nothing else."""

    __tablename__ = "embeddings"

    namespace_id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[SmallInt] = mapped_column(
        SmallInteger, ForeignKey("ai.embedding_models.id"), primary_key=True
    )
    chunk_id: Mapped[int] = mapped_column(ForeignKey("ai.chunks.id", ondelete="CASCADE"), primary_key=True)
    embedding: Mapped[Any] = mapped_column(HALFVEC())

    __table_args__ = (Index("ix_embeddings_chunk_id", "chunk_id"), {"schema": "ai"})


class Term(Base):
    """How many chunks of a namespace hold a term; kept in the transaction that changes the chunks.

    `typo_keys` (see `core.retrieval.spelling`) lead from a misspelt word to this one.
    """

    __tablename__ = "terms"

    namespace_id: Mapped[int] = mapped_column(ForeignKey("ai.namespaces.id"), primary_key=True)
    term: Mapped[str] = mapped_column(primary_key=True)
    document_frequency: Mapped[int]
    typo_keys: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=text("'{}'"))

    __table_args__ = (
        CheckConstraint("document_frequency >= 0", name="document_frequency"),
        Index(
            "ix_terms_typo_keys", "typo_keys", postgresql_using="gin", postgresql_with={"fastupdate": "off"}
        ),
        {"schema": "ai", "postgresql_with": {"fillfactor": 70}},
    )
