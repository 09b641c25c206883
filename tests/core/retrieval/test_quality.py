from benchmarks import corpus
from benchmarks.question_sets import in_a_hurry, load, without_accents
from core.db import Database, driver_connection
from core.embeddings.hashed_ngrams import HashedNgrams
from core.retrieval.metrics import Quality, quality
from core.retrieval.search import retrieve

SHARE = 9  # every ninth question: 100 of them


async def test_native_questions_find_their_passages(database: Database) -> None:
    asked = load("faquad")
    async with database.transaction() as session:
        await corpus.store(await driver_connection(session), "faquad", asked.passages, HashedNgrams())

    async def measure(questions: list[tuple[str, int]]) -> Quality:
        ranks: list[int | None] = []
        for question, right in questions:
            found = await retrieve(database, question, namespace="faquad", top_k=10, embedder=HashedNgrams())
            texts = [passage.text for passage in found.passages]
            text = asked.passages[right][1]
            ranks.append(texts.index(text) if text in texts else None)
        return quality(ranks)

    written = await measure(list(asked.questions[::SHARE]))
    assert written.ndcg > 0.9
    assert await measure(list(asked.typed(without_accents).questions[::SHARE])) == written
    assert (await measure(list(asked.typed(in_a_hurry(1)).questions[::SHARE]))).ndcg > 0.94 * written.ndcg
