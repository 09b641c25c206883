"""Channel accounts, what came in through them as it came, delivery statuses, and the threads of e-mail."""

from alembic import op
from core.migrations import ensure_enum

revision = "0008"
down_revision: str | None = "0007"

ENUMS = {
    "channel_kind": ["whatsapp_cloud", "evolution", "email", "console"],
    "message_status": ["sent", "delivered", "failed", "read"],
}

TABLES = (
    """
CREATE TABLE crm.channels (
    id             bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_channels PRIMARY KEY,
    account        text NOT NULL CONSTRAINT uq_channels_account UNIQUE,
    kind           crm.channel_kind NOT NULL,
    name           text NOT NULL,
    is_active      boolean NOT NULL DEFAULT true,
    assistant_on   boolean NOT NULL DEFAULT false,
    namespace      text NOT NULL DEFAULT 'default',
    config         jsonb NOT NULL DEFAULT '{}',
    secrets_sealed bytea NOT NULL,
    version        bigint NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
)""",
    """
CREATE TABLE crm.channel_payloads (
    id          bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_channel_payloads PRIMARY KEY,
    account     text NOT NULL,
    digest      bytea NOT NULL,
    body_sealed bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_channel_payloads_account_digest UNIQUE (account, digest)
)""",
    """
CREATE TABLE crm.message_statuses (
    id         bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_message_statuses PRIMARY KEY,
    account    text NOT NULL,
    message_id text NOT NULL,
    status     crm.message_status NOT NULL,
    error_code text,
    status_at  timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_message_statuses_account_message_id UNIQUE (account, message_id)
)""",
    """
CREATE TABLE crm.email_threads (
    id         bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_email_threads PRIMARY KEY,
    account    text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
)""",
    """
CREATE TABLE crm.email_references (
    id        bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_email_references PRIMARY KEY,
    account   text NOT NULL,
    digest    bytea NOT NULL,
    thread_id bigint NOT NULL
        CONSTRAINT fk_email_references_thread_id REFERENCES crm.email_threads (id),
    CONSTRAINT uq_email_references_account_digest UNIQUE (account, digest)
)""",
    """
CREATE TABLE crm.email_participants (
    thread_id bigint NOT NULL
        CONSTRAINT fk_email_participants_thread_id REFERENCES crm.email_threads (id),
    digest    bytea NOT NULL,
    CONSTRAINT pk_email_participants PRIMARY KEY (thread_id, digest)
)""",
    "CREATE INDEX ix_email_references_thread_id ON crm.email_references (thread_id)",
    "ALTER TABLE crm.ingest_events ALTER COLUMN principal_id DROP NOT NULL",
    """
ALTER TABLE crm.ingest_events
    ADD COLUMN payload_id bigint
        CONSTRAINT fk_ingest_events_payload_id REFERENCES crm.channel_payloads (id),
    ADD COLUMN thread_id bigint CONSTRAINT fk_ingest_events_thread_id REFERENCES crm.email_threads (id)
""",
    "CREATE INDEX ix_ingest_events_payload_id ON crm.ingest_events (payload_id)",
    """
CREATE INDEX ix_ingest_events_thread_id ON crm.ingest_events (thread_id) WHERE thread_id IS NOT NULL""",
)


def upgrade() -> None:
    """Apply."""
    for name, labels in ENUMS.items():
        ensure_enum("crm", name, labels)
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Take back. Messages that came through a channel have no principal and go, too."""
    op.execute("DELETE FROM crm.ingest_events WHERE principal_id IS NULL")
    op.execute(
        "ALTER TABLE crm.ingest_events DROP COLUMN payload_id, DROP COLUMN thread_id,"
        " ALTER COLUMN principal_id SET NOT NULL"
    )
    op.execute(
        "DROP TABLE crm.email_references, crm.email_participants, crm.email_threads,"
        " crm.message_statuses, crm.channel_payloads, crm.channels"
    )
    for name in ENUMS:
        op.execute(f"DROP TYPE crm.{name}")
