"""What persons are told, and what they decide: notices, deliveries, the ledger of consents."""

from alembic import op
from core.migrations import ensure_enum

revision = "0010"
down_revision: str | None = "0009"

ENUMS = {
    "consent_action": ["GRANT", "REVOKE"],
    "consent_cause": ["DECISION", "CARRIED", "RESTORED"],
}

TABLES = (
    """
CREATE TABLE crm.notices (
    id           bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_notices PRIMARY KEY,
    public_id    uuid NOT NULL CONSTRAINT uq_notices_public_id UNIQUE,
    purpose      text NOT NULL,
    version      bigint NOT NULL,
    language     text NOT NULL,
    body         text NOT NULL,
    sha256       bytea NOT NULL,
    asks_again   boolean NOT NULL DEFAULT false,
    principal_id bigint,
    published_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_notices_purpose_version UNIQUE (purpose, version),
    CONSTRAINT uq_notices_id_purpose_sha256 UNIQUE (id, purpose, sha256),
    CONSTRAINT ck_notices_sha256_of_body CHECK (sha256 = sha256(convert_to(body, 'UTF8'))),
    CONSTRAINT ck_notices_version CHECK (version > 0)
)""",
    """
CREATE TABLE crm.notice_deliveries (
    id        bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_notice_deliveries PRIMARY KEY,
    client_id bigint NOT NULL CONSTRAINT fk_notice_deliveries_client_id REFERENCES crm.clients (id),
    notice_id bigint NOT NULL CONSTRAINT fk_notice_deliveries_notice_id REFERENCES crm.notices (id),
    channel   text NOT NULL,
    event_id  bigint CONSTRAINT fk_notice_deliveries_event_id REFERENCES crm.ingest_events (id),
    shown_at  timestamptz NOT NULL DEFAULT clock_timestamp()
)""",
    "CREATE INDEX ix_notice_deliveries_client_id_id ON crm.notice_deliveries (client_id, id)",
    """
CREATE TABLE crm.consents (
    id              bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_consents PRIMARY KEY,
    public_id       uuid NOT NULL CONSTRAINT uq_consents_public_id UNIQUE,
    client_id       bigint NOT NULL CONSTRAINT fk_consents_client_id REFERENCES crm.clients (id),
    seq             bigint NOT NULL,
    purpose         text NOT NULL,
    action          crm.consent_action NOT NULL,
    cause           crm.consent_cause NOT NULL,
    notice_id       bigint NOT NULL,
    notice_sha256   bytea NOT NULL,
    channel         text NOT NULL,
    event_id        bigint CONSTRAINT fk_consents_event_id REFERENCES crm.ingest_events (id),
    evidence_digest bytea,
    principal_id    bigint,
    decided_at      timestamptz NOT NULL,
    prev_hash       bytea NOT NULL,
    hash            bytea NOT NULL,
    CONSTRAINT uq_consents_client_id_seq UNIQUE (client_id, seq),
    CONSTRAINT fk_consents_notice FOREIGN KEY (notice_id, purpose, notice_sha256)
        REFERENCES crm.notices (id, purpose, sha256)
)""",
    "CREATE INDEX ix_consents_client_id_purpose_seq ON crm.consents (client_id, purpose, seq)",
    """
CREATE TABLE crm.consent_heads (
    client_id bigint CONSTRAINT pk_consent_heads PRIMARY KEY
        CONSTRAINT fk_consent_heads_client_id REFERENCES crm.clients (id),
    length    bigint NOT NULL,
    hash      bytea NOT NULL
)""",
    """
CREATE TABLE crm.consent_evidence (
    consent_id  bigint CONSTRAINT pk_consent_evidence PRIMARY KEY
        CONSTRAINT fk_consent_evidence_consent_id REFERENCES crm.consents (id),
    salt        bytea NOT NULL,
    body_sealed bytea NOT NULL
)""",
)

APPEND_ONLY = ("notices", "notice_deliveries", "consents")
REFUSE = """
CREATE FUNCTION crm.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$"""

FIRST_NOTICE = """\
Aviso de privacidade – atendimento

Para atender você por este canal, a organização responsável por ele (controladora dos dados) precisa do seu \
consentimento para tratar dados pessoais seus.

Que dados: seu nome, seu telefone, e-mail ou identificação neste canal, seu CPF ou CNPJ se você o informar, \
e o conteúdo das mensagens que trocarmos.
Para quê: responder às suas perguntas, inclusive de forma automatizada, e abrir e acompanhar seus pedidos \
de suporte, com base no seu consentimento (art. 7º, I). Nada além disso: seus dados não são vendidos nem \
usados para publicidade.
Com quem: apenas com a equipe de atendimento e com os fornecedores que operam este canal em nome dela.
Por quanto tempo: enquanto durar o atendimento e pelos prazos que a lei obriga a guardar registros.

Seus direitos (art. 18 da Lei nº 13.709/2018, LGPD), sem custo: confirmar se tratamos seus dados, acessá- \
los, corrigi-los, pedir cópia, anonimização, bloqueio ou eliminação, saber com quem foram compartilhados \
e pedir a revisão de decisões automatizadas. Para exercê-los, escreva aqui ou procure o encarregado pelo \
tratamento de dados da organização, cujo contato está nos canais oficiais dela.

Você não é obrigado a concordar; sem o consentimento, não seguimos com o atendimento por aqui. E pode \
desistir quando quiser: basta responder "revogar". O que foi feito antes continua válido.

Você concorda? Responda SIM ou NÃO."""


def upgrade() -> None:
    """Apply."""
    for name, labels in ENUMS.items():
        ensure_enum("crm", name, labels)
    for statement in TABLES:
        op.execute(statement)
    op.execute(REFUSE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON crm.{table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION crm.refuse_change()"
        )
    body = FIRST_NOTICE.replace("'", "''")
    op.execute(
        "INSERT INTO crm.notices (public_id, purpose, version, language, body, sha256)"  # noqa: S608 - ours
        f" SELECT gen_random_uuid(), 'LGPD_V1', 1, 'pt-BR', body, sha256(convert_to(body, 'UTF8'))"
        f" FROM (VALUES ('{body}')) AS first (body)"
    )


def downgrade() -> None:
    """Take back."""
    op.execute(
        "DROP TABLE crm.consent_evidence, crm.consent_heads, crm.consents, crm.notice_deliveries, crm.notices"
    )
    op.execute("DROP FUNCTION crm.refuse_change()")
    for name in ENUMS:
        op.execute(f"DROP TYPE crm.{name}")
