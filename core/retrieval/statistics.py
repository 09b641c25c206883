"""How many chunks and words a namespace has, and in how many chunks each word is: always exact.

Whoever changes a namespace's chunks locks its row first for the statistics: concurrent workers take turns
for a few milliseconds, counts stay exact, and no two of them can wait for each other.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from asyncpg import Record

from core.db import Connection
from core.retrieval.index import IndexEntry
from core.retrieval.spelling import typo_keys

COUNT = """
WITH space AS (
    UPDATE ai.namespaces SET chunk_count = chunk_count + $2, term_total = term_total + $3 WHERE id = $1
    RETURNING id, embedding_model_id, (SELECT dimensions FROM ai.embedding_models WHERE id = $4) AS dimensions
), counted AS (
    INSERT INTO ai.terms AS t (namespace_id, term, document_frequency, typo_keys)
    SELECT space.id, more.term, more.change,
           array(SELECT key # space.id::integer
                 FROM unnest(string_to_array(more.keys, ',')::integer[]) AS key)
    FROM space, unnest($5::text[], $6::bigint[], $7::text[]) AS more (term, change, keys)
    ON CONFLICT (namespace_id, term) DO UPDATE SET
        document_frequency = t.document_frequency + excluded.document_frequency
)
SELECT embedding_model_id, dimensions FROM space"""
"""No term is touched before the namespace is ours, for every one comes out of a join with it; and an upsert
meets the terms as they are, not as they were before we waited. Arrays of arrays must be rectangles, and
terms have as many keys as they like: keys travel as text."""

COUNT_DOWN = """
WITH less AS (
    SELECT t.term, t.document_frequency + u.change AS remaining
    FROM unnest($2::text[], $3::bigint[]) AS u (term, change)
    JOIN ai.terms t ON t.namespace_id = $1 AND t.term = u.term
), gone AS (
    DELETE FROM ai.terms t USING less
    WHERE t.namespace_id = $1 AND t.term = less.term AND less.remaining = 0
)
UPDATE ai.terms t SET document_frequency = less.remaining FROM less
WHERE t.namespace_id = $1 AND t.term = less.term AND less.remaining <> 0"""
"""Needs the namespace's lock, taken by an earlier statement: what is read here does not change any more."""


@dataclass(frozen=True, slots=True)
class Gone:
    """What deleted chunks take out of a namespace."""

    chunks: int
    length: int
    terms: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Change:
    """What a transaction adds to (or takes from) a namespace; `keys` are those of the terms in `more`."""

    chunks: int
    length: int
    more: Mapping[str, int]
    keys: Sequence[str]
    less: Mapping[str, int]


def difference(entries: Sequence[IndexEntry], gone: Gone) -> Change:
    """What changes when chunks with `entries` come in place of what is gone. Seconds for a book."""
    terms = Counter(term for entry in entries for term in entry.lexemes)
    terms.subtract(gone.terms)
    more = {term: change for term, change in terms.items() if change > 0}
    return Change(
        len(entries) - gone.chunks,
        sum(entry.length for entry in entries) - gone.length,
        more,
        [_keys(term) for term in more],
        {term: change for term, change in terms.items() if change < 0},
    )


@lru_cache(maxsize=65_536)
def _keys(term: str) -> str:
    return ",".join(map(str, typo_keys(term)))


async def count(
    connection: Connection, namespace_id: int, change: Change, model_id: int | None = None
) -> Record:
    """Lock the namespace and count; the model it is bound to, and the dimensions of `model_id`."""
    space = await connection.fetchrow(
        COUNT,
        namespace_id,
        change.chunks,
        change.length,
        model_id,
        list(change.more),
        list(change.more.values()),
        change.keys,
    )
    assert space is not None, "chunks refer to their namespace"
    if change.less:
        less = list(change.less), list(change.less.values())
        await connection.execute(COUNT_DOWN, namespace_id, *less)
    return space
