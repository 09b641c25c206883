"""The one source of truth for the tables. Alembic compares the database with `Base.metadata`."""

from core.models.access import ApiKey
from core.models.answers import Answer, AnswerCitation
from core.models.base import Base
from core.models.ingestion import (
    Blob,
    IngestionAttempt,
    IngestionJob,
    IngestionLease,
    IngestionOutcome,
    IngestionPayload,
    IngestionResult,
    IngestionStatus,
    JobKind,
)
from core.models.knowledge import (
    TERM_SPACE,
    Chunk,
    ChunkEmbedding,
    Document,
    DocumentVersion,
    EmbeddingModel,
    Namespace,
    Term,
)

SCHEMAS = ("ai", "ops")
ENUMS = {("ai", "ingestion_status"): IngestionStatus}

__all__ = [
    "ENUMS",
    "SCHEMAS",
    "TERM_SPACE",
    "Answer",
    "AnswerCitation",
    "ApiKey",
    "Base",
    "Blob",
    "Chunk",
    "ChunkEmbedding",
    "Document",
    "DocumentVersion",
    "EmbeddingModel",
    "IngestionAttempt",
    "IngestionJob",
    "IngestionLease",
    "IngestionOutcome",
    "IngestionPayload",
    "IngestionResult",
    "IngestionStatus",
    "JobKind",
    "Namespace",
    "Term",
]
