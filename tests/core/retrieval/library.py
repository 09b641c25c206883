"""A namespace to put documents into, for tests."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pgvector import HalfVector

from core.db import Database, driver_connection
from core.ids import uuid7
from core.retrieval.chunks import NewChunk, replace_chunks

SEPARATOR = "\n\n"


@dataclass
class Library:
    database: Database
    namespace_id: int
    name: str = "default"

    async def fetch(self, statement: str, *arguments: Any) -> list[Any]:
        async with self.database.transaction() as session:
            return await (await driver_connection(session)).fetch(statement, *arguments)

    async def add(
        self,
        source: str,
        texts: Sequence[str],
        *,
        header: str = "",
        metadata: str = "{}",
        vectors: Sequence[HalfVector] | None = None,
        model_id: int | None = None,
    ) -> Any:
        """Store a new version of `source`; its row of ai.documents."""
        canonical = SEPARATOR.join(texts)
        async with self.database.transaction() as session:
            connection = await driver_connection(session)
            document = await connection.fetchrow(
                """INSERT INTO ai.documents (public_id, namespace_id, source, title, metadata)
                   VALUES ($1, $2, $3, $3, $4::text::jsonb)
                   ON CONFLICT (namespace_id, source) DO UPDATE SET updated_at = now() RETURNING *""",
                uuid7(),
                self.namespace_id,
                source,
                metadata,
            )
            assert document is not None
            version_id = await connection.fetchval(
                """INSERT INTO ai.document_versions
                       (document_id, number, source_sha256, text_sha256, canonical_text, media_type)
                   VALUES ($1, 1 + (SELECT count(*) FROM ai.document_versions WHERE document_id = $1), $2, $2,
                           $3, 'text/plain') RETURNING id""",
                document["id"],
                hashlib.sha256(canonical.encode()).digest(),
                canonical,
            )
            await replace_chunks(
                connection,
                namespace_id=self.namespace_id,
                document_id=document["id"],
                version_id=version_id,
                chunks=_chunks(header, texts, vectors),
                model_id=model_id,
            )
        return document

    async def statistics(self) -> tuple[int, int, dict[str, int]]:
        """Chunks, words and document frequencies as they are kept."""
        (space,) = await self.fetch("SELECT * FROM ai.namespaces WHERE id = $1", self.namespace_id)
        terms = await self.fetch("SELECT * FROM ai.terms WHERE namespace_id = $1", self.namespace_id)
        frequencies = {row["term"]: row["document_frequency"] for row in terms}
        return space["chunk_count"], space["term_total"], frequencies

    async def counted(self) -> tuple[int, int, dict[str, int]]:
        """The same, counted anew from the chunks."""
        (total,) = await self.fetch(
            "SELECT count(*) n, coalesce(sum(length), 0)::bigint l FROM ai.chunks WHERE namespace_id = $1",
            self.namespace_id,
        )
        terms = await self.fetch(
            """SELECT term, count(*) n FROM ai.chunks, unnest(tsvector_to_array(lexemes)) term
               WHERE namespace_id = $1 AND term NOT LIKE '#%' GROUP BY term""",
            self.namespace_id,
        )
        return total["n"], total["l"], {row["term"]: row["n"] for row in terms}


def _chunks(header: str, texts: Sequence[str], vectors: Sequence[HalfVector] | None) -> list[NewChunk]:
    chunks: list[NewChunk] = []
    start = 0
    for number, text in enumerate(texts):
        vector = vectors[number] if vectors else None
        chunks.append(NewChunk(start, start + len(text), header, text, vector))
        start += len(text) + len(SEPARATOR)
    return chunks
