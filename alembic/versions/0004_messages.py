"""Persons, what they are known by, the messages they send, conflicts and merges."""

from alembic import op
from core.migrations import ensure_enum

revision = "0004"
down_revision: str | None = "0003"

ENUMS = {
    "client_status": ["ACTIVE", "MERGED"],
    "conflict_status": ["OPEN", "RESOLVED"],
    "event_status": ["RECEIVED", "LINKED", "ERROR"],
    "identity_kind": ["whatsapp_user", "cpf", "cnpj", "phone", "email", "external"],
    "message_source": ["whatsapp", "email", "web", "phone", "other"],
}

TABLES = (
    """
CREATE TABLE crm.clients (
    id             bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_clients PRIMARY KEY,
    public_id      uuid NOT NULL CONSTRAINT uq_clients_public_id UNIQUE,
    name           text,
    status         crm.client_status NOT NULL DEFAULT 'ACTIVE',
    merged_into_id bigint CONSTRAINT fk_clients_merged_into_id REFERENCES crm.clients (id),
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_clients_merged_into CHECK ((status = 'MERGED') = (merged_into_id IS NOT NULL))
)""",
    "CREATE INDEX ix_clients_merged_into_id ON crm.clients (merged_into_id)",
    """
CREATE TABLE crm.ingest_events (
    id                 bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_ingest_events PRIMARY KEY,
    public_id          uuid NOT NULL CONSTRAINT uq_ingest_events_public_id UNIQUE,
    principal_id       bigint NOT NULL,
    account            text NOT NULL,
    source             crm.message_source NOT NULL,
    external_id        text,
    body_digest        bytea NOT NULL,
    body_sealed        bytea NOT NULL,
    status             crm.event_status NOT NULL DEFAULT 'RECEIVED',
    error_code         text,
    attempts           smallint NOT NULL DEFAULT 0,
    next_at            timestamptz,
    payload_mismatches bigint NOT NULL DEFAULT 0,
    client_id          bigint CONSTRAINT fk_ingest_events_client_id REFERENCES crm.clients (id),
    received_at        timestamptz NOT NULL DEFAULT now(),
    linked_at          timestamptz,
    CONSTRAINT ck_ingest_events_linked_has_client CHECK ((status = 'LINKED') = (client_id IS NOT NULL)),
    CONSTRAINT ck_ingest_events_error_has_code CHECK ((status = 'ERROR') = (error_code IS NOT NULL))
)""",
    """
CREATE UNIQUE INDEX uq_ingest_events_external_id ON crm.ingest_events (account, source, external_id)
WHERE external_id IS NOT NULL""",
    "CREATE INDEX ix_ingest_events_client_id_id ON crm.ingest_events (client_id, id)",
    "CREATE INDEX ix_ingest_events_principal_id_id ON crm.ingest_events (principal_id, id)",
    "CREATE INDEX ix_ingest_events_open ON crm.ingest_events (received_at) WHERE status <> 'LINKED'",
    """
CREATE TABLE crm.identities (
    id         bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_identities PRIMARY KEY,
    client_id  bigint NOT NULL CONSTRAINT fk_identities_client_id REFERENCES crm.clients (id),
    kind       crm.identity_kind NOT NULL,
    match_key  text NOT NULL,
    raw        text,
    raw_sealed bytea,
    event_id   bigint CONSTRAINT fk_identities_event_id REFERENCES crm.ingest_events (id),
    valid_from timestamptz NOT NULL DEFAULT now(),
    valid_to   timestamptz,
    CONSTRAINT ck_identities_one_raw CHECK ((raw IS NULL) <> (raw_sealed IS NULL)),
    CONSTRAINT ck_identities_sensitive_raw_is_sealed
        CHECK ((raw IS NULL) = (kind IN ('cpf', 'cnpj', 'external')))
)""",
    "CREATE INDEX ix_identities_client_id ON crm.identities (client_id)",
    "CREATE INDEX ix_identities_event_id ON crm.identities (event_id)",
    """
CREATE UNIQUE INDEX uq_identities_match_key ON crm.identities (kind, match_key)
WHERE valid_to IS NULL""",
    """
CREATE UNIQUE INDEX uq_identities_cpf ON crm.identities (client_id)
WHERE kind = 'cpf' AND valid_to IS NULL""",
    """
CREATE TABLE crm.identity_conflicts (
    id          bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_identity_conflicts PRIMARY KEY,
    public_id   uuid NOT NULL CONSTRAINT uq_identity_conflicts_public_id UNIQUE,
    status      crm.conflict_status NOT NULL DEFAULT 'OPEN',
    client_ids  bigint[] NOT NULL,
    chosen_id   bigint NOT NULL CONSTRAINT fk_identity_conflicts_chosen_id REFERENCES crm.clients (id),
    event_id    bigint NOT NULL
        CONSTRAINT fk_identity_conflicts_event_id REFERENCES crm.ingest_events (id),
    occurrences bigint NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz
)""",
    """
CREATE UNIQUE INDEX uq_identity_conflicts_client_ids ON crm.identity_conflicts (client_ids)
WHERE status = 'OPEN'""",
    """
CREATE TABLE crm.client_merges (
    id           bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_client_merges PRIMARY KEY,
    public_id    uuid NOT NULL CONSTRAINT uq_client_merges_public_id UNIQUE,
    winner_id    bigint NOT NULL CONSTRAINT fk_client_merges_winner_id REFERENCES crm.clients (id),
    loser_id     bigint NOT NULL CONSTRAINT fk_client_merges_loser_id REFERENCES crm.clients (id),
    moved        jsonb NOT NULL,
    principal_id bigint NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    undone_at    timestamptz,
    undone_by    bigint,
    CONSTRAINT ck_client_merges_two_clients CHECK (winner_id <> loser_id)
)""",
    "CREATE INDEX ix_client_merges_winner_id ON crm.client_merges (winner_id)",
    "CREATE INDEX ix_client_merges_loser_id ON crm.client_merges (loser_id)",
)


def upgrade() -> None:
    """Apply."""
    op.execute("CREATE SCHEMA IF NOT EXISTS crm")
    for name, labels in ENUMS.items():
        ensure_enum("crm", name, labels)
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Take back. The schema stays: others may live in it."""
    op.execute(
        "DROP TABLE crm.client_merges, crm.identity_conflicts, crm.identities, crm.ingest_events, crm.clients"
    )
    for name in ENUMS:
        op.execute(f"DROP TYPE crm.{name}")
