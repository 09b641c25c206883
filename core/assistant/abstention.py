"""Whether the passages answer the question at all. Below the threshold no model is asked."""

from collections.abc import Sequence

from core.retrieval.passages import Passage

NOT_FOUND = "Não encontrei essa informação nos documentos disponíveis."
OFFER = "Posso abrir um chamado para que uma pessoa da equipe responda."
LEAST_COVERAGE = 0.35


def answerable(passages: Sequence[Passage]) -> bool:
    """Whether it is worth answering from `passages`."""
    return max((passage.coverage for passage in passages), default=0.0) >= LEAST_COVERAGE
