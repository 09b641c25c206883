"""The ingestion queue (hot rows, cold rows, leases, attempts, blobs) and the API keys."""

from alembic import op
from core.migrations import ensure_enum

revision = "0001"
down_revision: str | None = None

HOT_TABLE = (
    "fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, "
    "autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0, "
    "autovacuum_analyze_threshold = 50000"
)

TABLES = (
    f"""
CREATE TABLE ai.ingestion_queue (
    id               bigint CONSTRAINT pk_ingestion_queue PRIMARY KEY,
    ready_at         timestamptz NOT NULL DEFAULT now(),
    run_at           timestamptz NOT NULL DEFAULT now(),
    claimed_at       timestamptz,
    finished_at      timestamptz,
    lease_id         bigint,
    status           ai.ingestion_status NOT NULL DEFAULT 'PENDING',
    priority         smallint NOT NULL DEFAULT 100,
    attempt          smallint NOT NULL DEFAULT 0,
    max_attempts     smallint NOT NULL DEFAULT 5,
    progress         smallint NOT NULL DEFAULT 0,
    ready            boolean NOT NULL DEFAULT true,
    scheduled        boolean NOT NULL DEFAULT false,
    cancel_requested boolean NOT NULL DEFAULT false,
    stage            text,
    dedupe_key       text,
    CONSTRAINT ck_ingestion_queue_ready_is_pending CHECK (NOT ready OR status = 'PENDING'),
    CONSTRAINT ck_ingestion_queue_scheduled_is_pending CHECK (NOT scheduled OR status = 'PENDING'),
    CONSTRAINT ck_ingestion_queue_leased_is_processing
        CHECK ((status = 'PROCESSING') = (lease_id IS NOT NULL))
) WITH ({HOT_TABLE})""",
    "CREATE INDEX ix_ingestion_queue_ready ON ai.ingestion_queue (priority, ready_at, id) WHERE ready",
    "CREATE INDEX ix_ingestion_queue_scheduled ON ai.ingestion_queue (run_at, id) WHERE scheduled",
    """
CREATE UNIQUE INDEX uq_ingestion_queue_dedupe_key ON ai.ingestion_queue (dedupe_key)
WHERE dedupe_key IS NOT NULL""",
    """
CREATE TABLE ai.ingestion_payload (
    id              bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_ingestion_payload PRIMARY KEY,
    public_id       uuid NOT NULL CONSTRAINT uq_ingestion_payload_public_id UNIQUE,
    kind            text NOT NULL,
    namespace       text NOT NULL,
    source          text NOT NULL,
    title           text,
    filename        text,
    media_type      text,
    metadata        jsonb NOT NULL DEFAULT '{}',
    blob_sha256     bytea,
    principal_id    bigint NOT NULL DEFAULT 0,
    idempotency_key text,
    request_sha256  bytea,
    traceparent     text,
    created_at      timestamptz NOT NULL DEFAULT now()
)""",
    """
CREATE UNIQUE INDEX uq_ingestion_payload_idempotency_key
ON ai.ingestion_payload (principal_id, idempotency_key) WHERE idempotency_key IS NOT NULL""",
    "CREATE INDEX ix_ingestion_payload_namespace_id ON ai.ingestion_payload (namespace, id)",
    """
CREATE TABLE ai.ingestion_lease (
    id         bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_ingestion_lease PRIMARY KEY,
    worker     text NOT NULL,
    expires_at timestamptz NOT NULL,
    job_ids    bigint[] NOT NULL
) WITH (fillfactor = 50)""",
    """
CREATE TABLE ai.ingestion_attempts (
    id         bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_ingestion_attempts PRIMARY KEY,
    job_id     bigint NOT NULL,
    attempt    smallint NOT NULL,
    code       text NOT NULL,
    detail     text NOT NULL,
    worker     text,
    created_at timestamptz NOT NULL DEFAULT now()
)""",
    "CREATE INDEX ix_ingestion_attempts_job_id ON ai.ingestion_attempts (job_id)",
    """
CREATE TABLE ai.blobs (
    sha256     bytea CONSTRAINT pk_blobs PRIMARY KEY,
    data       bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
)""",
    """
CREATE TABLE ops.api_keys (
    id            bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_api_keys PRIMARY KEY,
    public_id     text NOT NULL CONSTRAINT uq_api_keys_public_id UNIQUE,
    name          text NOT NULL,
    secret_sha256 bytea NOT NULL,
    scopes        text[] NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz,
    last_used_at  timestamptz,
    revoked_at    timestamptz
)""",
    """
CREATE VIEW ai.ingestion_jobs AS
SELECT p.public_id, p.kind, p.namespace, p.source, p.title, q.status, q.stage, q.progress, q.priority,
       q.attempt, q.max_attempts, q.run_at, p.created_at, q.claimed_at, q.finished_at, q.lease_id, p.id
FROM ai.ingestion_payload p JOIN ai.ingestion_queue q USING (id)""",
)


def upgrade() -> None:
    """Apply."""
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.execute("CREATE SCHEMA IF NOT EXISTS ai")
    op.execute("CREATE SCHEMA IF NOT EXISTS ops")
    ensure_enum("ai", "ingestion_status", ["PENDING", "PROCESSING", "COMPLETED", "FAILED"])
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Take back. Schemas and the extension stay: others may live in them."""
    op.execute("DROP VIEW ai.ingestion_jobs")
    op.execute(
        "DROP TABLE ops.api_keys, ai.blobs, ai.ingestion_attempts, ai.ingestion_lease, "
        "ai.ingestion_payload, ai.ingestion_queue"
    )
    op.execute("DROP TYPE ai.ingestion_status")
