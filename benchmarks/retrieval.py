"""Is the right passage found first? Our whole path beside well-known text searches, in one run.

Weights were chosen on half of FaQuAD's questions; the translated SQuAD sample only vetoed choices.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import quantiles
from time import perf_counter

from rich.console import Console
from rich.table import Table

from benchmarks import baselines, corpus
from benchmarks.question_sets import QuestionSet, in_a_hurry, load, without_accents
from core import log
from core.db import Connection, Database
from core.embeddings.hashed_ngrams import HashedNgrams
from core.migrations import upgrade
from core.retrieval.fusion import fusion_of
from core.retrieval.metrics import Quality, quality
from core.retrieval.queries import DenseQuestion, Filters, search
from core.retrieval.search import order
from ops.embedded import ephemeral_servers

SETS = {"faquad": 1, "squad1-pt-sample": 4}
"""Every how manieth question is asked: of a sample that only vetoes, a fourth tells enough (821 of 3,286)."""

QUICK_SHARE = 10
TYPED: dict[str, Callable[[str], str]] = {
    "as written": str,
    "no accents": without_accents,
    "in a hurry": in_a_hurry(1),
}
Search = Callable[[str], Awaitable[tuple[list[int], float]]]


@dataclass(frozen=True, slots=True)
class Row:
    """One way of searching, on one set typed in one way; `seconds` are of its SQL, p50 and p95."""

    questions: str
    typed: str
    name: str
    quality: Quality
    seconds: tuple[float, float]


def run(*, quick: bool = False) -> list[Row]:
    """Measure all, ours first within each set and way of typing."""
    log.configure(level="ERROR")
    with ephemeral_servers() as servers:
        servers.postgres.create_database("retrieval")
        url = servers.postgres.url("retrieval")
        upgrade(url)
        return asyncio.run(_measure_all(url, quick=quick))


async def _measure_all(url: str, *, quick: bool) -> list[Row]:
    rows: list[Row] = []
    for name, share in SETS.items():
        asked = load(name)
        async with _connected(url) as connection:
            searches = await _prepare(connection, asked)
            for typed, how in TYPED.items():
                questions = asked.typed(how).questions[:: share * (QUICK_SHARE if quick else 1)]
                rows += [
                    Row(name, typed, label, *await _measure(one, questions))
                    for label, one in searches.items()
                ]
    return rows


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Connection]:
    database = Database(url)
    async with database.engine.connect() as connection:
        raw = await connection.get_raw_connection()
        assert raw.driver_connection is not None
        yield raw.driver_connection
    await database.dispose()


async def _prepare(connection: Connection, asked: QuestionSet) -> dict[str, Search]:
    """Store the passages for everybody; who searches, by name."""
    embedder = HashedNgrams()
    await corpus.store(connection, asked.name, asked.passages, embedder)
    await baselines.store(connection, asked.passages)
    await connection.execute("ANALYZE")
    numbers = await _numbers(connection, asked)
    searches = {
        "COGEP, words and hashed n-grams": _ours(connection, asked, numbers, embedder),
        "COGEP, words alone": _ours(connection, asked, numbers, None),
    }
    return searches | {one.name: _theirs(connection, one) for one in baselines.BASELINES}


async def _numbers(connection: Connection, asked: QuestionSet) -> dict[int, int]:
    """The number of each stored chunk's passage."""
    rows = await connection.fetch(
        """SELECT c.id, c.header, c.body FROM ai.chunks c JOIN ai.namespaces n ON n.id = c.namespace_id
           WHERE n.name = $1""",
        asked.name,
    )
    number = {passage: number for number, passage in enumerate(asked.passages)}
    return {row["id"]: number[row["header"], row["body"]] for row in rows}


def _ours(
    connection: Connection, asked: QuestionSet, numbers: dict[int, int], embedder: HashedNgrams | None
) -> Search:
    async def search_ours(question: str) -> tuple[list[int], float]:
        dense = embedder and DenseQuestion(
            embedder.provider,
            embedder.name,
            await embedder.embed_query(question),
            *fusion_of(embedder.provider),
        )
        start = perf_counter()
        found = await search(
            connection, question, namespace=asked.name, filters=Filters(), dense=dense or None
        )
        seconds = perf_counter() - start
        return [numbers[passage.chunk_id] for passage in order(question, found)], seconds

    return search_ours


def _theirs(connection: Connection, baseline: baselines.Baseline) -> Search:
    async def search_theirs(question: str) -> tuple[list[int], float]:
        start = perf_counter()
        found = await baseline.search(connection, question)
        return found, perf_counter() - start

    return search_theirs


async def _measure(one: Search, questions: Sequence[tuple[str, int]]) -> tuple[Quality, tuple[float, float]]:
    ranks: list[int | None] = []
    seconds: list[float] = []
    for question, right in questions:
        found, taken = await one(question)
        ranks.append(found.index(right) if right in found else None)
        seconds.append(taken)
    cuts = quantiles(seconds, n=20)
    return quality(ranks), (cuts[9], cuts[18])


def table(rows: Sequence[Row]) -> Table:
    """The rows for people, with ours over theirs and each over itself as written."""
    shown = Table(title="Retrieval: the passage that answers, among all of its set")
    for column in ("set", "typed", "", "nDCG@10", "R@1", "R@10", "ours is", "kept", "SQL p50", "p95"):
        shown.add_column(column, justify="left" if column in {"set", "typed", ""} else "right")
    written = {(row.questions, row.name): row.quality.ndcg for row in rows if row.typed == "as written"}
    ours: float = 0.0
    for row in rows:
        if row.name == rows[0].name:
            ours = row.quality.ndcg
            shown.add_section()
        shown.add_row(
            row.questions,
            row.typed,
            row.name,
            *(f"{value:.3f}" for value in row.quality),
            f"{ours / row.quality.ndcg:.2f}x" if row.quality.ndcg else "-",
            f"{row.quality.ndcg / (written[row.questions, row.name] or 1):.3f}",
            *(f"{1000 * value:.1f} ms" for value in row.seconds),
        )
    return shown


if __name__ == "__main__":
    Console(width=150).print(table(run(quick="--quick" in sys.argv)))
