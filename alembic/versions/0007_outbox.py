"""What happened, who outside is told, and how each telling went."""

from alembic import op
from core.migrations import ensure_enum

revision = "0007"
down_revision: str | None = "0006"

ENUMS = {
    "webhook_status": ["ACTIVE", "PAUSED", "DISABLED"],
    "delivery_status": ["PENDING", "DELIVERING", "DELIVERED", "FAILED"],
}

# The bell rings with the commit, and only when no older event waits: NOTIFY makes commits wait for each
# other, which a burst of messages must not. A relay that looked away too early also polls.
BELL = """
CREATE FUNCTION ops.ring_outbox() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ops.outbox_events WHERE due_at <= now()) THEN
        PERFORM pg_notify('cogep_outbox', '');
    END IF;
    RETURN NULL;
END $$"""

STATEMENTS = (
    """
CREATE TABLE ops.outbox_events (
    id            bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_outbox_events PRIMARY KEY,
    public_id     uuid NOT NULL CONSTRAINT uq_outbox_events_public_id UNIQUE,
    type          text NOT NULL,
    subject       uuid NOT NULL,
    data          jsonb NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    due_at        timestamptz DEFAULT now(),
    dispatched_at timestamptz,
    attempts      smallint NOT NULL DEFAULT 0,
    error_code    text,
    CONSTRAINT ck_outbox_events_told_is_not_due CHECK (due_at IS NULL OR dispatched_at IS NULL)
)""",
    "CREATE INDEX ix_outbox_events_due ON ops.outbox_events (due_at, id) WHERE due_at IS NOT NULL",
    BELL,
    """
CREATE TRIGGER ring BEFORE INSERT ON ops.outbox_events
FOR EACH STATEMENT EXECUTE FUNCTION ops.ring_outbox()""",
    """
CREATE TABLE ops.webhook_subscriptions (
    id              bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_webhook_subscriptions PRIMARY KEY,
    public_id       uuid NOT NULL CONSTRAINT uq_webhook_subscriptions_public_id UNIQUE,
    url             text NOT NULL,
    description     text,
    types           text[] NOT NULL,
    status          ops.webhook_status NOT NULL DEFAULT 'ACTIVE',
    disabled_reason text,
    disabled_at     timestamptz,
    failing_since   timestamptz,
    principal_id    bigint NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    deleted_at      timestamptz,
    CONSTRAINT ck_webhook_subscriptions_disabled_has_reason
        CHECK ((status = 'DISABLED') = (disabled_reason IS NOT NULL)),
    CONSTRAINT ck_webhook_subscriptions_disabled_has_time
        CHECK ((status = 'DISABLED') = (disabled_at IS NOT NULL)),
    CONSTRAINT ck_webhook_subscriptions_deleted_is_silent CHECK (deleted_at IS NULL OR status <> 'ACTIVE')
)""",
    """
CREATE TABLE ops.webhook_secrets (
    id              bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_webhook_secrets PRIMARY KEY,
    subscription_id bigint NOT NULL CONSTRAINT fk_webhook_secrets_subscription_id
        REFERENCES ops.webhook_subscriptions (id) ON DELETE CASCADE,
    sealed          bytea NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz
)""",
    "CREATE INDEX ix_webhook_secrets_subscription_id ON ops.webhook_secrets (subscription_id)",
    """
CREATE TABLE ops.webhook_deliveries (
    id              bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_webhook_deliveries PRIMARY KEY,
    public_id       uuid NOT NULL CONSTRAINT uq_webhook_deliveries_public_id UNIQUE,
    subscription_id bigint NOT NULL CONSTRAINT fk_webhook_deliveries_subscription_id
        REFERENCES ops.webhook_subscriptions (id) ON DELETE CASCADE,
    event_id        bigint NOT NULL CONSTRAINT fk_webhook_deliveries_event_id
        REFERENCES ops.outbox_events (id) ON DELETE CASCADE,
    status          ops.delivery_status NOT NULL DEFAULT 'PENDING',
    due_at          timestamptz DEFAULT now(),
    attempt         smallint NOT NULL DEFAULT 0,
    lease           bigint NOT NULL DEFAULT 0,
    error_code      text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    finished_at     timestamptz,
    CONSTRAINT ck_webhook_deliveries_unfinished_is_due
        CHECK ((status IN ('PENDING', 'DELIVERING')) = (due_at IS NOT NULL))
)""",
    """
CREATE UNIQUE INDEX uq_webhook_deliveries_subscription_id_event_id
ON ops.webhook_deliveries (subscription_id, event_id)""",
    """
CREATE INDEX ix_webhook_deliveries_due ON ops.webhook_deliveries (subscription_id, due_at, id)
WHERE due_at IS NOT NULL""",
    "CREATE INDEX ix_webhook_deliveries_subscription_id_id ON ops.webhook_deliveries (subscription_id, id)",
    "CREATE INDEX ix_webhook_deliveries_event_id ON ops.webhook_deliveries (event_id)",
    """
CREATE TABLE ops.webhook_attempts (
    id          bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_webhook_attempts PRIMARY KEY,
    delivery_id bigint NOT NULL CONSTRAINT fk_webhook_attempts_delivery_id
        REFERENCES ops.webhook_deliveries (id) ON DELETE CASCADE,
    attempt     smallint NOT NULL,
    status_code smallint,
    error_code  text,
    duration_ms bigint NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
)""",
    "CREATE INDEX ix_webhook_attempts_delivery_id ON ops.webhook_attempts (delivery_id)",
)


def upgrade() -> None:
    """Apply."""
    for name, labels in ENUMS.items():
        ensure_enum("ops", name, labels)
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute(
        "DROP TABLE ops.webhook_attempts, ops.webhook_deliveries, ops.webhook_secrets,"
        " ops.webhook_subscriptions, ops.outbox_events"
    )
    op.execute("DROP FUNCTION ops.ring_outbox()")
    for name in ENUMS:
        op.execute(f"DROP TYPE ops.{name}")
