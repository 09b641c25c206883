"""Documents, versions, chunks and the lexical and dense index beside them."""

from alembic import op

revision = "0002"
down_revision: str | None = "0001"

TABLES = (
    """
CREATE TABLE ai.embedding_models (
    id         smallint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_embedding_models PRIMARY KEY,
    provider   text NOT NULL,
    name       text NOT NULL,
    dimensions bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_embedding_models_provider_name_dimensions UNIQUE (provider, name, dimensions)
)""",
    """
CREATE TABLE ai.namespaces (
    id                 bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_namespaces PRIMARY KEY,
    name               text NOT NULL CONSTRAINT uq_namespaces_name UNIQUE,
    chunk_count        bigint NOT NULL DEFAULT 0,
    term_total         bigint NOT NULL DEFAULT 0,
    embedding_model_id smallint
        CONSTRAINT fk_namespaces_embedding_model_id REFERENCES ai.embedding_models (id),
    dense_weight       double precision,
    calibrated_chunks  bigint NOT NULL DEFAULT 0,
    created_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_namespaces_counts CHECK (chunk_count >= 0 AND term_total >= 0)
)""",
    """
CREATE TABLE ai.documents (
    id                 bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_documents PRIMARY KEY,
    public_id          uuid NOT NULL CONSTRAINT uq_documents_public_id UNIQUE,
    namespace_id       bigint NOT NULL CONSTRAINT fk_documents_namespace_id REFERENCES ai.namespaces (id),
    source             text NOT NULL,
    title              text NOT NULL,
    metadata           jsonb NOT NULL DEFAULT '{}',
    current_version_id bigint,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    deleted_at         timestamptz,
    CONSTRAINT uq_documents_namespace_id_source UNIQUE (namespace_id, source)
)""",
    """
CREATE TABLE ai.document_versions (
    id             bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_document_versions PRIMARY KEY,
    document_id    bigint NOT NULL
        CONSTRAINT fk_document_versions_document_id REFERENCES ai.documents (id) ON DELETE CASCADE,
    number         bigint NOT NULL,
    source_sha256  bytea NOT NULL,
    text_sha256    bytea NOT NULL,
    canonical_text text NOT NULL,
    outline        jsonb NOT NULL DEFAULT '[]',
    media_type     text NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_document_versions_document_id_number UNIQUE (document_id, number)
)""",
    """
CREATE TABLE ai.chunks (
    id             bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_chunks PRIMARY KEY,
    namespace_id   bigint NOT NULL CONSTRAINT fk_chunks_namespace_id REFERENCES ai.namespaces (id),
    document_id    bigint NOT NULL
        CONSTRAINT fk_chunks_document_id REFERENCES ai.documents (id) ON DELETE CASCADE,
    version_id     bigint NOT NULL
        CONSTRAINT fk_chunks_version_id REFERENCES ai.document_versions (id) ON DELETE CASCADE,
    ordinal        bigint NOT NULL,
    start_offset   bigint NOT NULL,
    end_offset     bigint NOT NULL,
    header         text NOT NULL,
    body           text NOT NULL,
    content_sha256 bytea NOT NULL,
    lexemes        tsvector NOT NULL,
    bm25           sparsevec(1000000000) NOT NULL,
    length         bigint NOT NULL,
    CONSTRAINT ck_chunks_span CHECK (0 <= start_offset AND start_offset < end_offset),
    CONSTRAINT uq_chunks_document_id_ordinal UNIQUE (document_id, ordinal) DEFERRABLE INITIALLY DEFERRED
) WITH (toast_tuple_target = 8160)""",  # whole rows in the heap: ranking reads bm25 of hundreds of them
    "CREATE INDEX ix_chunks_lexemes ON ai.chunks USING gin (lexemes) WITH (fastupdate = off)",
    "CREATE INDEX ix_chunks_version_id ON ai.chunks (version_id)",
    """
CREATE TABLE ai.embeddings (
    namespace_id bigint NOT NULL,
    model_id     smallint NOT NULL
        CONSTRAINT fk_embeddings_model_id REFERENCES ai.embedding_models (id),
    chunk_id     bigint NOT NULL
        CONSTRAINT fk_embeddings_chunk_id REFERENCES ai.chunks (id) ON DELETE CASCADE,
    embedding    halfvec NOT NULL,
    CONSTRAINT pk_embeddings PRIMARY KEY (namespace_id, model_id, chunk_id)
)""",
    # Out-of-line vectors would cost a second read per row of every exact scan.
    "ALTER TABLE ai.embeddings ALTER COLUMN embedding SET STORAGE PLAIN",
    "CREATE INDEX ix_embeddings_chunk_id ON ai.embeddings (chunk_id)",
    """
CREATE TABLE ai.terms (
    namespace_id       bigint NOT NULL CONSTRAINT fk_terms_namespace_id REFERENCES ai.namespaces (id),
    term               text NOT NULL,
    document_frequency bigint NOT NULL,
    typo_keys          integer[] NOT NULL DEFAULT '{}',
    CONSTRAINT pk_terms PRIMARY KEY (namespace_id, term),
    CONSTRAINT ck_terms_document_frequency CHECK (document_frequency >= 0)
) WITH (fillfactor = 70)""",
    "CREATE INDEX ix_terms_typo_keys ON ai.terms USING gin (typo_keys) WITH (fastupdate = off)",
    """
CREATE TABLE ai.ingestion_results (
    job_id         bigint CONSTRAINT pk_ingestion_results PRIMARY KEY,
    document_id    bigint NOT NULL
        CONSTRAINT fk_ingestion_results_document_id REFERENCES ai.documents (id) ON DELETE CASCADE,
    version_id     bigint NOT NULL,
    outcome        text NOT NULL,
    chunk_count    bigint NOT NULL,
    embedded_count bigint NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now()
)""",
    "CREATE INDEX ix_ingestion_results_document_id ON ai.ingestion_results (document_id)",
)


def upgrade() -> None:
    """Apply."""
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute(
        "DROP TABLE ai.ingestion_results, ai.terms, ai.embeddings, ai.chunks, ai.document_versions, "
        "ai.documents, ai.namespaces, ai.embedding_models"
    )
