"""The one source of truth for the tables. Alembic compares the database with `Base.metadata`."""

from enum import StrEnum

from core.access import PersonRole
from core.matching import IdentityKind
from core.models.access import ApiKey
from core.models.answers import Answer, AnswerCitation
from core.models.base import Base
from core.models.channels import (
    ChannelAccount,
    ChannelKind,
    ChannelPayload,
    EmailParticipant,
    EmailReference,
    EmailThread,
    MessageStatus,
    ReportedStatus,
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
from core.models.people import LoginFailure, Person, RefreshToken
from core.models.tickets import (
    CommentVisibility,
    SlaPolicy,
    Ticket,
    TicketChange,
    TicketComment,
    TicketHistory,
    TicketPriority,
    TicketStatus,
)
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
    ("crm", "comment_visibility"): CommentVisibility,
    ("crm", "conflict_status"): ConflictStatus,
    ("crm", "event_status"): EventStatus,
    ("crm", "identity_kind"): IdentityKind,
    ("crm", "message_source"): MessageSource,
    ("crm", "message_status"): MessageStatus,
    ("crm", "ticket_change"): TicketChange,
    ("crm", "ticket_priority"): TicketPriority,
    ("crm", "ticket_status"): TicketStatus,
    ("ops", "delivery_status"): DeliveryStatus,
    ("ops", "role"): PersonRole,
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
    "CommentVisibility",
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
    "LoginFailure",
    "MessageSource",
    "MessageStatus",
    "Namespace",
    "OutboxRow",
    "Person",
    "PersonalDataRead",
    "RefreshToken",
    "ReportedStatus",
    "SlaPolicy",
    "Term",
    "Ticket",
    "TicketChange",
    "TicketComment",
    "TicketHistory",
    "TicketPriority",
    "TicketStatus",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookSecret",
    "WebhookStatus",
    "WebhookSubscription",
]
