"""Tickets; clients that are edited and searched by name; phones that fell silent."""

from alembic import op
from core.migrations import ensure_enum

revision = "0009"
down_revision: str | None = "0008"

ENUMS = {
    "comment_visibility": ["public", "internal"],
    "ticket_change": ["status", "assignee", "priority"],
    "ticket_priority": ["low", "normal", "high", "urgent"],
    "ticket_status": ["OPEN", "IN_PROGRESS", "RESOLVED", "CLOSED"],
}

# No extension is needed: neither unaccent nor pg_trgm is everywhere that vector is.
NAMES = (
    r"""
CREATE FUNCTION crm.name_words(name text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT COALESCE(array_agg(DISTINCT left(word, 24)), '{}')
    FROM regexp_replace(lower(normalize(COALESCE(name, ''), NFKD)), '[\u0300-\u036f]', '', 'g') AS plain,
         regexp_split_to_table(plain, '[[:space:][:punct:]]+') AS word
    WHERE word <> ''
$$""",
    """
CREATE FUNCTION crm.word_spellings(word text) RETURNS SETOF text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT word UNION
    SELECT left(word, place - 1) || substr(word, place + 1)
    FROM generate_series(1, length(word)) AS place WHERE length(word) > 3
$$""",
    """
CREATE FUNCTION crm.name_terms(name text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT COALESCE(array_agg(DISTINCT left(spelling, size)), '{}')
    FROM unnest(crm.name_words(name)) AS word, crm.word_spellings(word) AS spelling,
         generate_series(1, length(spelling)) AS size
    WHERE spelling = word OR size > 2
$$""",
    """
CREATE FUNCTION crm.name_guesses(word text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_agg(spelling) FROM crm.word_spellings(word) AS spelling
$$""",
    """
ALTER TABLE crm.clients
    ADD COLUMN name_terms   text[] GENERATED ALWAYS AS (crm.name_terms(name)) STORED NOT NULL,
    ADD COLUMN notes_sealed bytea,
    ADD COLUMN version      bigint NOT NULL DEFAULT 1,
    ADD COLUMN updated_at   timestamptz NOT NULL DEFAULT now()""",
    "CREATE INDEX ix_clients_name_terms ON crm.clients USING gin (name_terms)",
)
IDENTITIES = (
    "ALTER TABLE crm.identities ADD COLUMN last_seen_at timestamptz NOT NULL DEFAULT now()",
    "ALTER TABLE crm.identity_conflicts ALTER COLUMN event_id DROP NOT NULL, ADD COLUMN resolved_by bigint",
)
TICKETS = (
    """
CREATE TABLE crm.sla_policies (
    priority               crm.ticket_priority CONSTRAINT pk_sla_policies PRIMARY KEY,
    first_response_minutes bigint NOT NULL,
    resolution_minutes     bigint NOT NULL,
    grace_minutes          bigint NOT NULL,
    updated_at             timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_sla_policies_positive
        CHECK (first_response_minutes > 0 AND resolution_minutes > 0 AND grace_minutes >= 0)
)""",
    """
INSERT INTO crm.sla_policies (priority, first_response_minutes, resolution_minutes, grace_minutes) VALUES
    ('low', 1440, 7200, 10080),
    ('normal', 480, 4320, 10080),
    ('high', 240, 1440, 10080),
    ('urgent', 60, 480, 10080)""",
    """
CREATE TABLE crm.tickets (
    id                       bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_tickets PRIMARY KEY,
    public_id                uuid NOT NULL CONSTRAINT uq_tickets_public_id UNIQUE,
    number                   text NOT NULL GENERATED ALWAYS AS (
        (EXTRACT(year FROM (opened_at AT TIME ZONE 'America/Sao_Paulo'))::integer)::text || '-'
        || lpad(id::text, GREATEST(6, length(id::text)), '0')) STORED CONSTRAINT uq_tickets_number UNIQUE,
    client_id                bigint NOT NULL CONSTRAINT fk_tickets_client_id REFERENCES crm.clients (id),
    subject_sealed           bytea NOT NULL,
    description_sealed       bytea NOT NULL,
    status                   crm.ticket_status NOT NULL DEFAULT 'OPEN',
    priority                 crm.ticket_priority NOT NULL,
    assignee_id              bigint,
    channel                  text,
    event_id                 bigint CONSTRAINT uq_tickets_event_id UNIQUE
        CONSTRAINT fk_tickets_event_id REFERENCES crm.ingest_events (id),
    follow_up_of_id          bigint CONSTRAINT fk_tickets_follow_up_of_id REFERENCES crm.tickets (id),
    opened_by                bigint,
    version                  bigint NOT NULL DEFAULT 1,
    opened_at                timestamptz NOT NULL DEFAULT now(),
    updated_at               timestamptz NOT NULL DEFAULT now(),
    first_response_due_at    timestamptz NOT NULL,
    first_responded_at       timestamptz,
    first_response_missed_at timestamptz,
    resolution_due_at        timestamptz NOT NULL,
    resolution_missed_at     timestamptz,
    resolved_at              timestamptz,
    closes_at                timestamptz,
    closed_at                timestamptz,
    CONSTRAINT ck_tickets_resolved_has_time CHECK (
        (status IN ('RESOLVED', 'CLOSED')) = (resolved_at IS NOT NULL)
        AND (resolved_at IS NULL) = (closes_at IS NULL)),
    CONSTRAINT ck_tickets_closed_has_time CHECK ((status = 'CLOSED') = (closed_at IS NOT NULL)),
    CONSTRAINT ck_tickets_follows_another CHECK (follow_up_of_id <> id)
)""",
    "CREATE INDEX ix_tickets_client_id_id ON crm.tickets (client_id, id)",
    "CREATE INDEX ix_tickets_assignee_id_id ON crm.tickets (assignee_id, id)",
    "CREATE INDEX ix_tickets_status_id ON crm.tickets (status, id)",
    "CREATE INDEX ix_tickets_follow_up_of_id ON crm.tickets (follow_up_of_id)",
    "CREATE INDEX ix_tickets_closes_at ON crm.tickets (closes_at) WHERE status = 'RESOLVED'",
    """
CREATE INDEX ix_tickets_first_response_due_at ON crm.tickets (first_response_due_at)
WHERE status IN ('OPEN', 'IN_PROGRESS')
  AND first_responded_at IS NULL AND first_response_missed_at IS NULL""",
    """
CREATE INDEX ix_tickets_resolution_due_at ON crm.tickets (resolution_due_at)
WHERE status IN ('OPEN', 'IN_PROGRESS') AND resolution_missed_at IS NULL""",
    """
CREATE TABLE crm.ticket_comments (
    id          bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_ticket_comments PRIMARY KEY,
    public_id   uuid NOT NULL CONSTRAINT uq_ticket_comments_public_id UNIQUE,
    ticket_id   bigint NOT NULL CONSTRAINT fk_ticket_comments_ticket_id REFERENCES crm.tickets (id),
    visibility  crm.comment_visibility NOT NULL,
    body_sealed bytea NOT NULL,
    author_id   bigint,
    event_id    bigint CONSTRAINT uq_ticket_comments_event_id UNIQUE
        CONSTRAINT fk_ticket_comments_event_id REFERENCES crm.ingest_events (id),
    created_at  timestamptz NOT NULL DEFAULT now()
)""",
    "CREATE INDEX ix_ticket_comments_ticket_id_id ON crm.ticket_comments (ticket_id, id)",
    """
CREATE TABLE crm.ticket_history (
    id            bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_ticket_history PRIMARY KEY,
    public_id     uuid NOT NULL CONSTRAINT uq_ticket_history_public_id UNIQUE,
    ticket_id     bigint NOT NULL CONSTRAINT fk_ticket_history_ticket_id REFERENCES crm.tickets (id),
    version       bigint NOT NULL,
    change        crm.ticket_change NOT NULL,
    from_value    text,
    to_value      text,
    actor_id      bigint,
    reason_sealed bytea,
    at            timestamptz NOT NULL DEFAULT now()
)""",
    "CREATE UNIQUE INDEX uq_ticket_history_version ON crm.ticket_history (ticket_id, version, change)",
)
# The same table of transitions as core.models.Ticket.TRANSITIONS; a test compares the two.
GUARDS = (
    """
CREATE FUNCTION crm.guard_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'OPEN' THEN
            RAISE EXCEPTION 'a ticket begins OPEN' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.version <= OLD.version THEN
        RAISE EXCEPTION 'a new state of a ticket is a new version' USING ERRCODE = 'check_violation';
    ELSIF (OLD.status, NEW.status) NOT IN (
        ('OPEN', 'IN_PROGRESS'), ('IN_PROGRESS', 'RESOLVED'),
        ('RESOLVED', 'IN_PROGRESS'), ('RESOLVED', 'CLOSED')
    ) OR (NEW.status = 'IN_PROGRESS' AND OLD.closes_at <= now()) THEN
        RAISE EXCEPTION 'a ticket cannot go from % to %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER guard_insert BEFORE INSERT ON crm.tickets
FOR EACH ROW EXECUTE FUNCTION crm.guard_ticket()""",
    """
CREATE TRIGGER guard_status BEFORE UPDATE ON crm.tickets
FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION crm.guard_ticket()""",
    """
CREATE FUNCTION crm.keep_ticket_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    OLD.reason_sealed := NULL;
    IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the history of a ticket does not change' USING ERRCODE = 'check_violation';
END $$""",
    """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON crm.ticket_history
FOR EACH ROW EXECUTE FUNCTION crm.keep_ticket_history()""",
)


def upgrade() -> None:
    """Apply."""
    ensure_enum("crm", "conflict_status", ["OPEN", "RESOLVED", "DISMISSED"])
    for name, labels in ENUMS.items():
        ensure_enum("crm", name, labels)
    for statement in (*NAMES, *IDENTITIES, *TICKETS, *GUARDS):
        op.execute(statement)


def downgrade() -> None:
    """Take back. What was dismissed is RESOLVED again; conflicts that no message told of are forgotten."""
    op.execute("DROP TABLE crm.ticket_history, crm.ticket_comments, crm.tickets, crm.sla_policies")
    op.execute("DROP FUNCTION crm.guard_ticket, crm.keep_ticket_history")
    op.execute("ALTER TABLE crm.identity_conflicts DROP COLUMN resolved_by")
    op.execute("UPDATE crm.identity_conflicts SET status = 'RESOLVED' WHERE status = 'DISMISSED'")
    op.execute("DELETE FROM crm.identity_conflicts WHERE event_id IS NULL")
    op.execute("ALTER TABLE crm.identity_conflicts ALTER COLUMN event_id SET NOT NULL")
    op.execute("ALTER TABLE crm.identities DROP COLUMN last_seen_at")
    op.execute(
        "ALTER TABLE crm.clients DROP COLUMN name_terms, DROP COLUMN notes_sealed,"
        " DROP COLUMN version, DROP COLUMN updated_at"
    )
    op.execute("DROP FUNCTION crm.name_guesses, crm.name_terms, crm.word_spellings, crm.name_words")
    for name in ENUMS:
        op.execute(f"DROP TYPE crm.{name}")
