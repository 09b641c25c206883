"""One statement answers a search: both legs, their fusion and the texts, in a single round trip."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pgvector import HalfVector

from core.db import Connection
from core.retrieval.analyzer import analyze
from core.retrieval.passages import Passage
from core.retrieval.spelling import typo_keys

MAX_TERMS = 64
"""Words of a question that are looked up; those of a longer one say what it is about."""

FREQUENCY_BUDGET = 4_000
"""Chunks that the words choosing the lexical candidates may have together; the rarest words choose first."""

SHORT_LIST = 30
"""Passages worth a second look: with 50, nDCG@10 is the same and the look costs twice."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search is confined to: documents by public id, and metadata they must contain."""

    documents: Sequence[UUID] | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class DenseQuestion:
    """The question as its model sees it; the dense leg runs only if the namespace is of this very model.

    `weight` (if any) goes before the namespace's own, which goes before `default_weight`.
    """

    provider: str
    name: str
    vector: HalfVector
    default_weight: float
    floor: float
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A short list, best first by the index, and the weight of the dense leg in its namespace."""

    passages: list[Passage]
    dense_weight: float


async def search(
    connection: Connection,
    question: str,
    *,
    namespace: str,
    filters: Filters,
    dense: DenseQuestion | None = None,
    limit: int = SHORT_LIST,
) -> Found:
    """The passages that share words with the question or lie near it; none when nothing does."""
    analysis = analyze(question)
    stems, codes = analysis.stems[:MAX_TERMS], analysis.codes[:MAX_TERMS]
    terms = stems + codes
    positions = [*range(len(stems)), *range(MAX_TERMS, MAX_TERMS + 2 * len(codes), 2)]  # codes have no pairs
    keys = [
        (position, key) for position, term in zip(positions, terms, strict=True) for key in typo_keys(term)
    ]
    rows = await connection.fetch(
        _SEARCH,
        namespace,
        terms,
        positions,
        [position for position, _ in keys],
        [key for _, key in keys],
        FREQUENCY_BUDGET,
        filters.documents,
        json.dumps(filters.metadata) if filters.metadata else None,
        dense.vector if dense else None,
        dense.provider if dense else None,
        dense.name if dense else None,
        dense.default_weight if dense else 0.0,
        dense.floor if dense else 1.0,
        limit,
        dense.weight if dense else None,
    )
    return Found([_passage(dict(row)) for row in rows], rows[0]["dense_weight"] if rows else 0.0)


def _passage(row: dict[str, Any]) -> Passage:
    del row["dense_weight"]
    return Passage(**row)


_SEARCH = """
WITH space AS MATERIALIZED (
    SELECT n.id, n.chunk_count, m.id AS model_id,
           coalesce($15::float8, n.dense_weight, $12::float8) AS dense_weight
    FROM ai.namespaces n
    LEFT JOIN ai.embedding_models m ON m.id = n.embedding_model_id AND m.provider = $10 AND m.name = $11
                                   AND m.dimensions = vector_dims($9::halfvec)
    WHERE n.name = $1
), allowed AS (
    SELECT d.id FROM ai.documents d, space
    WHERE d.namespace_id = space.id AND ($7::uuid[] IS NULL OR d.public_id = ANY($7))
      AND ($8::text IS NULL OR d.metadata @> $8::text::jsonb)
), asked AS MATERIALIZED (
    SELECT term, position FROM unnest($2::text[], $3::integer[]) AS u (term, position)
), known AS MATERIALIZED (
    SELECT a.position, t.term, t.document_frequency, 1.0::float8 AS likeness, 1::bigint AS place
    FROM space, asked a, ai.terms t WHERE t.namespace_id = space.id AND t.term = a.term
), unknown AS MATERIALIZED (
    SELECT a.position, a.term, array_agg(u.key # space.id::integer) AS keys
    FROM space, asked a JOIN unnest($4::integer[], $5::integer[]) AS u (position, key) USING (position)
    WHERE a.position NOT IN (SELECT position FROM known) GROUP BY a.position, a.term
), guessed AS MATERIALIZED (
    SELECT * FROM (
        SELECT u.position, t.term, t.document_frequency, alike.likeness,
               row_number() OVER (PARTITION BY u.position
                                  ORDER BY alike.likeness DESC, t.document_frequency DESC, t.term) AS place
        FROM space, unknown u
        JOIN ai.terms t ON t.typo_keys && u.keys
        CROSS JOIN LATERAL (  -- Dice's coefficient of the two words' 3-grams
            SELECT (2.0 * (count(*) - count(DISTINCT gram)) / count(*))::float8 AS likeness FROM (
                SELECT DISTINCT side, substr(word, i, 3) AS gram
                FROM (VALUES (1, '^' || u.term || '$'), (2, '^' || t.term || '$')) AS w (side, word),
                     generate_series(1, length(word) - 2) AS i) AS grams
        ) AS alike
        WHERE t.namespace_id + 0 = space.id AND alike.likeness >= 0.4  -- + 0: by the keys, not the namespace
    ) AS guesses WHERE place <= 4
), words AS MATERIALIZED (
    SELECT position, term, document_frequency AS df, likeness, place,
           ln(1 + (chunk_count - document_frequency + 0.5) / (document_frequency + 0.5))::float8 AS idf
    FROM space, (TABLE known UNION ALL TABLE guessed) AS w
), pairs AS MATERIALIZED (
    SELECT term, weight FROM (
        SELECT term || '_' || lead(term) OVER o AS term, least(idf, lead(idf) OVER o) AS weight,
               lead(position) OVER o - position AS gap
        FROM words WHERE place = 1 WINDOW o AS (ORDER BY position)
    ) AS neighbours WHERE gap = 1
), totals AS MATERIALIZED (
    SELECT (SELECT sum(likeness * idf) FROM words) AS words, (SELECT sum(weight) FROM pairs) AS pairs,
           (SELECT sum(coalesce(w.idf, ln(1 + (chunk_count + 0.5) / 0.5)))
            FROM asked LEFT JOIN words w ON w.position = asked.position AND w.place = 1) AS asked
    FROM space
), weights AS MATERIALIZED (
    SELECT dimension, sum(weight) AS weight, sum(word) AS word FROM (
        SELECT term, likeness * idf / totals.words AS weight, likeness * idf / totals.asked AS word
        FROM words, totals
        UNION ALL
        SELECT term, 0.43 * weight / totals.pairs, 0 FROM pairs, totals
    ) AS terms, LATERAL (  -- as core.retrieval.index.term_hash; pgvector's text counts from 1
        SELECT 1 + ('x' || left(encode(sha256(convert_to(term, 'UTF8')), 'hex'), 7))::bit(28)::integer
    ) AS h (dimension)
    GROUP BY dimension
), wanted AS MATERIALIZED (
    SELECT ('{' || string_agg(dimension || ':' || weight::real, ',') || '}/1000000000')::sparsevec AS ranking,
           ('{' || string_agg(dimension || ':' || word::real, ',') FILTER (WHERE word > 0)
                || '}/1000000000')::sparsevec AS covering,
           (SELECT '''#' || space.id || ''' & (' || string_agg(quote_literal(term), ' | ') || ')'
            FROM space, (SELECT term, row_number() OVER o AS place, sum(df) OVER o AS total
                         FROM words WINDOW o AS (ORDER BY df, term)) AS rarest
            WHERE total <= $6 OR rarest.place <= 2 GROUP BY space.id)::tsquery AS lexemes
    FROM weights
), lexical AS MATERIALIZED (
    SELECT c.id FROM ai.chunks c, wanted
    WHERE c.lexemes @@ wanted.lexemes
      AND (($7::uuid[] IS NULL AND $8::text IS NULL) OR c.document_id IN (SELECT id FROM allowed))
    ORDER BY c.bm25 <#> wanted.ranking LIMIT 50
), near AS MATERIALIZED (
    SELECT e.chunk_id AS id FROM ai.embeddings e
    WHERE $9::halfvec IS NOT NULL AND e.namespace_id = (SELECT id FROM space)
      AND e.model_id = (SELECT model_id FROM space WHERE dense_weight > 0)
      AND (($7::uuid[] IS NULL AND $8::text IS NULL) OR e.chunk_id IN (
           SELECT c.id FROM ai.chunks c WHERE c.document_id IN (SELECT id FROM allowed)))
    ORDER BY e.embedding <#> $9 LIMIT 80
), pool AS MATERIALIZED (
    SELECT c.id, coalesce(-(c.bm25 <#> wanted.ranking), 0) AS lexical,
           coalesce(-(c.bm25 <#> wanted.covering), 0) AS coverage, -(e.embedding <#> $9) AS dense
    FROM space, wanted, (TABLE lexical UNION TABLE near) AS ids
    JOIN ai.chunks c USING (id)
    LEFT JOIN ai.embeddings e ON $9::halfvec IS NOT NULL AND e.namespace_id = (SELECT id FROM space)
                             AND e.model_id = (SELECT model_id FROM space) AND e.chunk_id = c.id
), fused AS MATERIALIZED (
    SELECT pool.*, dense_weight,
           coalesce((lexical - avg(lexical) OVER o) / nullif(stddev(lexical) OVER o, 0), 0)
           + dense_weight
             * coalesce((dense - avg(dense) OVER o) / nullif(stddev(dense) OVER o, 0), 0) AS score
    FROM pool, space WHERE lexical > 0 OR dense >= $13 WINDOW o AS ()
    ORDER BY score DESC, pool.id LIMIT $14
)
SELECT f.id AS chunk_id, d.public_id AS document_id, c.version_id, v.number AS version, d.title, d.source,
       c.header, c.body AS text, c.start_offset AS start, c.end_offset AS "end", f.score, f.coverage,
       f.lexical, f.dense, f.dense_weight
FROM fused f JOIN ai.chunks c ON c.id = f.id JOIN ai.documents d ON d.id = c.document_id
JOIN ai.document_versions v ON v.id = c.version_id
ORDER BY f.score DESC, f.id
"""
