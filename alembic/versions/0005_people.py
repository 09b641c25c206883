"""People who log in, their sessions, and how often a login failed."""

from alembic import op
from core.migrations import ensure_enum

revision = "0005"
down_revision: str | None = "0004"

ROLES = ["agent", "supervisor", "admin", "dpo"]

# People and API keys are numbered from one sequence: `principal_id` means one of them, never both.
TABLES = (
    """
CREATE TABLE ops.people (
    id            bigint NOT NULL DEFAULT nextval('ops.api_keys_id_seq') CONSTRAINT pk_people PRIMARY KEY,
    public_id     uuid NOT NULL CONSTRAINT uq_people_public_id UNIQUE,
    name          text NOT NULL,
    email         text NOT NULL,
    email_key     text NOT NULL CONSTRAINT uq_people_email_key UNIQUE,
    password_hash text NOT NULL,
    role          ops.role NOT NULL,
    active        boolean NOT NULL DEFAULT true,
    version       bigint NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_login_at timestamptz
)""",
    "CREATE INDEX ix_people_active_admins ON ops.people (id) WHERE active AND role = 'admin'",
    """
CREATE TABLE ops.refresh_tokens (
    sha256     bytea NOT NULL CONSTRAINT pk_refresh_tokens PRIMARY KEY,
    family     uuid NOT NULL,
    person_id  bigint NOT NULL CONSTRAINT fk_refresh_tokens_person_id REFERENCES ops.people (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    revoked_at timestamptz
)""",
    "CREATE INDEX ix_refresh_tokens_family ON ops.refresh_tokens (family)",
    "CREATE INDEX ix_refresh_tokens_person_id_expires_at ON ops.refresh_tokens (person_id, expires_at)",
    """
CREATE TABLE ops.login_failures (
    key       bytea NOT NULL CONSTRAINT pk_login_failures PRIMARY KEY,
    failures  bigint NOT NULL,
    last_at   timestamptz NOT NULL,
    closed_to timestamptz
)""",
    "CREATE INDEX ix_login_failures_last_at ON ops.login_failures (last_at)",
)


def upgrade() -> None:
    """Apply."""
    ensure_enum("ops", "role", ROLES)
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TABLE ops.login_failures, ops.refresh_tokens, ops.people")
    op.execute("DROP TYPE ops.role")
