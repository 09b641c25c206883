"""Cases: their leases, events and alerts, and the rules nobody gets around."""

from alembic import op
from core.migrations import ensure_enum

revision = "0014"
down_revision: str | None = "0013"

STATES = [
    "disponivel",
    "em_atendimento",
    "calculista_pendente",
    "calculo_aprovado",
    "calculo_rejeitado",
    "fechamento_pendente",
    "contrato_efetivado",
    "encerrado",
    "sem_contato",
    "cancelado",
]
ENUMS = {
    "case_actor": ["agent", "supervisor", "admin", "service", "system"],
    "case_change": [
        "opened",
        "assigned",
        "released",
        "expired",
        "transferred",
        "extended",
        "sent_to_calculista",
        "transitioned",
    ],
    "case_priority": ["low", "normal", "high", "urgent"],
    "case_status": STATES,
    "lease_end": ["RELEASED", "EXPIRED", "TRANSFERRED", "EXTENDED", "SENT_TO_CALCULISTA", "MOVED_ON"],
}
LEADS = "supervisor admin"
OFFICE = f"{LEADS} service"
STAFF = f"{OFFICE} agent"
# As core.models.case_states.TRANSITIONS was at this revision; a test compares the table with it.
TRANSITIONS = {
    "disponivel": {"em_atendimento": STAFF, "encerrado": OFFICE, "cancelado": OFFICE},
    "em_atendimento": {
        "disponivel": f"{STAFF} system",
        "calculista_pendente": STAFF,
        "sem_contato": STAFF,
        "encerrado": STAFF,
        "cancelado": LEADS,
    },
    "calculista_pendente": {
        "calculo_aprovado": OFFICE,
        "calculo_rejeitado": OFFICE,
        "disponivel": OFFICE,
        "cancelado": LEADS,
    },
    "calculo_aprovado": {
        "fechamento_pendente": STAFF,
        "calculista_pendente": STAFF,
        "sem_contato": STAFF,
        "encerrado": STAFF,
        "cancelado": LEADS,
    },
    "calculo_rejeitado": {
        "em_atendimento": STAFF,
        "disponivel": OFFICE,
        "encerrado": OFFICE,
        "cancelado": LEADS,
    },
    "fechamento_pendente": {
        "contrato_efetivado": OFFICE,
        "calculo_aprovado": OFFICE,
        "sem_contato": STAFF,
        "cancelado": LEADS,
    },
    "contrato_efetivado": {"encerrado": OFFICE},
    "sem_contato": {"disponivel": LEADS},
    "encerrado": {"disponivel": LEADS},
    "cancelado": {"disponivel": LEADS},
}
ROWS = ", ".join(
    f"('{start}', '{to}', '{actor}')"
    for start, ways in TRANSITIONS.items()
    for to, actors in ways.items()
    for actor in actors.split()
)

TABLES = (
    """
CREATE TABLE crm.case_rules (
    id                 smallint NOT NULL DEFAULT 1 CONSTRAINT pk_case_rules PRIMARY KEY,
    lease_hours        bigint NOT NULL,
    max_active         bigint NOT NULL,
    retake_after_hours bigint NOT NULL,
    aging_hours        bigint NOT NULL,
    alert_hours        smallint[] NOT NULL,
    calendar           jsonb,
    updated_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_case_rules_one_row CHECK (id = 1),
    CONSTRAINT ck_case_rules_positive
        CHECK (lease_hours > 0 AND max_active > 0 AND retake_after_hours >= 0 AND aging_hours >= 0)
)""",
    """
INSERT INTO crm.case_rules (lease_hours, max_active, retake_after_hours, aging_hours, alert_hours)
VALUES (72, 20, 24, 24, '{24, 4, 1}')""",
    """
CREATE TABLE crm.case_transitions (
    from_status crm.case_status,
    to_status   crm.case_status,
    actor       crm.case_actor,
    CONSTRAINT pk_case_transitions PRIMARY KEY (from_status, to_status, actor)
)""",
    f"INSERT INTO crm.case_transitions (from_status, to_status, actor) VALUES {ROWS}",  # noqa: S608 - ours
    """
CREATE TABLE crm.cases (
    id               bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_cases PRIMARY KEY,
    public_id        uuid NOT NULL CONSTRAINT uq_cases_public_id UNIQUE,
    number           text NOT NULL GENERATED ALWAYS AS (
        'C' || (EXTRACT(year FROM (opened_at AT TIME ZONE 'America/Sao_Paulo'))::integer)::text || '-'
        || lpad(id::text, GREATEST(6, length(id::text)), '0')) STORED CONSTRAINT uq_cases_number UNIQUE,
    client_id        bigint NOT NULL CONSTRAINT fk_cases_client_id REFERENCES crm.clients (id),
    entity           text NOT NULL,
    status           crm.case_status NOT NULL DEFAULT 'disponivel',
    priority         crm.case_priority NOT NULL,
    owner_id         bigint,
    lease_token      bigint NOT NULL DEFAULT 0,
    lease_expires_at timestamptz,
    data             jsonb NOT NULL,
    version          bigint NOT NULL DEFAULT 1,
    opened_by        bigint,
    queue_at         timestamptz NOT NULL,
    opened_at        timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_cases_owner_has_lease CHECK ((owner_id IS NULL) = (lease_expires_at IS NULL)),
    CONSTRAINT ck_cases_held_where_it_may_be
        CHECK (owner_id IS NULL OR status IN ('em_atendimento', 'calculo_aprovado', 'fechamento_pendente')),
    CONSTRAINT ck_cases_worked_on_by_somebody CHECK (status <> 'em_atendimento' OR owner_id IS NOT NULL)
)""",
    """
CREATE UNIQUE INDEX uq_cases_open ON crm.cases (client_id, entity)
WHERE status NOT IN ('contrato_efetivado', 'encerrado', 'sem_contato', 'cancelado')""",
    "CREATE INDEX ix_cases_client_id_id ON crm.cases (client_id, id)",
    "CREATE INDEX ix_cases_owner_id_id ON crm.cases (owner_id, id)",
    "CREATE INDEX ix_cases_status_id ON crm.cases (status, id)",
    """
CREATE INDEX ix_cases_queue_at ON crm.cases (queue_at, id)
WHERE status IN ('disponivel', 'em_atendimento')""",
    "CREATE INDEX ix_cases_lease_expires_at ON crm.cases (lease_expires_at) WHERE owner_id IS NOT NULL",
    """
CREATE TABLE crm.case_assignments (
    case_id    bigint CONSTRAINT fk_case_assignments_case_id REFERENCES crm.cases (id),
    token      bigint,
    owner_id   bigint NOT NULL,
    taken_at   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,
    reason     crm.lease_end,
    CONSTRAINT pk_case_assignments PRIMARY KEY (case_id, token),
    CONSTRAINT ck_case_assignments_lasts CHECK (taken_at < expires_at),
    CONSTRAINT ck_case_assignments_ends_in_time CHECK (ended_at BETWEEN taken_at AND expires_at),
    CONSTRAINT ck_case_assignments_end_has_reason CHECK ((ended_at IS NULL) = (reason IS NULL))
)""",
    "CREATE UNIQUE INDEX uq_case_assignments_active ON crm.case_assignments (case_id) WHERE ended_at IS NULL",
    "CREATE INDEX ix_case_assignments_owner_id_taken_at ON crm.case_assignments (owner_id, taken_at)",
    """
CREATE TABLE crm.case_events (
    id            bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_case_events PRIMARY KEY,
    public_id     uuid NOT NULL CONSTRAINT uq_case_events_public_id UNIQUE,
    case_id       bigint NOT NULL CONSTRAINT fk_case_events_case_id REFERENCES crm.cases (id),
    version       bigint NOT NULL,
    change        crm.case_change NOT NULL,
    from_status   crm.case_status,
    to_status     crm.case_status NOT NULL,
    owner_id      bigint,
    token         bigint NOT NULL,
    expires_at    timestamptz,
    actor_id      bigint,
    acted_as      crm.case_actor NOT NULL,
    reason_sealed bytea,
    at            timestamptz NOT NULL DEFAULT now()
)""",
    "CREATE UNIQUE INDEX uq_case_events_version ON crm.case_events (case_id, version)",
    "CREATE INDEX ix_case_events_at ON crm.case_events (at)",
    """
CREATE TABLE crm.case_alerts (
    case_id         bigint CONSTRAINT fk_case_alerts_case_id REFERENCES crm.cases (id),
    token           bigint,
    threshold_hours smallint,
    at              timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_case_alerts PRIMARY KEY (case_id, token, threshold_hours)
)""",
    """
CREATE TABLE crm.case_comments (
    id          bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_case_comments PRIMARY KEY,
    public_id   uuid NOT NULL CONSTRAINT uq_case_comments_public_id UNIQUE,
    case_id     bigint NOT NULL CONSTRAINT fk_case_comments_case_id REFERENCES crm.cases (id),
    body_sealed bytea NOT NULL,
    author_id   bigint NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
)""",
    "CREATE INDEX ix_case_comments_case_id_id ON crm.case_comments (case_id, id)",
    """
CREATE TABLE crm.case_attachments (
    id             bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_case_attachments PRIMARY KEY,
    public_id      uuid NOT NULL CONSTRAINT uq_case_attachments_public_id UNIQUE,
    case_id        bigint NOT NULL CONSTRAINT fk_case_attachments_case_id REFERENCES crm.cases (id),
    name_sealed    bytea NOT NULL,
    media_type     text NOT NULL,
    size           bigint NOT NULL,
    content_sealed bytea NOT NULL,
    author_id      bigint NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_case_attachments_bounded CHECK (size BETWEEN 1 AND 10000000)
)""",
    "CREATE INDEX ix_case_attachments_case_id_id ON crm.case_attachments (case_id, id)",
)
GUARDS = (
    """
CREATE FUNCTION crm.refuse(rule text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', rule USING ERRCODE = 'check_violation';
END $$""",
    """
CREATE FUNCTION crm.guard_case() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF (NEW.status, NEW.version, NEW.lease_token) <> ('disponivel', 1, 0) THEN
            PERFORM crm.refuse('a case begins as nobody''s');
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.version <= OLD.version THEN
        PERFORM crm.refuse('a new state of a case is a new version');
    ELSIF NEW.lease_token < OLD.lease_token THEN
        PERFORM crm.refuse('the token of a case only grows');
    ELSIF NEW.lease_token = OLD.lease_token AND NEW.owner_id IS NOT NULL
          AND (NEW.owner_id, NEW.lease_expires_at) IS DISTINCT FROM (OLD.owner_id, OLD.lease_expires_at) THEN
        PERFORM crm.refuse('a new lease has a new token');
    ELSIF NEW.status <> OLD.status AND NOT EXISTS (
        SELECT FROM crm.case_transitions t WHERE (t.from_status, t.to_status) = (OLD.status, NEW.status)
    ) THEN
        PERFORM crm.refuse(format('a case cannot go from %s to %s', OLD.status, NEW.status));
    END IF;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER guard_insert BEFORE INSERT ON crm.cases FOR EACH ROW EXECUTE FUNCTION crm.guard_case()""",
    """
CREATE TRIGGER guard_update BEFORE UPDATE ON crm.cases FOR EACH ROW
WHEN ((OLD.status, OLD.owner_id, OLD.lease_token, OLD.lease_expires_at)
      IS DISTINCT FROM (NEW.status, NEW.owner_id, NEW.lease_token, NEW.lease_expires_at))
EXECUTE FUNCTION crm.guard_case()""",
    """
CREATE FUNCTION crm.check_case_is_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM crm.cases WHERE id = NEW.id AND version > NEW.version) THEN
        RETURN NULL;
    END IF;
    IF NOT EXISTS (
        SELECT FROM crm.case_events e
        WHERE (e.case_id, e.version) = (NEW.id, NEW.version)
          AND (e.to_status, e.token) = (NEW.status, NEW.lease_token)
          AND (e.owner_id, e.expires_at) IS NOT DISTINCT FROM (NEW.owner_id, NEW.lease_expires_at)
    ) THEN
        PERFORM crm.refuse('a state of a case has its event');
    ELSIF (NEW.owner_id, NEW.lease_expires_at) IS DISTINCT FROM (
        SELECT (a.owner_id, a.expires_at) FROM (SELECT NULL) AS nobody LEFT JOIN crm.case_assignments a
        ON a.case_id = NEW.id AND a.token = NEW.lease_token AND a.ended_at IS NULL
    ) THEN
        PERFORM crm.refuse('who has a case has its lease');
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE CONSTRAINT TRIGGER is_told AFTER INSERT OR UPDATE ON crm.cases DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION crm.check_case_is_told()""",
    """
CREATE FUNCTION crm.guard_case_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        OLD.reason_sealed := NULL;
        IF TG_OP = 'DELETE' OR NEW IS DISTINCT FROM OLD THEN
            PERFORM crm.refuse('the events of a case do not change');
        END IF;
    ELSIF NEW.from_status IS DISTINCT FROM (
        SELECT to_status FROM crm.case_events WHERE case_id = NEW.case_id AND version = NEW.version - 1
    ) OR (NEW.from_status IS NULL) <> (NEW.version = 1) THEN
        PERFORM crm.refuse('an event begins where the one before it ended');
    ELSIF NEW.from_status <> NEW.to_status AND NOT EXISTS (
        SELECT FROM crm.case_transitions t
        WHERE (t.from_status, t.to_status, t.actor) = (NEW.from_status, NEW.to_status, NEW.acted_as)
    ) THEN
        PERFORM crm.refuse(
            format('%s cannot take a case from %s to %s', NEW.acted_as, NEW.from_status, NEW.to_status));
    END IF;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER append_only BEFORE INSERT OR UPDATE OR DELETE ON crm.case_events
FOR EACH ROW EXECUTE FUNCTION crm.guard_case_event()""",
    """
CREATE FUNCTION crm.guard_case_assignment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF EXISTS (
            SELECT FROM crm.case_assignments a
            WHERE a.case_id = NEW.case_id
              AND (a.token >= NEW.token OR a.ended_at IS NULL OR a.ended_at > NEW.taken_at)
        ) THEN
            PERFORM crm.refuse('leases of a case do not overlap');
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL
       OR (NEW.case_id, NEW.token, NEW.owner_id, NEW.taken_at, NEW.expires_at)
          <> (OLD.case_id, OLD.token, OLD.owner_id, OLD.taken_at, OLD.expires_at) THEN
        PERFORM crm.refuse('a lease does nothing but end, once');
    END IF;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER ends_once BEFORE INSERT OR UPDATE OR DELETE ON crm.case_assignments
FOR EACH ROW EXECUTE FUNCTION crm.guard_case_assignment()""",
)


def upgrade() -> None:
    """Apply."""
    for name, labels in ENUMS.items():
        ensure_enum("crm", name, labels)
    for statement in (*TABLES, *GUARDS):
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute(
        "DROP TABLE crm.case_attachments, crm.case_comments, crm.case_alerts, crm.case_events,"
        " crm.case_assignments, crm.cases, crm.case_transitions, crm.case_rules"
    )
    op.execute(
        "DROP FUNCTION crm.guard_case, crm.check_case_is_told, crm.guard_case_event,"
        " crm.guard_case_assignment, crm.refuse"
    )
    for name in ENUMS:
        op.execute(f"DROP TYPE crm.{name}")
