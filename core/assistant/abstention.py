"""Whether the passages answer the question at all. Below the threshold no model is asked."""

from collections.abc import Sequence

from core.assistant.grams import grams_in
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
    asked = grams_in(content_words(question))
    return max((_confidence(asked, passage) for passage in passages), default=0.0)


def answerable(question: str, passages: Sequence[Passage]) -> bool:
    """Whether it is worth answering `question` from `passages`."""
    return confidence(question, passages) >= LEAST_CONFIDENCE


def _confidence(asked: frozenset[str], passage: Passage) -> float:
    found = grams_in(content_words(f"{passage.header} {passage.text}"))
    share = len(asked & found) / len(asked) if asked else 0.0
    return (min(passage.coverage, 1.0) + share) / 2
