"""Imports: files, their rows and what these changed; enrollments and payroll lines."""

from alembic import op
from core.migrations import ensure_enum

revision = "0015"
down_revision: str | None = "0014"

ENUMS = {
    "import_layout": ["inetconsig", "leads", "csv"],
    "import_outcome": ["created", "updated", "unchanged", "rejected"],
    "import_status": [
        "CHECKING",
        "CHECKED",
        "COMMITTING",
        "COMMITTED",
        "REVERTING",
        "REVERTED",
        "REFUSED",
    ],
    "import_target": ["client", "name", "enrollment", "payroll_line"],
}

TABLES = (
    """
CREATE TABLE crm.import_batches (
    id           bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_import_batches PRIMARY KEY,
    public_id    uuid NOT NULL CONSTRAINT uq_import_batches_public_id UNIQUE,
    principal_id bigint NOT NULL,
    layout       crm.import_layout NOT NULL,
    entity       text,
    file_entity  text,
    sha256       bytea NOT NULL,
    mapping      jsonb,
    dry_run      boolean NOT NULL,
    status       crm.import_status NOT NULL DEFAULT 'CHECKING',
    job_id       bigint,
    totals       jsonb NOT NULL DEFAULT '{}',
    rows         bigint NOT NULL DEFAULT 0,
    done         bigint NOT NULL DEFAULT 0,
    created      bigint NOT NULL DEFAULT 0,
    updated      bigint NOT NULL DEFAULT 0,
    unchanged    bigint NOT NULL DEFAULT 0,
    rejected     bigint NOT NULL DEFAULT 0,
    kept         bigint NOT NULL DEFAULT 0,
    error_code   text,
    error_detail text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    committed_at timestamptz,
    ended_at     timestamptz,
    CONSTRAINT ck_import_batches_refused_has_code CHECK ((status = 'REFUSED') = (error_code IS NOT NULL))
)""",
    """
CREATE UNIQUE INDEX uq_import_batches_sha256 ON crm.import_batches (sha256, layout, COALESCE(entity, ''))
WHERE status NOT IN ('REVERTED', 'REFUSED')""",
    """
CREATE TABLE crm.import_files (
    batch_id    bigint CONSTRAINT pk_import_files PRIMARY KEY
                CONSTRAINT fk_import_files_batch_id REFERENCES crm.import_batches (id),
    body_sealed bytea NOT NULL
)""",
    "ALTER TABLE crm.import_files ALTER COLUMN body_sealed SET STORAGE EXTERNAL",
    """
CREATE TABLE crm.import_rows (
    batch_id        bigint CONSTRAINT fk_import_rows_batch_id REFERENCES crm.import_batches (id),
    position        bigint NOT NULL,
    line            bigint NOT NULL,
    outcome         crm.import_outcome NOT NULL,
    code            text,
    message         text,
    notes           text[] NOT NULL DEFAULT '{}',
    digest          bytea NOT NULL,
    raw_sealed      bytea NOT NULL,
    client_id       bigint,
    enrollment_id   bigint,
    payroll_line_id bigint,
    kept_code       text,
    CONSTRAINT pk_import_rows PRIMARY KEY (batch_id, position),
    CONSTRAINT ck_import_rows_rejected_has_code CHECK ((outcome = 'rejected') = (code IS NOT NULL)),
    CONSTRAINT ck_import_rows_code_has_message CHECK ((code IS NULL) = (message IS NULL))
)""",
    "CREATE INDEX ix_import_rows_outcome ON crm.import_rows (batch_id, outcome, position)",
    "CREATE INDEX ix_import_rows_client_id ON crm.import_rows (client_id)",
    """
CREATE TABLE crm.import_changes (
    id        bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_import_changes PRIMARY KEY,
    batch_id  bigint NOT NULL CONSTRAINT fk_import_changes_batch_id REFERENCES crm.import_batches (id),
    position  bigint NOT NULL,
    target    crm.import_target NOT NULL,
    target_id bigint NOT NULL,
    before    jsonb,
    version   bigint NOT NULL
)""",
    "CREATE INDEX ix_import_changes_batch_id_id ON crm.import_changes (batch_id, id)",
    """
CREATE TABLE crm.enrollments (
    id                bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_enrollments PRIMARY KEY,
    public_id         uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT uq_enrollments_public_id UNIQUE,
    client_id         bigint NOT NULL CONSTRAINT fk_enrollments_client_id REFERENCES crm.clients (id),
    entity            text NOT NULL,
    number            text NOT NULL,
    position          text,
    paying_organ      text,
    paying_organ_name text,
    version           bigint NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now()
)""",
    """
CREATE UNIQUE INDEX uq_enrollments_client_id_entity_number ON crm.enrollments (client_id, entity, number)""",
    "CREATE INDEX ix_enrollments_entity_number ON crm.enrollments (entity, number)",
    """
CREATE TABLE crm.payroll_lines (
    id            bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_payroll_lines PRIMARY KEY,
    public_id     uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT uq_payroll_lines_public_id UNIQUE,
    enrollment_id bigint NOT NULL
        CONSTRAINT fk_payroll_lines_enrollment_id REFERENCES crm.enrollments (id),
    month         date NOT NULL,
    rubric        text NOT NULL,
    sequence      bigint NOT NULL,
    posting       text,
    status        text,
    paid          smallint,
    total         smallint,
    amount        numeric(14, 2) NOT NULL,
    version       bigint NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_payroll_lines_amount CHECK (amount >= 0)
)""",
    """
CREATE UNIQUE INDEX uq_payroll_lines_place ON crm.payroll_lines (enrollment_id, month, rubric, sequence)""",
)


def upgrade() -> None:
    """Apply."""
    for name, labels in ENUMS.items():
        ensure_enum("crm", name, labels)
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute(
        "DROP TABLE crm.payroll_lines, crm.enrollments, crm.import_changes, crm.import_rows,"
        " crm.import_files, crm.import_batches"
    )
    for name in ENUMS:
        op.execute(f"DROP TYPE crm.{name}")
