"""Full-text search as well-known systems ship it, in the same Postgres over the same passages.

The shapes of their statements are theirs; chunk, title and index are given to all alike.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.db import Connection

LIMIT = 50


@dataclass(frozen=True, slots=True)
class Baseline:
    """`query` turns a question into the text of `statement`'s parameter $1."""

    name: str
    column: str
    statement: str
    query: Callable[[str], str]

    async def search(self, connection: Connection, question: str) -> list[int]:
        """The numbers of the passages found, best first."""
        rows = await connection.fetch(self.statement, self.query(question), LIMIT)
        return [row["number"] for row in rows]


def _any_word(question: str) -> str:
    return " | ".join(re.findall(r"\w+", question))


def _shape(column: str, query: str, rank: str) -> str:
    return f"""SELECT number FROM baseline.passages, (SELECT {query} AS query) AS asked
               WHERE {column} @@ query ORDER BY {rank} DESC, number LIMIT $2"""


BASELINES: Sequence[Baseline] = (
    Baseline(
        "Portuguese, any word, ts_rank",
        "portuguese",
        _shape(
            "portuguese",
            "replace(plainto_tsquery('portuguese', $1)::text, ' & ', ' | ')::tsquery",
            "ts_rank(portuguese, query)",
        ),
        str,
    ),
    Baseline(
        "LlamaIndex default (English, any word)",
        "english",
        _shape("english", "to_tsquery('english', $1)", "ts_rank(english, query)"),
        _any_word,
    ),
    Baseline(
        "R2R's text leg (English, all words)",
        "english",
        _shape("english", "websearch_to_tsquery('english', $1)", "ts_rank(english, query, 32)"),
        str,
    ),
)


async def store(connection: Connection, passages: Sequence[tuple[str, str]]) -> None:
    """Store the passages for all baselines, with the indexes their statements can use."""
    await connection.execute(
        """DROP SCHEMA IF EXISTS baseline CASCADE;
           CREATE SCHEMA baseline;
           CREATE TABLE baseline.passages (number integer, english tsvector, portuguese tsvector)"""
    )
    await connection.executemany(
        """INSERT INTO baseline.passages
           VALUES ($1, to_tsvector('english', $2::text), to_tsvector('portuguese', $2::text))""",
        [(number, f"{title}. {text}") for number, (title, text) in enumerate(passages)],
    )
    await connection.execute(
        """CREATE INDEX ON baseline.passages USING gin (english);
           CREATE INDEX ON baseline.passages USING gin (portuguese);
           ANALYZE baseline.passages"""
    )
