"""Puts passages into a namespace as the pipeline would: a document per title, a chunk per passage."""

import hashlib
from collections.abc import Sequence
from itertools import groupby

from pgvector import HalfVector

from core.db import Connection
from core.embeddings import Embedder, probe
from core.ids import uuid7
from core.retrieval.chunks import NewChunk, replace_chunks
from core.retrieval.embedding_models import ensure_model

SEPARATOR = "\n\n"


async def store(
    connection: Connection, namespace: str, passages: Sequence[tuple[str, str]], embedder: Embedder | None
) -> None:
    """Store and index the passages, in order, in one transaction for each document."""
    namespace_id = await connection.fetchval(
        "INSERT INTO ai.namespaces (name) VALUES ($1) RETURNING id", namespace
    )
    for number, (title, group) in enumerate(groupby(passages, key=lambda passage: passage[0])):
        texts = [text for _, text in group]
        vectors = await embedder.embed_passages([f"{title}\n{text}" for text in texts]) if embedder else None
        async with connection.transaction():
            model_id = embedder and await ensure_model(
                connection,
                namespace_id=namespace_id,
                provider=embedder.provider,
                name=embedder.name,
                dimensions=await probe(embedder),
            )
            document_id, version_id = await _insert_document(
                connection, namespace_id, f"{number}", title, SEPARATOR.join(texts)
            )
            await replace_chunks(
                connection,
                namespace_id=namespace_id,
                document_id=document_id,
                version_id=version_id,
                chunks=_chunks(title, texts, vectors),
                model_id=model_id or None,
            )


async def _insert_document(
    connection: Connection, namespace_id: int, source: str, title: str, text: str
) -> tuple[int, int]:
    document_id = await connection.fetchval(
        """INSERT INTO ai.documents (public_id, namespace_id, source, title) VALUES ($1, $2, $3, $4)
           RETURNING id""",
        uuid7(),
        namespace_id,
        source,
        title,
    )
    version_id = await connection.fetchval(
        """WITH v AS (
               INSERT INTO ai.document_versions
                   (document_id, number, source_sha256, text_sha256, canonical_text, media_type)
               VALUES ($1, 1, $2, $2, $3, 'text/plain') RETURNING id, document_id)
           UPDATE ai.documents d SET current_version_id = v.id FROM v WHERE d.id = v.document_id
           RETURNING v.id""",
        document_id,
        hashlib.sha256(text.encode()).digest(),
        text,
    )
    return document_id, version_id


def _chunks(title: str, texts: Sequence[str], vectors: Sequence[HalfVector] | None) -> list[NewChunk]:
    chunks: list[NewChunk] = []
    start = 0
    for number, text in enumerate(texts):
        vector = vectors[number] if vectors else None
        chunks.append(NewChunk(start, start + len(text), title, text, vector))
        start += len(text) + len(SEPARATOR)
    return chunks
