"""Conversations: the thread with a client, the assistant's turns in it, and what goes out."""

from alembic import op
from core.migrations import ensure_enum

revision = "0011"
down_revision: str | None = "0010"

ENUMS = {
    "conversation_mode": ["assistant", "human"],
    "message_author": ["client", "assistant", "person", "system"],
    "turn_state": ["PENDING", "DONE", "FAILED"],
    "outbound_state": ["PENDING", "SENDING", "SENT", "FAILED"],
}

TABLES = (
    """
CREATE TABLE crm.conversations (
    id               bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_conversations PRIMARY KEY,
    public_id        uuid NOT NULL CONSTRAINT uq_conversations_public_id UNIQUE,
    client_id        bigint NOT NULL CONSTRAINT fk_conversations_client_id REFERENCES crm.clients (id),
    account          text NOT NULL,
    source           crm.message_source NOT NULL,
    mode             crm.conversation_mode NOT NULL DEFAULT 'assistant',
    assigned_id      bigint,
    last_seq         bigint NOT NULL DEFAULT 0,
    last_inbound_at  timestamptz NOT NULL DEFAULT now(),
    last_event_at    timestamptz NOT NULL DEFAULT now(),
    version          bigint NOT NULL DEFAULT 1,
    due_at           timestamptz,
    lease_token      bigint NOT NULL DEFAULT 0,
    lease_expires_at timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_conversations_client_id_account_source UNIQUE (client_id, account, source)
)""",
    "CREATE INDEX ix_conversations_due ON crm.conversations (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX ix_conversations_last_event_at_id ON crm.conversations (last_event_at, id)",
    """
CREATE INDEX ix_conversations_assigned_id_last_event_at
ON crm.conversations (assigned_id, last_event_at)""",
    """
CREATE TABLE crm.conversation_messages (
    id              bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_conversation_messages PRIMARY KEY,
    public_id       uuid NOT NULL CONSTRAINT uq_conversation_messages_public_id UNIQUE,
    conversation_id bigint NOT NULL
        CONSTRAINT fk_conversation_messages_conversation_id REFERENCES crm.conversations (id),
    seq             bigint NOT NULL,
    author          crm.message_author NOT NULL,
    author_id       bigint,
    event_id        bigint
        CONSTRAINT fk_conversation_messages_event_id REFERENCES crm.ingest_events (id)
        CONSTRAINT uq_conversation_messages_event_id UNIQUE,
    body_sealed     bytea,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_conversation_messages_conversation_id_seq UNIQUE (conversation_id, seq),
    CONSTRAINT ck_conversation_messages_one_body CHECK ((event_id IS NULL) <> (body_sealed IS NULL)),
    CONSTRAINT ck_conversation_messages_clients_words_are_events
        CHECK ((event_id IS NOT NULL) = (author = 'client'))
)""",
    """
CREATE TABLE crm.turns (
    id              bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_turns PRIMARY KEY,
    conversation_id bigint CONSTRAINT fk_turns_conversation_id REFERENCES crm.conversations (id),
    event_id        bigint NOT NULL CONSTRAINT fk_turns_event_id REFERENCES crm.ingest_events (id)
        CONSTRAINT uq_turns_event_id UNIQUE,
    state           crm.turn_state NOT NULL DEFAULT 'PENDING',
    attempts        smallint NOT NULL DEFAULT 0,
    outcome         text,
    intent          text,
    error_code      text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    finished_at     timestamptz,
    CONSTRAINT ck_turns_finished CHECK ((state = 'PENDING') = (finished_at IS NULL))
)""",
    "CREATE INDEX ix_turns_unadopted ON crm.turns (event_id) WHERE conversation_id IS NULL",
    "CREATE INDEX ix_turns_pending ON crm.turns (conversation_id, event_id) WHERE state = 'PENDING'",
    "CREATE INDEX ix_turns_conversation_id_id ON crm.turns (conversation_id, id)",
    """
CREATE TABLE crm.outbound_messages (
    id                  bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_outbound_messages PRIMARY KEY,
    public_id           uuid NOT NULL CONSTRAINT uq_outbound_messages_public_id UNIQUE,
    conversation_id     bigint NOT NULL
        CONSTRAINT fk_outbound_messages_conversation_id REFERENCES crm.conversations (id),
    message_id          bigint NOT NULL
        CONSTRAINT fk_outbound_messages_message_id REFERENCES crm.conversation_messages (id)
        CONSTRAINT uq_outbound_messages_message_id UNIQUE,
    idempotency_key     text NOT NULL CONSTRAINT uq_outbound_messages_idempotency_key UNIQUE,
    account             text NOT NULL,
    reply_to_id         bigint NOT NULL
        CONSTRAINT fk_outbound_messages_reply_to_id REFERENCES crm.ingest_events (id),
    needs_consent       boolean NOT NULL,
    state               crm.outbound_state NOT NULL DEFAULT 'PENDING',
    attempts            smallint NOT NULL DEFAULT 0,
    next_at             timestamptz NOT NULL DEFAULT now(),
    lease_token         bigint NOT NULL DEFAULT 0,
    provider_message_id text,
    error_code          text,
    created_at          timestamptz NOT NULL DEFAULT now(),
    sent_at             timestamptz,
    CONSTRAINT ck_outbound_messages_failed_has_code CHECK ((state = 'FAILED') <= (error_code IS NOT NULL))
)""",
    """
CREATE INDEX ix_outbound_messages_open ON crm.outbound_messages (next_at)
WHERE state IN ('PENDING', 'SENDING')""",
    """
CREATE INDEX ix_outbound_messages_line ON crm.outbound_messages (conversation_id, id)
WHERE state IN ('PENDING', 'SENDING')""",
    """
CREATE INDEX ix_outbound_messages_provider_message_id
ON crm.outbound_messages (account, provider_message_id)""",
)


def upgrade() -> None:
    """Apply."""
    for name, labels in ENUMS.items():
        ensure_enum("crm", name, labels)
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TABLE crm.outbound_messages, crm.turns, crm.conversation_messages, crm.conversations")
    for name in ENUMS:
        op.execute(f"DROP TYPE crm.{name}")
