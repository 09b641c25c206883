"""The audit log, reads of personal data, and answers kept for a retry."""

from alembic import op

revision = "0006"
down_revision: str | None = "0005"

STATEMENTS = (
    """
CREATE TABLE ops.audit_log (
    id          bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_audit_log PRIMARY KEY,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor       bigint,
    action      text NOT NULL,
    subject     text NOT NULL,
    data        jsonb NOT NULL,
    request_id  text,
    position    bigint CONSTRAINT uq_audit_log_position UNIQUE,
    hash        bytea,
    CONSTRAINT ck_audit_log_sealed_whole CHECK ((position IS NULL) = (hash IS NULL))
)""",
    "CREATE INDEX ix_audit_log_unsealed ON ops.audit_log (id) WHERE position IS NULL",
    "CREATE INDEX ix_audit_log_actor_id ON ops.audit_log (actor, id)",
    "CREATE INDEX ix_audit_log_action_id ON ops.audit_log (action, id)",
    "CREATE INDEX ix_audit_log_subject_id ON ops.audit_log (subject, id)",
    """
CREATE FUNCTION ops.guard_audit_log() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.position IS NULL AND NEW.position IS NOT NULL
           AND to_jsonb(NEW) - 'position' - 'hash' = to_jsonb(OLD) - 'position' - 'hash' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'ops.audit_log is append-only' USING ERRCODE = 'restrict_violation';
END $$""",
    """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ops.audit_log
FOR EACH ROW EXECUTE FUNCTION ops.guard_audit_log()""",
    """
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ops.audit_log
FOR EACH STATEMENT EXECUTE FUNCTION ops.guard_audit_log()""",
    """
CREATE TABLE ops.audit_head (
    id       smallint CONSTRAINT pk_audit_head PRIMARY KEY,
    position bigint NOT NULL,
    hash     bytea NOT NULL,
    CONSTRAINT ck_audit_head_one_row CHECK (id = 1)
)""",
    "INSERT INTO ops.audit_head VALUES (1, 0, decode(repeat('00', 32), 'hex'))",
    """
CREATE TABLE ops.personal_data_reads (
    id           bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_personal_data_reads PRIMARY KEY,
    principal_id bigint NOT NULL,
    subject      text NOT NULL,
    what         text NOT NULL,
    read_at      timestamptz NOT NULL DEFAULT now(),
    request_id   text
)""",
    "CREATE INDEX ix_personal_data_reads_subject_id ON ops.personal_data_reads (subject, id)",
    """
CREATE TABLE ops.idempotency_keys (
    scope        bytea CONSTRAINT pk_idempotency_keys PRIMARY KEY,
    request      bytea NOT NULL,
    answer       bytea,
    holder       uuid,
    leased_until timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_idempotency_keys_answered_or_leased
        CHECK ((answer IS NULL) = (holder IS NOT NULL) AND (holder IS NULL) = (leased_until IS NULL))
)""",
    "CREATE INDEX ix_idempotency_keys_created_at ON ops.idempotency_keys (created_at)",
)


def upgrade() -> None:
    """Apply."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TABLE ops.audit_log, ops.audit_head, ops.personal_data_reads, ops.idempotency_keys")
    op.execute("DROP FUNCTION ops.guard_audit_log")
