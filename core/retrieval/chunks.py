"""Keeps the chunks of a document and the statistics of its namespace, always in one transaction."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pgvector import HalfVector

from core.db import Connection
from core.errors import JobError
from core.retrieval.embedding_models import bind_model
from core.retrieval.index import IndexEntry, content_hash, index_chunk
from core.retrieval.statistics import Gone, count, difference

NAMESPACE_MARK = "#"
"""Begins the lexeme that ties a chunk to its namespace in the text index; no word begins with it."""

ROWS_AT_ONCE = 500
"""Rows sent in one go are encoded in one go, and whoever shares the event loop waits meanwhile."""

INSERT_CHUNK = """
WITH chunk AS (
    INSERT INTO ai.chunks (namespace_id, document_id, version_id, ordinal, start_offset, end_offset,
                           header, body, content_sha256, lexemes, bm25, length)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, array_to_tsvector($10::text[]), $11, $12)
    RETURNING namespace_id, id
)
INSERT INTO ai.embeddings (namespace_id, model_id, chunk_id, embedding)
SELECT namespace_id, $13::smallint, id, $14::halfvec FROM chunk WHERE $13 IS NOT NULL AND $14 IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A chunk to be stored: `body` is `canonical_text[start:end]`; `vector` is None without embeddings.

    Its index entry is made with it, a millisecond of work: make many on a thread, before the transaction.
    """

    start: int
    end: int
    header: str
    body: str
    vector: HalfVector | None = None
    entry: IndexEntry = field(init=False)

    def __post_init__(self) -> None:
        """Analyse the words while nobody waits for a lock."""
        object.__setattr__(self, "entry", index_chunk(self.header, self.body))


async def replace_chunks(
    connection: Connection,
    *,
    namespace_id: int,
    document_id: int,
    version_id: int,
    chunks: Sequence[NewChunk],
    model_id: int | None = None,
) -> None:
    """Make `chunks` the searchable ones of the document, in place of all it had.

    Needs a transaction that has locked the document's row; call it last, it makes others wait. Raises
    JobError `embedding_dimension_mismatch` for a vector that is not of the model's dimensions, and
    `embedding_model_mismatch` when the namespace holds vectors of another model.
    """
    gone = await _delete(connection, document_id)
    await _insert(connection, namespace_id, document_id, version_id, chunks, model_id)
    entries = [chunk.entry for chunk in chunks]
    change = await asyncio.to_thread(difference, entries, gone)  # seconds for a book
    space = await count(connection, namespace_id, change, model_id)
    if model_id is not None:
        _refuse_strangers(chunks, space["dimensions"])
        if space["embedding_model_id"] != model_id:
            await bind_model(connection, namespace_id=namespace_id, model_id=model_id)


async def delete_chunks(connection: Connection, *, namespace_id: int, document_id: int) -> None:
    """Make the document unsearchable and take it out of the statistics."""
    change = difference([], await _delete(connection, document_id))
    await count(connection, namespace_id, change)


async def list_vectors(connection: Connection, *, document_id: int, model_id: int) -> dict[bytes, HalfVector]:
    """The document's vectors by `content_hash`: what did not change need not be embedded again."""
    rows = await connection.fetch(
        """SELECT c.content_sha256, e.embedding
           FROM ai.chunks c JOIN ai.embeddings e
             ON e.namespace_id = c.namespace_id AND e.model_id = $2 AND e.chunk_id = c.id
           WHERE c.document_id = $1""",
        document_id,
        model_id,
    )
    return {row["content_sha256"]: row["embedding"] for row in rows}


def _refuse_strangers(chunks: Iterable[NewChunk], expected: int) -> None:
    if any(chunk.vector is not None and chunk.vector.dimensions() != expected for chunk in chunks):
        raise JobError(
            "embedding_dimension_mismatch", f"The embedding model must answer with {expected} dimensions."
        )


async def _delete(connection: Connection, document_id: int) -> Gone:
    rows = await connection.fetch(
        """WITH gone AS (DELETE FROM ai.chunks WHERE document_id = $1 RETURNING lexemes, length)
           SELECT term, count(*) AS chunks, 0 AS length
           FROM gone, unnest(tsvector_to_array(lexemes)) AS term GROUP BY term
           UNION ALL SELECT NULL, count(*), coalesce(sum(length), 0)::bigint FROM gone""",
        document_id,
    )
    terms = {row["term"]: row["chunks"] for row in rows if row["term"] is not None}
    total = rows[-1]
    return Gone(
        total["chunks"],
        total["length"],
        {term: count for term, count in terms.items() if not term.startswith(NAMESPACE_MARK)},
    )


async def _insert(
    connection: Connection,
    namespace_id: int,
    document_id: int,
    version_id: int,
    chunks: Sequence[NewChunk],
    model_id: int | None,
) -> None:
    mark = f"{NAMESPACE_MARK}{namespace_id}"
    for first in range(0, len(chunks), ROWS_AT_ONCE):
        await connection.executemany(
            INSERT_CHUNK,
            [
                (
                    namespace_id,
                    document_id,
                    version_id,
                    ordinal,
                    chunk.start,
                    chunk.end,
                    chunk.header,
                    chunk.body,
                    content_hash(chunk.header, chunk.body),
                    [mark, *chunk.entry.lexemes],
                    chunk.entry.bm25,
                    chunk.entry.length,
                    model_id,
                    chunk.vector,
                )
                for ordinal, chunk in enumerate(chunks[first : first + ROWS_AT_ONCE], first)
            ],
        )
