"""Questions, their answers and the exact spans each answer rests on."""

from alembic import op

revision = "0003"
down_revision: str | None = "0002"

TABLES = (
    """
CREATE TABLE ai.answers (
    id           bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_answers PRIMARY KEY,
    public_id    uuid NOT NULL CONSTRAINT uq_answers_public_id UNIQUE,
    principal_id bigint NOT NULL,
    namespace    text NOT NULL,
    question     text NOT NULL,
    answer       text,
    abstained    boolean,
    coverage     double precision,
    model        text,
    error        text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz
)""",
    "CREATE INDEX ix_answers_principal_id_id ON ai.answers (principal_id, id)",
    """
CREATE TABLE ai.answer_citations (
    answer_id    bigint NOT NULL
        CONSTRAINT fk_answer_citations_answer_id REFERENCES ai.answers (id) ON DELETE CASCADE,
    number       smallint NOT NULL,
    version_id   bigint NOT NULL
        CONSTRAINT fk_answer_citations_version_id REFERENCES ai.document_versions (id) ON DELETE CASCADE,
    start_offset bigint NOT NULL,
    end_offset   bigint NOT NULL,
    CONSTRAINT pk_answer_citations PRIMARY KEY (answer_id, number),
    CONSTRAINT ck_answer_citations_span CHECK (0 <= start_offset AND start_offset < end_offset)
)""",
    "CREATE INDEX ix_answer_citations_version_id ON ai.answer_citations (version_id)",
)


def upgrade() -> None:
    """Apply."""
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TABLE ai.answer_citations, ai.answers")
