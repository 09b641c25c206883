"""A namespace tests itself: does the dense leg help here? If it would harm, it is weighed down to nothing.

Rank fusion loses to its better leg when the legs differ much; the guard here is a measurement, not a hope.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from core.db import Connection
from core.retrieval.analyzer import content_words
from core.retrieval.fusion import QueryEmbedder, fusion_of
from core.retrieval.metrics import quality
from core.retrieval.passages import Passage
from core.retrieval.queries import DenseQuestion, Filters, search
from core.retrieval.rerank import split_sentences
from core.retrieval.search import order

SAMPLE = 40
"""Chunks asked about; each gives two questions."""

ALONE = 1_000.0
"""A weight beside which the words' leg is silent."""

MOST = 4.0
"""No self-test makes the dense leg weigh more than this many times its default."""

LOSS = 0.005
"""nDCG@10 that a self-test this small cannot tell from chance."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """What is asked, and the header whose chunks answer it (or the one chunk that does)."""

    question: str
    header: str | None
    chunk_id: int

    def rank(self, passages: Sequence[Passage]) -> int | None:
        """Where the first right passage stands."""
        right = (i for i, p in enumerate(passages) if p.header == self.header or p.chunk_id == self.chunk_id)
        return next(right, None)


async def calibrate(connection: Connection, *, namespace: str, embedder: QueryEmbedder) -> float:
    """Set and return the namespace's dense weight, from a test made of its own text.

    Asked are headings (right: any chunk under it) and sentences of which every other word is left out
    (right: their chunk). The weight is the provider's default times the square of how well the dense leg
    does alone beside the words alone, so a leg without skill falls silent; then it is halved until both
    together are no worse than the better one. Needs no transaction; takes 80 embeddings and some 240
    searches. An empty namespace keeps the default. Raises JobError when the provider fails.
    """
    default, floor = fusion_of(embedder.provider)
    trials = await _trials(connection, namespace)
    asked = [
        DenseQuestion(
            embedder.provider, embedder.name, await embedder.embed_query(t.question), default, floor
        )
        for t in trials
    ]

    async def measure(weight: float) -> float:
        return await _measure(connection, namespace, trials, asked, weight)

    weight = await _choose(measure, default) if trials else default
    await connection.execute(
        "UPDATE ai.namespaces SET dense_weight = $2, calibrated_chunks = chunk_count WHERE name = $1",
        namespace,
        weight,
    )
    return weight


async def _choose(measure: Callable[[float], Awaitable[float]], default: float) -> float:
    words, near = await measure(0.0), await measure(ALONE)
    weight = default * min(MOST, (near / words) ** 2 if words else MOST)
    for candidate in (weight, weight / 2, weight / 4):
        if await measure(candidate) >= max(words, near) - LOSS:
            return candidate
    return 0.0 if words >= near else default * MOST


async def _trials(connection: Connection, namespace: str) -> list[_Trial]:
    """From chunks spread over the namespace; the same ones as long as it does not change."""
    rows = await connection.fetch(
        """SELECT c.id, c.header, c.body FROM ai.chunks c JOIN ai.namespaces n ON n.id = c.namespace_id
           WHERE n.name = $1 ORDER BY c.content_sha256 LIMIT $2""",
        namespace,
        SAMPLE,
    )
    headings = [_Trial(row["header"], row["header"], row["id"]) for row in rows if row["header"]]
    thinned = [_Trial(question, None, row["id"]) for row in rows if (question := _thinned(row["body"]))]
    return headings + thinned


def _thinned(body: str) -> str:
    """Every other content word of a sentence from the middle."""
    sentences = split_sentences(body)
    return " ".join(content_words(sentences[len(sentences) // 2])[::2][:8]) if sentences else ""


async def _measure(
    connection: Connection,
    namespace: str,
    trials: Sequence[_Trial],
    asked: Sequence[DenseQuestion],
    weight: float,
) -> float:
    ranks: list[int | None] = []
    for trial, dense in zip(trials, asked, strict=True):
        question = replace(dense, weight=weight)
        found = await search(
            connection, trial.question, namespace=namespace, filters=Filters(), dense=question
        )
        ranks.append(trial.rank(order(trial.question, found)))
    return quality(ranks).ndcg
