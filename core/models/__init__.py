"""The one source of truth for the tables. Alembic compares the database with `Base.metadata`."""

from enum import StrEnum

from core.matching import IdentityKind
from core.models.access import ApiKey
from core.models.answers import Answer, AnswerCitation
from core.models.base import Base
from core.models.channels import (
    ChannelAccount,
    ChannelKind,
    ChannelPayload,
    DeliveryStatus,
    EmailParticipant,
    EmailReference,
    EmailThread,
    MessageStatus,
)
from core.models.crm import (
    Client,
    ClientMerge,
    ClientStatus,
    ConflictStatus,
    EventStatus,
    Identity,
    IdentityConflict,
    IngestEvent,
    MessageSource,
)
from core.models.guards import AuditEntry, AuditHead, IdempotencyKey, PersonalDataRead
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
from core.models.outbox import EventType, OutboxRow
from core.models.webhooks import (
    DeliveryStatus,
    WebhookAttempt,
    WebhookDelivery,
    WebhookSecret,
    WebhookStatus,
    WebhookSubscription,
)

SCHEMAS = ("ai", "crm", "ops")
ENUMS: dict[tuple[str, str], type[StrEnum]] = {
    ("ai", "ingestion_status"): IngestionStatus,
    ("crm", "channel_kind"): ChannelKind,
    ("crm", "client_status"): ClientStatus,
    ("crm", "conflict_status"): ConflictStatus,
    ("crm", "event_status"): EventStatus,
    ("crm", "identity_kind"): IdentityKind,
    ("crm", "message_source"): MessageSource,
    ("crm", "message_status"): MessageStatus,
    ("ops", "delivery_status"): DeliveryStatus,
    ("ops", "webhook_status"): WebhookStatus,
}

__all__ = [
    "ENUMS",
    "SCHEMAS",
    "TERM_SPACE",
    "Answer",
    "AnswerCitation",
    "ApiKey",
    "AuditEntry",
    "AuditHead",
    "Base",
    "Blob",
    "ChannelAccount",
    "ChannelKind",
    "ChannelPayload",
    "Chunk",
    "ChunkEmbedding",
    "Client",
    "ClientMerge",
    "ClientStatus",
    "ConflictStatus",
    "DeliveryStatus",
    "Document",
    "DocumentVersion",
    "EmailParticipant",
    "EmailReference",
    "EmailThread",
    "EmbeddingModel",
    "EventStatus",
    "EventType",
    "IdempotencyKey",
    "Identity",
    "IdentityConflict",
    "IdentityKind",
    "IngestEvent",
    "IngestionAttempt",
    "IngestionJob",
    "IngestionLease",
    "IngestionOutcome",
    "IngestionPayload",
    "IngestionResult",
    "IngestionStatus",
    "JobKind",
    "MessageSource",
    "MessageStatus",
    "Namespace",
    "OutboxRow",
    "PersonalDataRead",
    "Term",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookSecret",
    "WebhookStatus",
    "WebhookSubscription",
]
