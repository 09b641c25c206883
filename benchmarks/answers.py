"""Answers without any language model: is the gold answer in the first cited sentence, and who abstains?

The extractive weights saw only the first half of the translated SQuAD sample; neither FaQuAD nor the
second half took part in any choice.
"""

import asyncio
import html
import json
import random
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby

from rich.console import Console
from rich.table import Table

from benchmarks.corpus import SEPARATOR, store
from benchmarks.question_sets import DATA
from core import log
from core.assistant.abstention import confidence
from core.assistant.evidence import evidence
from core.assistant.extractive import extract
from core.db import Database, driver_connection
from core.embeddings.hashed_ngrams import HashedNgrams
from core.migrations import upgrade
from core.retrieval.analyzer import all_words
from core.retrieval.search import Retrieval, retrieve
from ops.embedded import ephemeral_servers

TOP_K = 8
QUICK_QUESTIONS = 200
SEED = 7
POOL = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, its gold answers, and the passage that holds them: a title and an offset in its text."""

    text: str
    answers: Sequence[str]
    title: str
    offset: int


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Passages (title, text) and what is asked about them."""

    name: str
    passages: Sequence[tuple[str, str]]
    questions: Sequence[Asked]


@dataclass(frozen=True, slots=True)
class Row:
    """Shares of the questions of one set, but for `auroc`."""

    name: str
    questions: int
    answered: float
    """the first cited sentence holds a gold answer"""
    from_passage: float
    """and is of the very passage the question was written for"""
    valid_spans: float
    """citations whose quote is the canonical text at their place"""
    auroc: float
    """of the confidence, once half of the articles are gone: does it know what it can still answer?"""


def run(*, quick: bool = False) -> list[Row]:
    """Measure every set on a database of its own."""
    log.configure(level="ERROR")
    rows = []
    with ephemeral_servers() as servers:
        for number, questions in enumerate((load("faquad"), second_half(load("squad1-pt-sample")))):
            servers.postgres.create_database(f"answers_{number}")
            url = servers.postgres.url(f"answers_{number}")
            upgrade(url)
            rows.append(asyncio.run(_measure(url, _sampled(questions) if quick else questions)))
    return rows


def load(name: str) -> QuestionSet:
    """The set in `data/{name}.json` with its gold answers, entities unescaped."""
    articles = json.loads((DATA / f"{name}.json").read_text("utf-8"))["data"]
    passages: list[tuple[str, str]] = []
    questions: list[Asked] = []
    for article in articles:
        title, offset = html.unescape(article["title"]).replace("_", " "), 0
        for paragraph in article["paragraphs"]:
            text = html.unescape(paragraph["context"])
            passages.append((title, text))
            questions += [_asked(one, title, offset) for one in paragraph["qas"]]
            offset += len(text) + len(SEPARATOR)
    return QuestionSet(name, passages, questions)


def second_half(questions: QuestionSet) -> QuestionSet:
    """All passages, and the questions that no weight was chosen on."""
    titles = list(dict.fromkeys(title for title, _ in questions.passages))
    unseen = set(titles[len(titles) // 2 :])
    held_out = [one for one in questions.questions if one.title in unseen]
    return QuestionSet(f"{questions.name} (second half)", questions.passages, held_out)


def _asked(question: dict[str, object], title: str, offset: int) -> Asked:
    answers = question["answers"]
    assert isinstance(answers, list)
    texts = [html.unescape(answer["text"]) for answer in answers]
    return Asked(html.unescape(str(question["question"])), texts, title, offset)


def _sampled(questions: QuestionSet) -> QuestionSet:
    chosen = random.Random(SEED).sample(questions.questions, QUICK_QUESTIONS)
    return QuestionSet(questions.name, questions.passages, chosen)


async def _measure(url: str, questions: QuestionSet) -> Row:
    async with opened(url) as database:
        texts = await _stored(database, "whole", questions.passages)
        kept = half_of(questions.passages)
        await _stored(database, "half", [passage for passage in questions.passages if passage[0] in kept])
        found = [item async for item in searched(database, "whole", questions.questions)]
        hits = [_judged(asked, retrieval, texts) for asked, retrieval in found]
        confident = [
            (confidence(asked.text, retrieval.passages), asked.title in kept)
            async for asked, retrieval in searched(database, "half", questions.questions)
        ]
    answered, from_passage, valid = (sum(column) / len(hits) for column in zip(*hits, strict=True))
    return Row(questions.name, len(hits), answered, from_passage, valid, auroc(confident))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """A database for the time of a measurement."""
    database = Database(url, pool_size=POOL, statement_timeout=60)
    yield database
    await database.dispose()


async def searched(
    database: Database, namespace: str, questions: Sequence[Asked]
) -> AsyncIterator[tuple[Asked, Retrieval]]:
    """Each question with the passages found for it."""
    embedder = HashedNgrams()
    for asked in questions:
        yield (
            asked,
            await retrieve(database, asked.text, namespace=namespace, top_k=TOP_K, embedder=embedder),
        )


def half_of(passages: Sequence[tuple[str, str]]) -> frozenset[str]:
    """The titles that stay when every second article, in a fixed random order, is removed."""
    titles = sorted({title for title, _ in passages})
    random.Random(SEED).shuffle(titles)
    return frozenset(titles[: len(titles) // 2])


async def _stored(database: Database, namespace: str, passages: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Index the passages; the canonical text of each title."""
    async with database.transaction() as session:
        await store(await driver_connection(session), namespace, passages, HashedNgrams())
    grouped = groupby(passages, key=lambda passage: passage[0])
    return {title: SEPARATOR.join(text for _, text in group) for title, group in grouped}


def _judged(asked: Asked, retrieval: Retrieval, texts: dict[str, str]) -> tuple[bool, bool, float]:
    """(answered, from the right passage, share of valid spans) of one question."""
    cited = extract(asked.text, evidence(retrieval.passages))
    if not cited:
        return False, False, 1.0
    first = cited[0]
    answered = any(_holds(first.text, answer) for answer in asked.answers)
    right = (first.passage.title, first.passage.start) == (asked.title, asked.offset)
    valid = [one.text == texts[one.passage.title][one.start : one.end] for one in cited]
    return answered, answered and right, sum(valid) / len(valid)


def _holds(sentence: str, answer: str) -> bool:
    words = " ".join(all_words(answer))
    return bool(words) and f" {words} " in f" {' '.join(all_words(sentence))} "


def auroc(confident: Sequence[tuple[float, bool]]) -> float:
    """The chance that an answerable question is given more confidence than one that is not (Mann-Whitney)."""
    ranks = dict(_ranks(sorted(value for value, _ in confident)))
    positive = [ranks[value] for value, answerable in confident if answerable]
    negative = len(confident) - len(positive)
    return (sum(positive) - len(positive) * (len(positive) + 1) / 2) / (len(positive) * negative)


def _ranks(values: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Each distinct value with the mean of the ranks it holds."""
    first = 1
    for value, group in groupby(values):
        count = len(list(group))
        yield value, first + (count - 1) / 2
        first += count


def table(rows: Sequence[Row]) -> Table:
    """The rows for people."""
    found = Table("set", "questions", "gold answer cited first", "of its passage", "valid spans", "AUROC")
    for row in rows:
        shares = (row.answered, row.from_passage, row.valid_spans, row.auroc)
        found.add_row(row.name, str(row.questions), *(f"{share:.3f}" for share in shares))
    return found


if __name__ == "__main__":
    Console().print(table(run(quick="--quick" in sys.argv)))
