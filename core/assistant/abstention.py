"""Whether the passages answer the question at all. Below the threshold no model is asked."""

from collections.abc import Collection, Sequence
from functools import lru_cache

from core.assistant.grams import grams_of, line_of
from core.retrieval.analyzer import content_words
from core.retrieval.passages import Passage

NOT_FOUND = "Não encontrei essa informação nos documentos disponíveis."
OFFER = "Posso abrir um chamado para que uma pessoa da equipe responda."

LEAST_CONFIDENCE = 0.45
"""Refuses about 3 % of the answerable questions of the translated SQuAD sample and 80 % of the others."""


def confidence(question: str, passages: Sequence[Passage]) -> float:
    """How much of the question the best passage speaks of, in 0..1.

    The mean of two views: its words by rarity (`coverage`), and its letters, which forgive other forms.
    """
    asked = {gram for word in content_words(question) for gram in grams_of(word)}
    return max((_confidence(asked, passage) for passage in passages), default=0.0)


def answerable(question: str, passages: Sequence[Passage]) -> bool:
    """Whether it is worth answering `question` from `passages`."""
    return confidence(question, passages) >= LEAST_CONFIDENCE


def _confidence(asked: Collection[str], passage: Passage) -> float:
    line = _line(passage.header, passage.text)
    share = sum(gram in line for gram in asked) / len(asked) if asked else 0.0
    return (min(passage.coverage, 1.0) + share) / 2


@lru_cache(maxsize=512)
def _line(header: str, text: str) -> str:
    return line_of(content_words(f"{header} {text}"))
