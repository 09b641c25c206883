"""From a question to passages: embed, one statement, a second look at the short list."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import structlog

from core.db import Database
from core.errors import JobError
from core.retrieval.fusion import QueryEmbedder, fusion_of, zscores
from core.retrieval.passages import Passage
from core.retrieval.queries import SHORT_LIST, DenseQuestion, Filters, Found, search
from core.retrieval.rerank import Candidate, rerank

log = structlog.get_logger(__name__)
ANYWHERE = Filters()
T = TypeVar("T")

LONG_QUESTION = 300
"""Code points: reading passages for a question of this length keeps the event loop for some 10 ms."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Passages, best first. `coverage` (see `Passage`) is that of the best covered passage, 0 for none."""

    passages: list[Passage]
    coverage: float


async def retrieve(
    database: Database,
    question: str,
    *,
    namespace: str,
    top_k: int,
    embedder: QueryEmbedder | None,
    filters: Filters = ANYWHERE,
) -> Retrieval:
    """The `top_k` passages of `namespace` that answer best; no passage when none shares a word or meaning.

    The embedding is made before a connection is taken. When its provider fails, the words alone decide.
    """
    dense = await _dense_question(embedder, question) if embedder else None
    limit = max(top_k, SHORT_LIST)
    async with database.connection() as connection:
        found = await search(
            connection, question, namespace=namespace, filters=filters, dense=dense, limit=limit
        )
    passages = await aside(question, partial(order, question, found))
    return Retrieval(passages[:top_k], max((p.coverage for p in found.passages), default=0.0))


async def aside(question: str, work: Callable[[], T]) -> T:
    """The result of pure `work`, done on a thread when the question is long, so that nobody waits."""
    return await asyncio.to_thread(work) if len(question) > LONG_QUESTION else work()


def order(question: str, found: Found) -> list[Passage]:
    """The short list by its final score: the rerank's, and the dense leg's by its weight."""
    passages = found.passages
    close = zscores(rerank(question, [Candidate(p.header, p.text, p.lexical) for p in passages]))
    near = zscores([p.dense for p in passages])
    scores = [c + found.dense_weight * n for c, n in zip(close, near, strict=True)]
    scored = [replace(p, score=score) for p, score in zip(passages, scores, strict=True)]
    return sorted(scored, key=lambda p: (-p.score, p.chunk_id))


async def _dense_question(embedder: QueryEmbedder, question: str) -> DenseQuestion | None:
    fusion = fusion_of(embedder.provider)
    try:
        vector = await embedder.embed_query(question)
    except JobError as error:
        log.warning("embedding_failed", code=error.code)
        return None
    return DenseQuestion(embedder.provider, embedder.name, vector, fusion.weight, fusion.floor)
